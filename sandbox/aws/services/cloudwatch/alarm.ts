import { Datum, isMetric } from './metrics';
import { CoreContext } from '../../core/context';
import { list, number, optionalNumber, optionalString, record, string } from '../../core/json';
import { physicalName } from '../../core/naming';
import { ResourceProvider } from '../../core/service';

export interface Alarm {
  readonly name: string;
  readonly namespace: string;
  readonly metric: string;
  readonly dimensions: Readonly<Record<string, string>>;
  readonly statistic: string;
  readonly periodMs: number;
  readonly threshold: number;
  readonly operator: string;
  readonly evaluationPeriods: number;
  readonly datapointsToAlarm: number;
  readonly treatMissingData: string;
}

export interface AlarmState {
  readonly name: string;
  readonly state: 'OK' | 'ALARM' | 'INSUFFICIENT_DATA';
  readonly reason: string;
}

const STATISTICS: Readonly<Record<string, (values: readonly number[]) => number>> = {
  Sum: values => values.reduce((sum, value) => sum + value, 0),
  Maximum: values => Math.max(...values),
  Minimum: values => Math.min(...values),
  SampleCount: values => values.length,
  Average: values => values.reduce((sum, value) => sum + value, 0) / values.length,
};

const OPERATORS: Readonly<Record<string, (value: number, threshold: number) => boolean>> = {
  GreaterThanThreshold: (value, threshold) => value > threshold,
  GreaterThanOrEqualToThreshold: (value, threshold) => value >= threshold,
  LessThanThreshold: (value, threshold) => value < threshold,
  LessThanOrEqualToThreshold: (value, threshold) => value <= threshold,
};

const PROPERTIES = [
  'ActionsEnabled', 'AlarmActions', 'AlarmDescription', 'AlarmName', 'ComparisonOperator', 'DatapointsToAlarm',
  'Dimensions', 'EvaluationPeriods', 'InsufficientDataActions', 'MetricName', 'Namespace', 'OKActions', 'Period',
  'Statistic', 'Threshold', 'TreatMissingData', 'Tags',
];

export function parseAlarm(name: string, properties: Readonly<Record<string, unknown>>): Alarm {
  const evaluationPeriods = number(properties.EvaluationPeriods, 'EvaluationPeriods');
  const dimensions = list(properties.Dimensions ?? [], 'Dimensions').map(item => record(item, 'Dimensions'));
  return {
    name,
    namespace: string(properties.Namespace, 'Namespace'),
    metric: string(properties.MetricName, 'MetricName'),
    dimensions: Object.fromEntries(dimensions.map(item => [string(item.Name, 'Name'), string(item.Value, 'Value')])),
    statistic: oneOf(properties.Statistic, Object.keys(STATISTICS), 'Statistic'),
    periodMs: number(properties.Period, 'Period') * 1000,
    threshold: number(properties.Threshold, 'Threshold'),
    operator: oneOf(properties.ComparisonOperator, Object.keys(OPERATORS), 'ComparisonOperator'),
    evaluationPeriods,
    datapointsToAlarm: optionalNumber(properties.DatapointsToAlarm, 'DatapointsToAlarm') ?? evaluationPeriods,
    treatMissingData: oneOf(
      properties.TreatMissingData ?? 'missing',
      ['missing', 'notBreaching', 'breaching', 'ignore'],
      'TreatMissingData',
    ),
  };
}

function oneOf(value: unknown, known: readonly string[], where: string): string {
  const text = string(value, where);
  if (!known.includes(text)) {
    throw new Error(`AWS::CloudWatch::Alarm ${where}: got '${text}', expected one of ${known.join(', ')}; `
      + 'add it in sandbox/aws/services/cloudwatch/alarm.ts');
  }
  return text;
}

/**
 * Evaluates the alarm's periods back from `now`:
 * https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarm-evaluation.html
 */
export function alarmState(alarm: Alarm, data: readonly Datum[], now: number): AlarmState {
  const own = data.filter(datum => isMetric(datum, alarm.namespace, alarm.metric, alarm.dimensions));
  const points = Array.from({ length: alarm.evaluationPeriods }, (_, index) => {
    const end = now - index * alarm.periodMs;
    const values = own.filter(datum => datum.timestamp > end - alarm.periodMs && datum.timestamp <= end)
      .map(datum => datum.value);
    return values.length === 0 ? undefined : STATISTICS[alarm.statistic]?.(values);
  });
  const present = points.filter(point => point !== undefined);
  const missing = points.length - present.length;
  if (present.length === 0 && alarm.treatMissingData === 'missing') {
    return { name: alarm.name, state: 'INSUFFICIENT_DATA', reason: 'no datapoints' };
  }
  const breaching = present.filter(point => OPERATORS[alarm.operator]?.(point, alarm.threshold)).length
    + (alarm.treatMissingData === 'breaching' ? missing : 0);
  const reason = `${breaching} of ${points.length} datapoints [${points.map(point => point ?? 'none').join(', ')}] `
    + `${alarm.operator} ${alarm.threshold}`;
  return { name: alarm.name, state: breaching >= alarm.datapointsToAlarm ? 'ALARM' : 'OK', reason };
}

interface AlarmTable {
  put(name: string, properties: Readonly<Record<string, unknown>>): void;
  remove(name: string): void;
}

export function alarmProvider(context: CoreContext, table: AlarmTable): ResourceProvider {
  return {
    type: 'AWS::CloudWatch::Alarm',
    properties: PROPERTIES,
    create: request => {
      const name = optionalString(request.properties.AlarmName, 'AlarmName') ?? physicalName(context, request, 255);
      table.put(name, request.properties);
      return {
        physicalId: name,
        attributes: { Arn: `arn:${context.partition}:cloudwatch:${context.region}:${context.account}:alarm:${name}` },
      };
    },
    update: (request, previous) => {
      table.put(previous.physicalId, request.properties);
      return previous;
    },
    delete: resource => table.remove(resource.physicalId),
  };
}
