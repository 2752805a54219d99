import { InvocationResult } from './pool';
import { isRecord } from '../../core/json';

/**
 * Ids of the messages that stay in the queue. The rules of a partial batch response:
 * https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html#services-sqs-batchfailurereporting
 */
export function failedItems(
  result: InvocationResult,
  messages: readonly string[],
  partialFailures: boolean,
): readonly string[] {
  if (result.functionError !== undefined) { return messages; }
  if (!partialFailures) { return []; }
  const response = parse(result.payload);
  if (response === undefined) { return messages; }
  if (response === null || response === '') { return []; }
  if (!isRecord(response)) { return messages; }
  const failures = response.batchItemFailures;
  if (failures === undefined || failures === null) { return []; }
  if (!Array.isArray(failures)) { return messages; }
  const named = failures.map(item => isRecord(item) ? item.itemIdentifier : undefined);
  // An empty, missing or unknown identifier makes the whole batch a failure.
  const known = named.filter((id): id is string => typeof id === 'string' && messages.includes(id));
  return known.length === named.length ? known : messages;
}

/** undefined when it isn't JSON */
function parse(payload: string): unknown {
  try {
    return JSON.parse(payload) as unknown;
  } catch {
    // Invalid JSON is a complete failure of the batch.
    return undefined;
  }
}
