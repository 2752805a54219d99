import { oneLine } from '../../../lambda/shared/one-line';
import { jumbled } from '../inputs/text';
import { FuzzTarget, isOneLine, require } from '../target';

export function lines(): FuzzTarget<string> {
  return {
    name: 'log lines',
    share: 40,
    input: jumbled(
      'copied   app:1',
      '\n',
      '\r',
      '\u2028',
      '\u0085',
      '\u0000',
      '{"summary":{}}',
      ' ',
      '\\u000a',
      '\u{1f680}',
    ),
    check(text) {
      const line = oneLine(text);
      require(isOneLine(line), () => `more than one line: ${JSON.stringify(line)}`);
      require(oneLine(line) === line && (line === text) === isOneLine(text), () => 'changes text that is one line');
      return line === text ? 'unchanged' : 'escaped';
    },
    mustSee: ['unchanged', 'escaped'],
    timed: true,
  };
}
