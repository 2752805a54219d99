import fc from 'fast-check';
import { Fields } from '../../../../../sandbox/aws/core/fields';
import { AwsError } from '../../../../../sandbox/aws/core/service';
import { generateSecretString } from '../../../../../sandbox/aws/services/secrets-manager/generator';
import {
  createSecretsManager,
  SecretsManager,
} from '../../../../../sandbox/aws/services/secrets-manager/secrets-manager';
import { seededRandom } from '../../../../../sandbox/faults';
import { TestContext } from '../../test-context';

const TOKENS = ['a', 'b', 'c'].map(letter => letter.repeat(32));

let context: TestContext;
let manager: SecretsManager;
let call: (operation: string, input?: object) => Promise<Record<string, unknown>>;

beforeEach(() => {
  context = new TestContext();
  manager = createSecretsManager(context);
  call = context.client(manager.service);
});

afterEach(() => context.close());

async function errorOf(action: Promise<unknown>): Promise<AwsError> {
  const error: unknown = await action.then(() => undefined, (reason: unknown) => reason);
  if (!(error instanceof AwsError)) { throw new Error(`expected an AwsError, got ${String(error)}`); }
  return error;
}

function put(SecretString: string, token: number, more: object = {}): Promise<Record<string, unknown>> {
  return call('PutSecretValue', { SecretId: 'github/token', SecretString, ClientRequestToken: TOKENS[token], ...more });
}

describe('reading', () => {
  test('gives the current value by name, ARN and ARN without its random suffix', async () => {
    const arn = manager.createSecret('github/token', 'v1');
    expect(arn).toMatch(/^arn:aws:secretsmanager:eu-west-1:111122223333:secret:github\/token-[A-Za-z]{6}$/);
    for (const SecretId of ['github/token', arn, arn.slice(0, -7)]) {
      expect(await call('GetSecretValue', { SecretId }))
        .toMatchObject({ ARN: arn, Name: 'github/token', SecretString: 'v1', VersionStages: ['AWSCURRENT'] });
    }
  });

  test('permission is checked on the full ARN, however the secret is named', async () => {
    const arn = manager.createSecret('github/token', 'v1');
    await call('GetSecretValue', { SecretId: 'github/token' });
    expect(context.checked).toEqual([`secretsmanager:GetSecretValue ${arn}`]);
  });

  test('a customer\'s key needs kms:Decrypt', async () => {
    const KmsKeyId = 'arn:aws:kms:eu-west-1:111122223333:key/0';
    const { physicalId } = await context.create(manager, 'AWS::SecretsManager::Secret', 'Secret', {
      SecretString: 'x',
      KmsKeyId,
    });
    await call('GetSecretValue', { SecretId: physicalId });
    expect(context.checked).toContain(`kms:Decrypt ${KmsKeyId}`);
  });

  test.each([
    ['a secret that isn\'t there', { SecretId: 'none' }, 'ResourceNotFoundException',
      'Secrets Manager can\'t find the specified secret.'],
    ['a stage that isn\'t there', { SecretId: 'github/token', VersionStage: 'AWSPENDING' }, 'ResourceNotFoundException',
      'Secrets Manager can\'t find the specified secret value for staging label: AWSPENDING'],
    ['a version that isn\'t there', { SecretId: 'github/token', VersionId: TOKENS[0] }, 'ResourceNotFoundException',
      `Secrets Manager can't find the specified secret value for VersionId: ${TOKENS[0]}`],
    ['no secret named', {}, 'ValidationException',
      '1 validation error detected: Value null at \'secretId\' failed to satisfy constraint: Member must not be null'],
  ])('fails for %s', async (_what, input, code, message) => {
    manager.createSecret('github/token', 'v1');
    const error = await errorOf(call('GetSecretValue', input));
    expect([error.code, error.message]).toEqual([code, message]);
  });
});

describe('stages', () => {
  test('a new value is current and the old one previous', async () => {
    manager.createSecret('github/token', 'v1');
    await put('v2', 0);
    await put('v3', 1);
    const stages = await Promise.all(['AWSCURRENT', 'AWSPREVIOUS']
      .map(VersionStage => call('GetSecretValue', { SecretId: 'github/token', VersionStage })));
    expect(stages.map(value => value.SecretString)).toEqual(['v3', 'v2']);
    const { Versions } = await call('ListSecretVersionIds', { SecretId: 'github/token' });
    expect(Versions).toHaveLength(2);
    expect((await call('ListSecretVersionIds', { SecretId: 'github/token', IncludeDeprecated: true })).Versions)
      .toHaveLength(3);
  });

  test('a pending value becomes current when its label moves', async () => {
    manager.createSecret('github/token', 'v1');
    const { VersionId: before } = await call('GetSecretValue', { SecretId: 'github/token' });
    await put('v2', 0, { VersionStages: ['AWSPENDING'] });
    expect((await call('GetSecretValue', { SecretId: 'github/token' })).SecretString).toBe('v1');
    await call(
      'UpdateSecretVersionStage',
      { SecretId: 'github/token', VersionStage: 'AWSCURRENT', MoveToVersionId: TOKENS[0], RemoveFromVersionId: before },
    );
    const { VersionIdsToStages } = await call('DescribeSecret', { SecretId: 'github/token' });
    expect(VersionIdsToStages)
      .toEqual({ [TOKENS[0]]: ['AWSPENDING', 'AWSCURRENT'], [String(before)]: ['AWSPREVIOUS'] });
  });

  test('the same token with the same value changes nothing', async () => {
    manager.createSecret('github/token', 'v1');
    expect(await put('v2', 0)).toEqual(await put('v2', 0));
  });

  test('fails for the same token with another value', async () => {
    manager.createSecret('github/token', 'v1');
    await put('v2', 0);
    expect((await errorOf(put('v3', 0))).code).toBe('ResourceExistsException');
  });

  test.each([
    ['to take AWSCURRENT away without a new place', { VersionStage: 'AWSCURRENT' }, 'can’t be completely removed'],
    ['to move a label without saying where it is', { VersionStage: 'AWSCURRENT', MoveToVersionId: TOKENS[0] },
      'RemoveFromVersionId can\'t be empty'],
    ['to move a label from where it isn\'t',
      { VersionStage: 'AWSCURRENT', MoveToVersionId: TOKENS[0], RemoveFromVersionId: TOKENS[1] },
      'currently attached to version'],
  ])('fails %s', async (_what, input, message) => {
    manager.createSecret('github/token', 'v1');
    await put('v2', 0, { VersionStages: ['AWSPENDING'] });
    expect((await errorOf(call('UpdateSecretVersionStage', { SecretId: 'github/token', ...input }))).message)
      .toContain(message);
  });

  test.each([
    ['both kinds of value', { SecretBinary: 'AAE=' }, 'InvalidParameterException'],
    ['no value', { SecretString: undefined }, 'InvalidRequestException'],
    ['a value that is too long', { SecretString: 'x'.repeat(65_537) }, 'ValidationException'],
    ['a short token', { ClientRequestToken: 'short' }, 'InvalidParameterException'],
  ])('fails for %s', async (_what, input, code) => {
    manager.createSecret('github/token', 'v1');
    expect((await errorOf(put('v2', 0, input))).code).toBe(code);
  });
});

describe('deletion', () => {
  test('a secret that is marked for deletion can be described and restored, but not read', async () => {
    manager.createSecret('github/token', 'v1');
    await call('DeleteSecret', { SecretId: 'github/token' });
    expect((await errorOf(call('GetSecretValue', { SecretId: 'github/token' }))).code).toBe('InvalidRequestException');
    expect(await call('DescribeSecret', { SecretId: 'github/token' })).toHaveProperty('DeletedDate');
    await call('RestoreSecret', { SecretId: 'github/token' });
    expect((await call('GetSecretValue', { SecretId: 'github/token' })).SecretString).toBe('v1');
  });

  test('a secret is gone after its recovery window', async () => {
    manager.createSecret('github/token', 'v1');
    await call('DeleteSecret', { SecretId: 'github/token', RecoveryWindowInDays: 7 });
    context.clock.advance(7 * 86_400_000);
    expect((await errorOf(call('DescribeSecret', { SecretId: 'github/token' }))).code)
      .toBe('ResourceNotFoundException');
  });

  test('fails to create a secret whose name is still taken by a deleted one', async () => {
    manager.createSecret('github/token', 'v1');
    await call('DeleteSecret', { SecretId: 'github/token' });
    expect(() => manager.createSecret('github/token', 'v2')).toThrow('already scheduled for deletion');
  });
});

describe('secrets of a template', () => {
  const create = async (properties: Record<string, unknown>): Promise<string> =>
    (await context.create(manager, 'AWS::SecretsManager::Secret', 'Secret', properties)).physicalId;

  test('a generated secret has 32 characters of every kind', async () => {
    const { SecretString } = await call('GetSecretValue', { SecretId: await create({ GenerateSecretString: {} }) });
    expect(SecretString).toMatch(/^(?=.*[a-z])(?=.*[A-Z])(?=.*[0-9])(?=.*[^a-zA-Z0-9]).{32}$/);
  });

  test('a generated secret can sit inside a template', async () => {
    const GenerateSecretString = {
      SecretStringTemplate: '{"user":"hook"}',
      GenerateStringKey: 'password',
      PasswordLength: 8,
      ExcludePunctuation: true,
    };
    const { SecretString } = await call('GetSecretValue', { SecretId: await create({ GenerateSecretString }) });
    expect(JSON.parse(String(SecretString))).toEqual({ user: 'hook', password: expect.stringMatching(/^[A-Za-z0-9]{8}$/) as string });
  });

  test('a resource policy is kept for IAM', async () => {
    const arn = await create({ SecretString: 'x' });
    await context.create(manager, 'AWS::SecretsManager::ResourcePolicy', 'Policy', {
      SecretId: arn,
      ResourcePolicy: { Statement: [] },
    });
    expect(manager.service.resourcePolicy?.(arn)).toEqual({ Statement: [] });
  });

  test('an update keeps a generated value unless its settings change', async () => {
    const provider = manager.providers.find(({ type }) => type === 'AWS::SecretsManager::Secret');
    const properties = { GenerateSecretString: { PasswordLength: 40 } };
    const arn = await create(properties);
    const { SecretString } = await call('GetSecretValue', { SecretId: arn });
    const request = { logicalId: 'Secret', stackName: 'Test', properties: { ...properties, Description: 'new' } };
    await provider?.update?.(request, { physicalId: arn, attributes: {} }, properties);
    expect((await call('GetSecretValue', { SecretId: arn })).SecretString).toBe(SecretString);
  });

  test.each([
    ['two kinds of value', { SecretString: 'x', GenerateSecretString: {} }, 'exclude each other'],
    ['half a template', { GenerateSecretString: { GenerateStringKey: 'password' } }, 'belong together'],
    ['a generator option that isn\'t known', { GenerateSecretString: { Length: 3 } },
      'GenerateSecretString.Length is not known'],
  ])('fails for %s', async (_what, properties, message) => {
    await expect(create(properties)).rejects.toThrow(message);
  });

  test('a generated password keeps to its options', () => {
    const options = [fc.integer({ min: 4, max: 64 }), fc.boolean(), fc.string({ maxLength: 8 }), fc.integer()] as const;
    fc.assert(fc.property(...options, (PasswordLength, ExcludeNumbers, ExcludeCharacters, seed) => {
      const fields = new Fields(
        { PasswordLength, ExcludeNumbers, ExcludeCharacters },
        (name, problem) => new Error(`${name} ${problem}`),
      );
      const password = generateSecretString(fields, seededRandom(seed));
      expect(password).toHaveLength(PasswordLength);
      const isExcluded = (character: string): boolean => ExcludeCharacters.includes(character) || (ExcludeNumbers && /[0-9]/.test(character));
      expect([...password].filter(isExcluded)).toEqual([]);
    }), { numRuns: 50 });
  });
});
