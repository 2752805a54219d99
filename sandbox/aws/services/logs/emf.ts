import { isRecord, Json } from '../../core/json';

export interface EmbeddedMetric {
  readonly Namespace: string;
  readonly MetricName: string;
  readonly Dimensions: Readonly<Record<string, string>>;
  readonly Values: readonly number[];
  readonly Timestamp: number;
}

/**
 * Metrics inside of a log event:
 * https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
 * An event that isn't such JSON has none; the service ignores what is malformed, and so do we.
 */
export function embeddedMetrics(message: string): readonly EmbeddedMetric[] {
  const root = parse(message);
  const metadata = root?._aws;
  if (!root
    || !isRecord(metadata)
    || !Array.isArray(metadata.CloudWatchMetrics)
    || typeof metadata.Timestamp !== 'number') { return []; }
  const timestamp = metadata.Timestamp;
  return metadata.CloudWatchMetrics.filter(isRecord).flatMap(directive => fromDirective(root, directive, timestamp));
}

function fromDirective(root: Json, directive: Json, timestamp: number): EmbeddedMetric[] {
  const namespace = directive.Namespace;
  if (typeof namespace !== 'string' || !Array.isArray(directive.Metrics)) { return []; }
  const sets: readonly unknown[] = Array.isArray(directive.Dimensions) && directive.Dimensions.length > 0
    ? directive.Dimensions
    : [[]];
  return directive.Metrics.filter(isRecord).flatMap(({ Name: name }) => {
    const value = typeof name === 'string' ? root[name] : undefined;
    const values = (Array.isArray(value) ? value : [value]).filter(item => typeof item === 'number');
    return typeof name !== 'string' || values.length === 0 ? [] : sets.filter(Array.isArray).map(keys => ({
      Namespace: namespace,
      MetricName: name,
      Dimensions: Object.fromEntries(keys.map(key => [String(key), String(root[String(key)])])),
      Values: values,
      Timestamp: timestamp,
    }));
  });
}

function parse(message: string): Json | undefined {
  if (!message.startsWith('{') || !message.includes('"_aws"')) { return undefined; }
  try {
    const value: unknown = JSON.parse(message);
    return isRecord(value) ? value : undefined;
  } catch {
    // Text that merely looks like JSON carries no metrics.
    return undefined;
  }
}
