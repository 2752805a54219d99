import { failedItems } from '../../../../../sandbox/aws/services/lambda/batch-response';

const MESSAGES = ['a', 'b', 'c'];
const failed = (payload: string, partial = true, functionError?: 'Unhandled'): readonly string[] =>
  failedItems({ requestId: 'r', payload, functionError }, MESSAGES, partial);
const items = (...ids: unknown[]): string =>
  JSON.stringify({ batchItemFailures: ids.map(itemIdentifier => ({ itemIdentifier })) });

test.each<[string, string, readonly string[]]>([
  ['null', 'null', []],
  ['an empty string', '""', []],
  ['an empty object', '{}', []],
  ['an empty list', items(), []],
  ['a null list', '{"batchItemFailures":null}', []],
  ['one name', items('b'), ['b']],
  ['an unknown name', items('b', 'x'), MESSAGES],
  ['an empty name', items(''), MESSAGES],
  ['a null name', items(null), MESSAGES],
  ['another key', '{"batchItemFailures":[{"id":"b"}]}', MESSAGES],
  ['no list', '{"batchItemFailures":"b"}', MESSAGES],
  ['a text', '"done"', MESSAGES],
  ['no JSON', '{', MESSAGES],
])('%s leaves the right messages in the queue', (_, payload, expected) => {
  expect(failed(payload)).toEqual(expected);
});

test('a function error fails all', () => {
  expect(failed('null', true, 'Unhandled')).toEqual(MESSAGES);
});

test('without ReportBatchItemFailures a named failure has no effect', () => {
  expect(failed(items('b'), false)).toEqual([]);
});
