import { parseSchedule, ScheduleExpression } from './schedule-expression';
import { CoreContext } from '../../core/context';
import { onlyKeys, optionalNumber, optionalRecord, optionalString, record, string } from '../../core/json';
import { physicalName, urlSuffix } from '../../core/naming';
import { AwsError, Principal, ResourceProvider, ServiceModule } from '../../core/service';

interface Schedule {
  readonly name: string;
  readonly enabled: boolean;
  readonly expression: ScheduleExpression;
  readonly targetArn: string;
  readonly roleArn: string;
  readonly input: string;
  readonly attempts: number;
  readonly maximumAgeMs: number;
  readonly deadLetterArn?: string;
}

export interface Scheduler extends ServiceModule {
  readonly names: readonly string[];
  /** Runs a schedule now, by name or logical id; resolves when its target took the event or the last attempt failed. */
  fire(name: string): Promise<void>;
}

const FILE = 'services/scheduler/scheduler.ts';

/** EventBridge Scheduler: https://docs.aws.amazon.com/scheduler/latest/UserGuide/what-is-scheduler.html */
export function createScheduler(context: CoreContext): Scheduler {
  const schedules = new Map<string, Schedule>();
  const timers = new Map<string, AbortController>();
  const logicalIds = new Map<string, string>();
  let running = 0;
  const run = async (schedule: Schedule): Promise<void> => {
    running++;
    try {
      await fire(context, schedule);
    } finally {
      running--;
    }
  };
  const start = (schedule: Schedule): void => {
    stop(schedule.name);
    schedules.set(schedule.name, schedule);
    const timer = new AbortController();
    timers.set(schedule.name, timer);
    if (schedule.enabled) { void tick(context, schedule, run, timer.signal); }
  };
  const stop = (name: string): void => {
    timers.get(name)?.abort();
    timers.delete(name);
    schedules.delete(name);
  };
  return {
    get names() { return [...schedules.keys()]; },
    fire: async name => {
      const schedule = schedules.get(name) ?? schedules.get(logicalIds.get(name) ?? '');
      if (!schedule) {
        throw new Error(`no schedule '${name}'; there are ${[...schedules.keys(), ...logicalIds.keys()].join(', ')}`);
      }
      await run(schedule);
    },
    providers: [scheduleProvider(context, { start, stop, schedules, logicalIds })],
    busy: () => running > 0,
    close: () => timers.forEach(timer => timer.abort()),
  };
}

async function tick(
  context: CoreContext,
  schedule: Schedule,
  run: (schedule: Schedule) => Promise<void>,
  signal: AbortSignal,
): Promise<void> {
  const created = context.clock.now();
  let last = created;
  while (!signal.aborted) {
    const next = schedule.expression.next(last, created);
    // Timers end at 24.8 days.
    while (context.clock.now() < next && !signal.aborted) {
      await context.clock.sleep(Math.min(next - context.clock.now(), 2_000_000_000), signal);
    }
    if (signal.aborted) { return; }
    last = context.clock.now();
    await run(schedule);
  }
}

/**
 * Takes on the schedule's role and calls the target, again and again as the retry policy
 * says, then the dead-letter queue.
 */
async function fire(context: CoreContext, schedule: Schedule): Promise<void> {
  const deadline = context.clock.now() + schedule.maximumAgeMs;
  let problem = '';
  for (let attempt = 0; attempt <= schedule.attempts && context.clock.now() <= deadline; attempt++) {
    try {
      await deliver(context, assume(context, schedule), schedule.targetArn, schedule.input);
      context.emit({ source: 'scheduler', resource: schedule.name, kind: 'fired', text: schedule.input });
      return;
    } catch (error) {
      if (!(error instanceof AwsError)) { throw error; }
      problem = `${error.code}: ${error.message}`;
      context.emit({ source: 'scheduler', resource: schedule.name, kind: 'failed', text: problem });
      // A refusal doesn't change by itself; AWS too retries only what may pass: throttling and server errors.
      if (error.status < 500 && error.status !== 429) { break; }
      await context.clock.sleep(1000 * 2 ** Math.min(attempt, 6));
    }
  }
  if (schedule.deadLetterArn !== undefined) {
    await deliver(context, assume(context, schedule), schedule.deadLetterArn, schedule.input);
  }
}

function assume(context: CoreContext, schedule: Schedule): Principal {
  // The role may be limited to one schedule group; that is what the service says it acts for:
  // https://docs.aws.amazon.com/scheduler/latest/UserGuide/cross-service-confused-deputy-prevention.html
  const sourceArn = `arn:${context.partition}:scheduler:${context.region}:${context.account}:schedule-group/default`;
  return context.assumeRole(schedule.roleArn, schedule.name, { service: 'scheduler.amazonaws.com', sourceArn });
}

async function deliver(context: CoreContext, caller: Principal, arn: string, input: string): Promise<void> {
  const service = arn.split(':')[2];
  if (service === 'sqs') {
    const url = `https://sqs.${context.region}.${urlSuffix(context.partition)}/${context.account}/${arn.split(':')[5]}`;
    await context.call(caller, 'sqs', 'SendMessage', { QueueUrl: url, MessageBody: input });
  } else {
    await context.call(caller, 'lambda', 'Invoke', { FunctionName: arn, InvocationType: 'Event', Payload: input });
  }
}

interface Table {
  readonly schedules: ReadonlyMap<string, Schedule>;
  readonly logicalIds: Map<string, string>;
  start(schedule: Schedule): void;
  stop(name: string): void;
}

function scheduleProvider(context: CoreContext, table: Table): ResourceProvider {
  return {
    type: 'AWS::Scheduler::Schedule',
    properties: [
      'Description', 'FlexibleTimeWindow', 'Name', 'ScheduleExpression', 'ScheduleExpressionTimezone', 'State',
      'Target',
    ],
    create: request => {
      const name = optionalString(request.properties.Name, 'Name') ?? physicalName(context, request, 64);
      if (table.schedules.has(name)) {
        throw new AwsError('ConflictException', `Schedule ${name} already exists.`, 409);
      }
      table.start(parse(context, name, request.properties));
      table.logicalIds.set(request.logicalId, name);
      return {
        physicalId: name,
        attributes: {
          Arn: `arn:${context.partition}:scheduler:${context.region}:${context.account}:schedule/default/${name}`,
        },
      };
    },
    update: (request, previous) => {
      table.start(parse(context, previous.physicalId, request.properties));
      return previous;
    },
    delete: (resource, request) => {
      table.stop(resource.physicalId);
      table.logicalIds.delete(request.logicalId);
    },
  };
}

function parse(context: CoreContext, name: string, properties: Readonly<Record<string, unknown>>): Schedule {
  const target = record(properties.Target, 'Target');
  onlyKeys(target, ['Arn', 'RoleArn', 'Input', 'RetryPolicy', 'DeadLetterConfig', 'SqsParameters'], 'Target', FILE);
  onlyKeys(optionalRecord(target.SqsParameters, 'SqsParameters'), [], 'SqsParameters', FILE);
  const window = record(properties.FlexibleTimeWindow, 'FlexibleTimeWindow');
  if (window.Mode !== 'OFF') {
    throw new Error(`FlexibleTimeWindow ${String(window.Mode)} isn't modelled (OFF is); add it in sandbox/aws/${FILE}`);
  }
  const timezone = optionalString(properties.ScheduleExpressionTimezone, 'ScheduleExpressionTimezone') ?? 'UTC';
  if (timezone !== 'UTC' && timezone !== 'Etc/UTC') {
    throw new Error(`ScheduleExpressionTimezone ${timezone} isn't modelled (UTC is); add it in sandbox/aws/${FILE}`);
  }
  const targetArn = string(target.Arn, 'Target.Arn');
  if (!/^arn:[^:]+:(sqs|lambda):/.test(targetArn)) { throw new Error(`Target ${targetArn} isn't modelled (queues and functions are); add it in sandbox/aws/${FILE}`); }
  const retry = optionalRecord(target.RetryPolicy, 'RetryPolicy');
  onlyKeys(retry, ['MaximumEventAgeInSeconds', 'MaximumRetryAttempts'], 'RetryPolicy', FILE);
  const deadLetter = optionalRecord(target.DeadLetterConfig, 'DeadLetterConfig');
  onlyKeys(deadLetter, ['Arn'], 'DeadLetterConfig', FILE);
  const schedule: Schedule = {
    name,
    enabled: properties.State !== 'DISABLED',
    expression: parseSchedule(string(properties.ScheduleExpression, 'ScheduleExpression')),
    targetArn,
    roleArn: string(target.RoleArn, 'Target.RoleArn'),
    input: optionalString(target.Input, 'Target.Input') ?? '{}',
    attempts: optionalNumber(retry.MaximumRetryAttempts, 'MaximumRetryAttempts') ?? 185,
    maximumAgeMs: 1000 * (optionalNumber(retry.MaximumEventAgeInSeconds, 'MaximumEventAgeInSeconds') ?? 86_400),
    deadLetterArn: optionalString(deadLetter.Arn, 'DeadLetterConfig.Arn'),
  };
  try {
    assume(context, schedule);
  } catch (error) {
    if (!(error instanceof AwsError)) { throw error; }
    throw new AwsError(
      'ValidationException',
      `The execution role you provide must allow AWS EventBridge Scheduler to assume the role. (${error.message})`,
    );
  }
  return schedule;
}
