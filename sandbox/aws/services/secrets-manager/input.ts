import { Fields } from '../../core/fields';
import { AwsError, Input } from '../../core/service';

/** Reads a request's fields; Secrets Manager refuses a bad one with these words. */
export function fieldsOf(input: Input): Fields {
  return new Fields(input, (name, problem) => problem === 'is required'
    ? new AwsError(
      'ValidationException',
      `1 validation error detected: Value null at '${camel(name)}' failed to satisfy constraint: `
        + 'Member must not be null',
    )
    : new AwsError(
      'ValidationException',
      `1 validation error detected: Value at '${camel(name)}' failed to satisfy constraint: it ${problem}`,
    ));
}

function camel(name: string): string {
  return name.slice(0, 1).toLowerCase() + name.slice(1);
}
