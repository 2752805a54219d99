import { Queue } from 'aws-cdk-lib/aws-sqs';
import { LocalCloud } from '../../../../../sandbox/aws/cloud';
import { alarmState, parseAlarm } from '../../../../../sandbox/aws/services/cloudwatch/alarm';
import { Datum } from '../../../../../sandbox/aws/services/cloudwatch/metrics';
import { embeddedMetrics } from '../../../../../sandbox/aws/services/logs/emf';
import { Workspace } from '../../testing';

const NOW = 1_000_000_000;
const MINUTE = 60_000;
const datum = (minutesAgo: number, value: number, dimensions: Record<string, string> = { Q: 'q' }): Datum => ({
  namespace: 'N',
  name: 'M',
  dimensions,
  value,
  timestamp: NOW - minutesAgo * MINUTE,
});

describe('alarmState', () => {
  const alarm = (more: object = {}): ReturnType<typeof parseAlarm> => parseAlarm('a', {
    Namespace: 'N',
    MetricName: 'M',
    Dimensions: [{ Name: 'Q', Value: 'q' }],
    Statistic: 'Maximum',
    Period: 60,
    Threshold: 1,
    EvaluationPeriods: 2,
    ComparisonOperator: 'GreaterThanOrEqualToThreshold',
    DatapointsToAlarm: 1,
    ...more,
  });
  test.each<[string, object, readonly Datum[], string]>([
    ['no data', {}, [], 'INSUFFICIENT_DATA'],
    ['no data that isn\'t breaching', { TreatMissingData: 'notBreaching' }, [], 'OK'],
    ['no data that is breaching', { TreatMissingData: 'breaching' }, [], 'ALARM'],
    ['a breaching datapoint now', {}, [datum(0, 1)], 'ALARM'],
    ['a breaching datapoint in the period before', {}, [datum(1.5, 1), datum(0, 0)], 'ALARM'],
    ['a breaching datapoint long ago', {}, [datum(3, 1), datum(0, 0)], 'OK'],
    ['one of two that are needed', { DatapointsToAlarm: 2 }, [datum(1.5, 1), datum(0, 0)], 'OK'],
    ['other dimensions', {}, [datum(0, 1, { Q: 'other' })], 'INSUFFICIENT_DATA'],
    ['a sum that reaches the threshold', { Statistic: 'Sum', Threshold: 5 }, [datum(0, 2), datum(0.5, 3)], 'ALARM'],
    ['an average below the threshold', { Statistic: 'Average', Threshold: 5 }, [datum(0, 2), datum(0.5, 3)], 'OK'],
  ])('with %s', (_, more, data, expected) => {
    expect(alarmState(alarm(more), data, NOW).state).toBe(expected);
  });

  test('rejects a statistic that it doesn\'t know', () => {
    expect(() => alarm({ Statistic: 'p99' })).toThrow('got \'p99\', expected one of Sum');
  });
});

describe('embeddedMetrics', () => {
  const emf = (directive: object, values: object): string =>
    JSON.stringify({ _aws: { Timestamp: 5, CloudWatchMetrics: [directive] }, ...values });
  test('finds a metric with its dimensions', () => {
    const found = embeddedMetrics(emf(
      { Namespace: 'App', Dimensions: [['service']], Metrics: [{ Name: 'copied', Unit: 'Count' }] },
      { service: 'sync', copied: 3 },
    ));
    expect(
      found,
    ).toEqual([{ Namespace: 'App', MetricName: 'copied', Dimensions: { service: 'sync' }, Values: [3], Timestamp: 5 }]);
  });

  test('finds every value of a list, for each set of dimensions', () => {
    const found = embeddedMetrics(
      emf({ Namespace: 'App', Dimensions: [[], ['a']], Metrics: [{ Name: 'm' }] }, { a: 'x', m: [1, 2] }),
    );
    expect(found.map(metric => [metric.Dimensions, metric.Values])).toEqual([[{}, [1, 2]], [{ a: 'x' }, [1, 2]]]);
  });

  test.each(['plain text', '{"_aws":', '{"a":1}', '{"_aws":{}}', emf({
    Namespace: 'App',
    Metrics: [{ Name: 'missing' }],
  }, {})])('finds nothing in %s', message => {
    expect(embeddedMetrics(message)).toEqual([]);
  });
});

test('an alarm on the depth of a queue follows the queue', async () => {
  const workspace = new Workspace();
  const cloud = await LocalCloud.start();
  try {
    const stack = await cloud.deploy({
      assembly: workspace.synth(target => {
        new Queue(target, 'Dead')
          .metricApproximateNumberOfMessagesVisible()
          .createAlarm(target, 'Alarm', { threshold: 1, evaluationPeriods: 1 });
      }),
    });
    expect((await cloud.metrics.alarms()).map(alarm => alarm.state)).toEqual(['OK']);
    await cloud.call('sqs', 'SendMessage', {
      QueueUrl: stack.byType('AWS::SQS::Queue')[0]?.physicalId,
      MessageBody: 'x',
    });
    expect((await cloud.metrics.alarms()).map(alarm => alarm.state)).toEqual(['ALARM']);
  } finally {
    await cloud.close();
    workspace.remove();
  }
});
