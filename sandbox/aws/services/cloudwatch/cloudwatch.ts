import { Alarm, alarmProvider, AlarmState, alarmState, parseAlarm } from './alarm';
import { Datum, isMetric } from './metrics';
import { CoreContext } from '../../core/context';
import { isRecord, number, record, string } from '../../core/json';
import { urlSuffix } from '../../core/naming';
import { AwsError, Input, ServiceModule } from '../../core/service';

export interface CloudWatch extends ServiceModule {
  readonly data: readonly Datum[];
  /** Sum of a metric's values, over all time; dimensions must match exactly when given. */
  sum(namespace: string, name: string, dimensions?: Readonly<Record<string, string>>): number;
  /** Evaluates every alarm now. */
  alarms(): Promise<readonly AlarmState[]>;
}

/** Metrics and alarms. Alarms are evaluated when somebody asks, over the data of their periods until then. */
export function createCloudWatch(context: CoreContext): CloudWatch {
  const data: Datum[] = [];
  const alarms = new Map<string, Alarm>();
  const store = (input: Input): void => {
    const values: readonly unknown[] = Array.isArray(input.Values) ? input.Values : [input.Value];
    const dimensions = Object.fromEntries(
      Object.entries(record(input.Dimensions ?? {}, 'Dimensions')).map(([key, value]) => [key, String(value)]),
    );
    const timestamp = input.Timestamp === undefined ? context.clock.now() : number(input.Timestamp, 'Timestamp');
    values.forEach(value => data.push({
      namespace: string(input.Namespace, 'Namespace'),
      name: string(input.MetricName, 'MetricName'),
      dimensions,
      value: number(value, 'Value'),
      timestamp,
    }));
  };
  return {
    data,
    sum: (namespace, name, dimensions) => data
      .filter(datum => isMetric(datum, namespace, name, dimensions))
      .reduce((total, datum) => total + datum.value, 0),
    alarms: async () => {
      const states: AlarmState[] = [];
      for (const alarm of alarms.values()) {
        await sampleQueue(context, alarm, data);
        states.push(alarmState(alarm, data, context.clock.now()));
      }
      states.forEach(state =>
        context.emit({ source: 'cloudwatch', resource: state.name, kind: state.state, text: state.reason }));
      return states;
    },
    providers: [alarmProvider(context, {
      put: (name, properties) => { alarms.set(name, parseAlarm(name, properties)); },
      remove: name => { alarms.delete(name); },
    })],
    service: {
      name: 'monitoring',
      operations: {
        // What AWS services publish about themselves and what CloudWatch Logs finds in log
        // events; no permission is involved.
        EmitServiceMetrics: {
          permissions: () => [],
          handle: (input, caller) => {
            if (caller.service === undefined) {
              throw new AwsError('InvalidParameterValue', 'Only services publish their own metrics');
            }
            store(input);
            return {};
          },
        },
      },
    },
  };
}

/** SQS publishes the depth of a queue as it is now; other metrics arrive as they happen. */
async function sampleQueue(context: CoreContext, alarm: Alarm, data: Datum[]): Promise<void> {
  if (alarm.namespace !== 'AWS/SQS') { return; }
  const attribute = {
    ApproximateNumberOfMessagesVisible: 'ApproximateNumberOfMessages',
    ApproximateNumberOfMessagesNotVisible: 'ApproximateNumberOfMessagesNotVisible',
  }[alarm.metric];
  if (attribute === undefined) {
    throw new Error(`alarm ${alarm.name}: SQS metric ${alarm.metric} isn't modelled; `
      + 'add it in sandbox/aws/services/cloudwatch/cloudwatch.ts');
  }
  const url = `https://sqs.${context.region}.${urlSuffix(context.partition)}/${context.account}/${alarm.dimensions.QueueName ?? ''}`;
  const { Attributes } = await context.call(context.administrator, 'sqs', 'GetQueueAttributes', {
    QueueUrl: url,
    AttributeNames: [attribute],
  });
  const value = number(isRecord(Attributes) ? Attributes[attribute] : undefined, attribute);
  data.push({
    namespace: 'AWS/SQS',
    name: alarm.metric,
    dimensions: alarm.dimensions,
    value,
    timestamp: context.clock.now(),
  });
}
