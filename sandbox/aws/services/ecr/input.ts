import { Fields } from '../../core/fields';
import { AwsError, Input } from '../../core/service';

/**
 * 2-256 characters: https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_CreateRepository.html Registries of
 * the distribution specification (and GHCR) allow `--` and `__` inside a name; ECR's pattern and user guide don't.
 */
const NAME = /^(?:[a-z0-9]+(?:[._-][a-z0-9]+)*\/)*[a-z0-9]+(?:[._-][a-z0-9]+)*$/;

export function fieldsOf(input: Input): Fields {
  return new Fields(input, (name, problem) => new AwsError('InvalidParameterException', problem === 'is required'
    ? `Invalid parameter at '${name}' failed to satisfy constraint: 'must not be null'`
    : `Invalid parameter at '${name}' failed to satisfy constraint: it ${problem}`));
}

export function repositoryName(fields: Fields, member = 'repositoryName'): string {
  return checkedName(fields.text(member), member);
}

export function checkedName(name: string, member: string): string {
  if (name.length < 2 || name.length > 256 || !NAME.test(name)) {
    throw new AwsError(
      'InvalidParameterException',
      `Invalid parameter at '${member}' failed to satisfy constraint: 'must satisfy regular expression `
        + `'${NAME.source.slice(1, -1)}'' (2-256 characters), got '${name}'`,
    );
  }
  return name;
}

/** The registry of another account is not ours to answer for. */
export function checkRegistry(fields: Fields, account: string): void {
  const registry = fields.optionalText('registryId') ?? account;
  if (registry !== account) {
    throw fields.fail('registryId', `must be ${account}: the local cloud has one registry, got '${registry}'`);
  }
}

/** Opaque: the key of the last row that was shown. */
export function pageOf<T>(
  rows: readonly T[],
  keyOf: (row: T) => string,
  fields: Fields,
): { page: readonly T[]; next: { nextToken?: string } } {
  const token = fields.optionalText('nextToken');
  const after = token === undefined ? '' : decode(fields, token);
  const size = fields.integer('maxResults', 1, 1000) ?? 100;
  const rest = rows.filter(row => keyOf(row) > after);
  const page = rest.slice(0, size);
  return {
    page,
    next: rest.length > size
      ? { nextToken: Buffer.from(TOKEN_MARK + keyOf(page[page.length - 1])).toString('base64url') }
      : {},
  };
}

const TOKEN_MARK = 'ecr/';

function decode(fields: Fields, token: string): string {
  const text = Buffer.from(token, 'base64url').toString();
  if (!text.startsWith(TOKEN_MARK)) { throw fields.fail('nextToken', 'is not a token that an earlier call returned'); }
  return text.slice(TOKEN_MARK.length);
}
