import { embeddedMetrics } from './emf';
import { CoreContext } from '../../core/context';
import { list, number, optionalNumber, optionalString, record, string } from '../../core/json';
import { physicalName } from '../../core/naming';
import { AwsError, Input, Resource, ResourceProvider, ResourceRequest, ServiceModule } from '../../core/service';

export interface LogEvent {
  readonly timestamp: number;
  readonly stream: string;
  readonly message: string;
}

interface LogGroup {
  readonly name: string;
  retentionInDays?: number;
  /** Recorded: nothing is encrypted here. */
  kmsKeyId?: string;
  readonly streams: Map<string, LogEvent[]>;
}

export interface Logs extends ServiceModule {
  readonly groups: ReadonlyMap<string, LogGroup>;
  /**
   * Every event of a group in order of arrival, also of one that was deleted.
   *
   * @throws when there never was such a group
   */
  events(group: string): readonly LogEvent[];
}

/** https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-logs-loggroup.html */
const RETENTIONS = [
  1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653,
];

/** CloudWatch Logs: groups of the template, and the writing side of the API. */
export function createLogs(context: CoreContext): Logs {
  const groups = new Map<string, LogGroup>();
  const arrivals = new Map<string, LogEvent[]>();
  const arn = (group: string): string =>
    `arn:${context.partition}:logs:${context.region}:${context.account}:log-group:${group}`;
  const find = (name: string): LogGroup => {
    const group = groups.get(name);
    if (!group) { throw new AwsError('ResourceNotFoundException', 'The specified log group does not exist.'); }
    return group;
  };
  const create = (name: string, retentionInDays?: number): void => {
    if (groups.has(name)) {
      throw new AwsError('ResourceAlreadyExistsException', 'The specified log group already exists');
    }
    groups.set(name, { name, retentionInDays, streams: new Map() });
    arrivals.set(name, []);
  };
  const put = async (input: Input): Promise<object> => {
    const group = find(groupName(input));
    const stream = group.streams.get(string(input.logStreamName, 'logStreamName'));
    if (!stream) { throw new AwsError('ResourceNotFoundException', 'The specified log stream does not exist.'); }
    for (const item of list(input.logEvents, 'logEvents')) {
      const { timestamp, message } = record(item, 'logEvents');
      const event = {
        timestamp: number(timestamp, 'timestamp'),
        stream: String(input.logStreamName),
        message: string(message, 'message'),
      };
      stream.push(event);
      arrivals.get(group.name)?.push(event);
      for (const metric of embeddedMetrics(event.message)) {
        await context.call(
          { service: 'logs.amazonaws.com', arn: 'logs.amazonaws.com' },
          'monitoring',
          'EmitServiceMetrics',
          metric,
        );
      }
    }
    return { nextSequenceToken: String(stream.length) };
  };
  return {
    groups,
    events: group => {
      const events = arrivals.get(group);
      if (!events) { throw new Error(`no log group '${group}'; there are ${[...arrivals.keys()].join(', ')}`); }
      return events;
    },
    providers: [logGroupProvider(context, groups, create, arn)],
    service: {
      name: 'logs',
      targetPrefix: 'Logs_20140328',
      jsonVersion: '1.1',
      // Access logs of HTTP APIs are delivered by this service; API Gateway writes the policy
      // itself when the stage is created:
      // https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/AWS-logs-and-resource-policy.html
      resourcePolicy: resource => ({
        Version: '2012-10-17',
        Id: 'aws:delivery',
        Statement: [{
          Effect: 'Allow',
          Principal: { Service: 'delivery.logs.amazonaws.com' },
          Action: ['logs:CreateLogStream', 'logs:PutLogEvents'],
          Resource: resource,
        }],
      }),
      operations: {
        CreateLogGroup: {
          permissions: input => [{ action: 'logs:CreateLogGroup', resource: `${arn(groupName(input))}:log-stream:` }],
          handle: input => { create(groupName(input)); return {}; },
        },
        CreateLogStream: {
          permissions: input => [{ action: 'logs:CreateLogStream', resource: `${arn(groupName(input))}:log-stream:` }],
          handle: input => {
            const group = find(groupName(input));
            const stream = string(input.logStreamName, 'logStreamName');
            if (group.streams.has(stream)) {
              throw new AwsError('ResourceAlreadyExistsException', 'The specified log stream already exists');
            }
            group.streams.set(stream, []);
            return {};
          },
        },
        PutLogEvents: {
          permissions: input => [{
            action: 'logs:PutLogEvents',
            resource: `${arn(groupName(input))}:log-stream:${String(input.logStreamName)}`,
          }],
          handle: put,
        },
      },
    },
  };
}

function groupName(input: Input): string {
  return string(input.logGroupName, 'logGroupName');
}

function logGroupProvider(
  context: CoreContext,
  groups: Map<string, LogGroup>,
  create: (name: string, retention?: number) => void,
  arn: (name: string) => string,
): ResourceProvider {
  const retention = (value: unknown): number | undefined => {
    const days = optionalNumber(value, 'RetentionInDays');
    if (days !== undefined && !RETENTIONS.includes(days)) {
      throw new AwsError('InvalidParameterException', `RetentionInDays ${days} is not one of ${RETENTIONS.join(', ')}`);
    }
    return days;
  };
  const configure = (name: string, { properties }: ResourceRequest): void => {
    const group = groups.get(name);
    if (!group) { return; }
    group.retentionInDays = retention(properties.RetentionInDays);
    group.kmsKeyId = optionalString(properties.KmsKeyId, 'KmsKeyId');
  };
  const made = (request: ResourceRequest): Resource => {
    const given = optionalString(request.properties.LogGroupName, 'LogGroupName');
    const group = given ?? physicalName(context, request, 512);
    if (!/^[A-Za-z0-9_/.#-]{1,512}$/.test(group)) {
      throw new AwsError('InvalidParameterException', `LogGroupName '${group}' is not a name`);
    }
    create(group, retention(request.properties.RetentionInDays));
    configure(group, request);
    return { physicalId: group, attributes: { Arn: `${arn(group)}:*` } };
  };
  return {
    type: 'AWS::Logs::LogGroup',
    properties: ['LogGroupName', 'RetentionInDays', 'LogGroupClass', 'KmsKeyId', 'Tags'],
    create: made,
    // Another name is another group: CloudFormation replaces it.
    update: (request, previous, before) => {
      if (before.LogGroupName !== request.properties.LogGroupName) { return made(request); }
      configure(previous.physicalId, request);
      return previous;
    },
    // Its events stay readable through the handle until the cloud ends: a test asks for them after the stack is gone.
    delete: resource => { groups.delete(resource.physicalId); },
  };
}
