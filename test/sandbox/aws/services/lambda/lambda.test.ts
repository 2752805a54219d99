import { Duration, Stack } from 'aws-cdk-lib';
import { PolicyStatement, Effect } from 'aws-cdk-lib/aws-iam';
import { Code, Function, FunctionProps, LoggingFormat, ApplicationLogLevel, Runtime } from 'aws-cdk-lib/aws-lambda';
import { LocalCloud } from '../../../../../sandbox/aws/cloud';
import { CloudEvent } from '../../../../../sandbox/aws/core/service';
import { Workspace } from '../../testing';

const SOURCE = `
exports.echo = async (event, { awsRequestId: id, functionName: name, memoryLimitInMB: memory }) =>
  ({ event, id, name, memory });
exports.fail = async () => { throw new TypeError('broken'); };
exports.reject = async () => { throw 'just text'; };
exports.hang = () => new Promise(() => setTimeout(() => {}, 60000));
exports.exit = async () => { process.exit(3); };
exports.stray = async () => {
  Promise.reject(new Error('stray'));
  await new Promise(resolve => setTimeout(resolve, 1000));
};
exports.big = async () => 'x'.repeat(7 * 1024 * 1024);
exports.nothing = async () => {};
exports.callback = (event, context, callback) => callback(null, 'called back');
exports.environment = async () => process.env;
let count = 0;
exports.count = async () => ({ count: ++count, pid: process.pid });
exports.slow = async () => { await new Promise(resolve => setTimeout(resolve, 300)); return process.pid; };
exports.log = async () => {
  console.log('first\\nsecond');
  console.error('to stderr');
  const metrics = [{ Namespace: 'App', Dimensions: [[]], Metrics: [{ Name: 'done' }] }];
  const record = { _aws: { Timestamp: Date.now(), CloudWatchMetrics: metrics }, done: 2 };
  process.stdout.write(JSON.stringify(record) + '\\n');
};
exports.unbundled = async () => { require('constructs'); };
`;

describe('functions', () => {
  const workspace = new Workspace();
  const events: CloudEvent[] = [];
  let cloud: LocalCloud;
  const names = new Map<string, string>();

  function define(stack: Stack, id: string, props: Partial<FunctionProps> = {}): Function {
    return new Function(stack, id, {
      runtime: Runtime.NODEJS_24_X,
      handler: `index.${id.toLowerCase()}`,
      code: Code.fromAsset(workspace.code('functions', { 'index.js': SOURCE, 'broken.js': 'syntax error here' })),
      ...props,
    });
  }

  beforeAll(async () => {
    cloud = await LocalCloud.start();
    cloud.onEvent(event => events.push(event));
    const stack = await cloud.deploy({
      assembly: workspace.synth(target => {
        [
          'Echo', 'Fail', 'Reject', 'Exit', 'Stray', 'Big', 'Nothing', 'Callback', 'Count', 'Log', 'Missing',
          'Unbundled',
        ].forEach(id => define(target, id));
        define(target, 'Environment', { environment: { OWN: 'value' } });
        define(target, 'Slow', { reservedConcurrentExecutions: 2 });
        define(target, 'Hang', { timeout: Duration.seconds(1) });
        define(target, 'NoModule', { handler: 'nowhere.handler' });
        define(target, 'Syntax', { handler: 'broken.handler' });
        define(target, 'Old', { handler: 'index.callback', runtime: Runtime.NODEJS_22_X });
        define(
          target,
          'JsonLog',
          { handler: 'index.log', loggingFormat: LoggingFormat.JSON, applicationLogLevelV2: ApplicationLogLevel.ERROR },
        );
        define(target, 'Mute', { handler: 'index.log' })
          .addToRolePolicy(new PolicyStatement({ effect: Effect.DENY, actions: ['logs:*'], resources: ['*'] }));
      }),
    });
    stack.byType('AWS::Lambda::Function').forEach(({ logicalId, physicalId }) => names.set(logicalId.replace(/[0-9A-F]{8}$/, ''), physicalId));
  });
  afterAll(async () => {
    await cloud.close();
    workspace.remove();
  });

  const name = (id: string): string => names.get(id) ?? id;
  const invoke = async (id: string, event: unknown = {}): Promise<{ error?: string; payload: unknown }> => {
    const { payload, functionError } = await cloud.services.lambda.invoke(name(id), event);
    return { error: functionError, payload: JSON.parse(payload) as unknown };
  };
  const log = (id: string): string[] => cloud.logs(`/aws/lambda/${name(id)}`).map(event => event.message);

  test('answer with what the handler returns, and know their context', async () => {
    expect(await invoke('Echo', { a: 1 })).toEqual({ error: undefined, payload: { event: { a: 1 }, id: expect.stringMatching(/^[0-9a-f-]{36}$/), name: name('Echo'), memory: '128' } });
  });

  test('answer null for nothing', async () => {
    expect((await invoke('Nothing')).payload).toBeNull();
  });

  test.each<[string, string, object]>([
    ['an error', 'Fail', {
      errorType: 'TypeError',
      errorMessage: 'broken',
      trace: expect.arrayContaining([expect.stringContaining('TypeError: broken')]),
    }],
    ['something that is no error', 'Reject', { errorType: 'string', errorMessage: 'just text', trace: [] }],
    ['the end of the process', 'Exit', { errorType: 'Runtime.ExitError', errorMessage: expect.stringMatching(/^RequestId: \S+ Error: Runtime exited with error: exit status 3$/) }],
    ['a rejection that nobody handles', 'Stray',
      { errorType: 'Runtime.UnhandledPromiseRejection', errorMessage: 'Error: stray' }],
    ['too long an answer', 'Big', { errorType: 'Function.ResponseSizeTooLarge' }],
    ['a timeout', 'Hang', { errorType: 'Sandbox.Timedout', errorMessage: expect.stringMatching(/Error: Task timed out after 1\.00 seconds$/) }],
    ['a handler that isn\'t exported', 'Missing',
      { errorType: 'Runtime.HandlerNotFound', errorMessage: 'index.missing is undefined or not exported' }],
    ['a module that isn\'t there', 'NoModule',
      { errorType: 'Runtime.ImportModuleError', errorMessage: 'Error: Cannot find module \'nowhere\'' }],
    ['a syntax error', 'Syntax', { errorType: 'Runtime.UserCodeSyntaxError' }],
    ['a callback handler on Node 24', 'Callback', { errorType: 'Runtime.CallbackHandlerDeprecated' }],
    ['a module that was not bundled', 'Unbundled',
      { errorMessage: expect.stringContaining('Cannot find module \'constructs\'') }],
  ])('fail with %s', async (_, id, payload) => {
    expect(await invoke(id)).toEqual({ error: 'Unhandled', payload: expect.objectContaining(payload) });
  });

  test('take callbacks on Node 22', async () => {
    expect((await invoke('Old')).payload).toBe('called back');
  });

  test('work again after a timeout or an exit', async () => {
    await invoke('Exit');
    expect((await invoke('Exit')).payload).toMatchObject({ errorType: 'Runtime.ExitError' });
    expect(log('Hang')).toContainEqual(expect.stringContaining('Task timed out after 1.00 seconds'));
  });

  test('keep their process from one invocation to the next', async () => {
    const [first, second] = [(await invoke('Count')).payload, (await invoke('Count')).payload];
    expect([first, second])
      .toEqual([{ count: 1, pid: expect.any(Number) }, { count: 2, pid: (first as { pid: number }).pid }]);
  });

  test('scale out up to their reserved concurrency, and fail beyond it', async () => {
    const answers = await Promise.allSettled([invoke('Slow'), invoke('Slow'), invoke('Slow')]);
    expect(answers.map(answer => answer.status)).toEqual(['fulfilled', 'fulfilled', 'rejected']);
    expect(answers[2]).toMatchObject({ reason: { code: 'TooManyRequestsException', status: 429 } });
    expect(cloud.metrics.sum('AWS/Lambda', 'Throttles', { FunctionName: name('Slow') })).toBe(1);
  });

  test('have the environment of Lambda and nothing of this process\'s', async () => {
    const environment = (await invoke('Environment')).payload as Record<string, string>;
    expect(environment).toMatchObject({
      OWN: 'value',
      AWS_LAMBDA_FUNCTION_NAME: name('Environment'),
      _HANDLER: 'index.environment',
      AWS_REGION: 'eu-west-1',
      TZ: ':UTC',
      AWS_EXECUTION_ENV: 'AWS_Lambda_nodejs24.x',
    });
    expect(Object.keys(environment)).not.toEqual(expect.arrayContaining(['HOME']));
    expect(Object.keys(environment).filter(key => /^(npm_|JEST|LOCAL_CLOUD|NODE_CHANNEL)/.test(key))).toEqual([]);
  });

  test('have their output in the log group, an event a call', async () => {
    await invoke('Log');
    expect(log('Log')).toEqual(expect.arrayContaining([expect.stringMatching(/\tINFO\tfirst\nsecond$/), expect.stringMatching(/\tERROR\tto stderr$/)]));
  });

  test('have metrics of their own and those that they embed in the log', async () => {
    expect(cloud.metrics.sum('App', 'done')).toBe(2);
    expect(cloud.metrics.sum('AWS/Lambda', 'Errors', { FunctionName: name('Fail') })).toBe(1);
  });

  test('log JSON from the level that is set', async () => {
    await invoke('JsonLog');
    const lines = log('JsonLog').map(line => JSON.parse(line) as Record<string, unknown>);
    expect(lines.filter(line => line.level !== undefined))
      .toEqual([expect.objectContaining({ level: 'ERROR', message: 'to stderr' })]);
    expect(lines.map(line => line.type)).toEqual(expect.arrayContaining(['platform.start', 'platform.report']));
  });

  test('lose their log without the permission to write it, and the cloud says so', async () => {
    await invoke('Mute');
    expect(events).toContainEqual(expect.objectContaining({
      kind: 'log-lost',
      resource: name('Mute'),
      text: expect.stringContaining('with an explicit deny in an identity-based policy'),
    }));
  });

  test('are tried three times when invoked asynchronously', async () => {
    const failures = (): number =>
      events.filter(event => event.kind === 'async-failed' && event.resource === name('Fail')).length;
    expect(await cloud.call('lambda', 'Invoke', { FunctionName: name('Fail'), InvocationType: 'Event', Payload: '{}' }))
      .toMatchObject({ StatusCode: 202 });
    for (const attempts of [1, 2, 3]) {
      while (failures() < attempts) {
        cloud.clock.advance(60_000);
        await new Promise(resolve => setTimeout(resolve, 20));
      }
    }
    await cloud.idle();
    expect(failures()).toBe(3);
  });

  test.each<[string, object, string]>([
    ['over 6 MB', { Payload: JSON.stringify('x'.repeat(6 * 1024 * 1024)) },
      'Request must be smaller than 6291456 bytes'],
    ['over 1 MB, asynchronously', { InvocationType: 'Event', Payload: JSON.stringify('x'.repeat(1024 * 1024)) },
      'Request must be smaller than 1048576 bytes'],
    ['that is no JSON', { Payload: '{' }, 'Could not parse request body into json'],
  ])('reject a payload %s', async (_, input, message) => {
    await expect(cloud.call('lambda', 'Invoke', { FunctionName: name('Echo'), ...input })).rejects.toThrow(message);
  });
});
