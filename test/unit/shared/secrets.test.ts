import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { AwsFailure, AwsStandIn, startAws } from './aws-stand-in';
import {
  AcceptedSecret,
  readSecret,
  readStages,
  secretName,
  StageReading,
  tokenIn,
} from '../../../lambda/shared/secrets';

const ARN = 'arn:aws:secretsmanager:eu-central-1:111122223333:secret:github/packages-AbC12x';

describe('tokenIn', () => {
  test.each([
    ['the bare token', 'ghp_abc', 'ghp_abc'],
    ['a token with a trailing newline', 'ghp_abc\n', 'ghp_abc'],
    ['a token with white space around', '\r\n  ghp_abc\t', 'ghp_abc'],
    ['an object with "token"', '{"token":"ghp_abc"}', 'ghp_abc'],
    ['an object with "token" among others', '{"user":"bot","token":"ghp_abc"}', 'ghp_abc'],
    ['an object with one key of any name', '{"GITHUB_TOKEN":"ghp_abc"}', 'ghp_abc'],
    ['an object over several lines', '\n{\n  "token": " ghp_abc\\n"\n}\n', 'ghp_abc'],
    ['text that only begins like an object', '{abc', '{abc'],
    ['characters that JSON would escape', '"quoted"', '"quoted"'],
  ])('finds %s', (_, text, expected) => {
    expect(tokenIn(text, ARN)).toBe(expected);
  });

  test.each([
    ['nothing', '', 'Secret github/packages is empty'],
    ['white space', ' \n', 'Secret github/packages is empty'],
    ['an empty "token"', '{"token":""}', 'Secret github/packages is empty'],
    ['several keys without "token"', '{"a":"hunter2","b":"hunter2"}',
      'Secret github/packages holds a JSON object with 2 keys and no text under "token"'],
    ['an empty object', '{}', 'a JSON object with 0 keys'],
    ['a token that is no text', '{"token":["hunter2"]}', 'no text under "token"'],
  ])('rejects %s, and does not quote it', (_, text, message) => {
    const reject = (): unknown => tokenIn(text, ARN);
    expect(reject).toThrow(message);
    expect(reject).not.toThrow('hunter2');
  });
});

describe('secretName', () => {
  test.each([
    [ARN, 'github/packages'],
    ['arn:aws-cn:secretsmanager:cn-north-1:111122223333:secret:packages-AbC12x', 'packages'],
    ['arn:aws:secretsmanager:eu-central-1:111122223333:secret:github/packages', 'github/packages'],
    ['arn:aws:secretsmanager:eu-central-1:111122223333:secret:github-packages-AbC12x', 'github-packages'],
    ['arn:aws:secretsmanager:eu-central-1:111122223333:secret:github-packages-token', 'github-packages-token'],
    ['arn:aws:secretsmanager:eu-central-1:111122223333:secret:name:with:colons-AbC12x', 'name:with:colons'],
    ['github/packages', 'github/packages'],
  ])('of %s is %s', (arn, name) => {
    expect(secretName(arn)).toBe(name);
  });

  // Imported by name, a secret's ARN has no suffix; "tokens" is as long as one.
  test('keeps a word that is only as long as the suffix of Secrets Manager', () => {
    expect(secretName('arn:aws:secretsmanager:eu-central-1:111122223333:secret:github-tokens')).toBe('github-tokens');
  });
});

describe('readSecret', () => {
  let aws: AwsStandIn;
  afterEach(() => aws.close());

  async function read(answer: () => object): Promise<string> {
    aws = await startAws({ GetSecretValue: answer });
    return readSecret(new SecretsManagerClient(aws.client), ARN);
  }

  test('reads the current version', async () => {
    expect(await read(() => ({ SecretString: 'ghp_abc\n' }))).toBe('ghp_abc');
    expect(aws.calls).toEqual([{ operation: 'GetSecretValue', input: { SecretId: ARN, VersionStage: 'AWSCURRENT' } }]);
  });

  test('rejects binary data', async () => {
    await expect(read(() => ({ SecretBinary: 'aGVsbG8=' })))
      .rejects.toThrow('Secret github/packages holds binary data, expected text');
  });

  test('fails as Secrets Manager says', async () => {
    await expect(read(() => { throw new AwsFailure('ResourceNotFoundException', "can't find the specified secret"); }))
      .rejects.toThrow("can't find");
  });
});

describe('readStages', () => {
  let aws: AwsStandIn;
  afterEach(() => aws.close());

  type Stages = Record<string, { readonly value: string; readonly at: number } | Error>;

  /** Versions by stage; `at` is when they were created, in seconds since the epoch. */
  async function stages(versions: Stages): Promise<StageReading> {
    aws = await startAws({
      GetSecretValue: input => {
        const version = versions[String(input.VersionStage)];
        if (version instanceof Error) { throw version; }
        if (version === undefined) {
          throw new AwsFailure('ResourceNotFoundException', "can't find the specified secret value for staging label");
        }
        return { SecretString: version.value, CreatedDate: version.at };
      },
    });
    return readStages(new SecretsManagerClient(aws.client), ARN);
  }

  const after = (seconds: number): number => 1_000 * seconds + 48 * 3_600_000;

  test.each<[string, Stages, AcceptedSecret[]]>([
    ['the current one alone, for ever', { AWSCURRENT: { value: 'a', at: 1 } }, [{ value: 'a' }]],
    ['the previous one until 48 hours after the current was made', {
      AWSCURRENT: { value: 'b', at: 2 }, AWSPREVIOUS: { value: 'a', at: 1 },
    }, [{ value: 'b' }, { value: 'a', until: after(2) }]],
    ['the pending one of a rotation under way, for 48 hours', {
      AWSCURRENT: { value: 'b', at: 2 }, AWSPENDING: { value: 'c', at: 3 },
    }, [{ value: 'b' }, { value: 'c', until: after(3) }]],
    ['the promoted one once, for ever', { AWSCURRENT: { value: 'b', at: 2 }, AWSPENDING: { value: 'b', at: 2 } },
      [{ value: 'b' }]],
    ['a previous one that equals the current once, for ever',
      { AWSCURRENT: { value: 'b', at: 2 }, AWSPREVIOUS: { value: 'b', at: 1 } }, [{ value: 'b' }]],
    ['no pending one that an ended rotation left behind',
      { AWSCURRENT: { value: 'b', at: 2 }, AWSPENDING: { value: 'old', at: 1 } }, [{ value: 'b' }]],
  ])('gives %s', async (_, versions, expected) => {
    expect(await stages(versions)).toEqual({ secrets: expected, unreadable: [] });
  });

  test.each(['AWSPREVIOUS', 'AWSPENDING'])('gives the current one when %s is there and '
    + 'can\'t be read, and says so', async stage => {
    expect(await stages({
      AWSCURRENT: { value: 'b', at: 2 },
      [stage]: new AwsFailure('DecryptionFailure', 'key is disabled'),
    })).toEqual({
      secrets: [{ value: 'b' }], unreadable: [{ stage, cause: expect.stringContaining('key is disabled') as string }],
    });
  });

  test('names no value of a stage that is no text', async () => {
    const { unreadable } = await stages({
      AWSCURRENT: { value: 'b', at: 2 },
      AWSPREVIOUS: { value: '{"a":"hunter2","b":"hunter2"}', at: 1 },
    });
    expect(unreadable).toHaveLength(1);
    expect(JSON.stringify(unreadable)).not.toContain('hunter2');
  });

  test('fails without a current version', async () => {
    await expect(stages({ AWSPREVIOUS: { value: 'a', at: 1 } })).rejects.toThrow("can't find");
  });
});
