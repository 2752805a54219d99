import { Duration, Lazy, SecretValue } from 'aws-cdk-lib';
import { Annotations, Match } from 'aws-cdk-lib/assertions';
import { BuildEnvironmentVariableType, LinuxBuildImage } from 'aws-cdk-lib/aws-codebuild';
import { Secret } from 'aws-cdk-lib/aws-secretsmanager';
import { mirrorProps } from './props';
import { newMirror, newStack, secret, synth } from './synth';
import type { CopyEngine, GhcrMirrorProps } from '../../src';

type Case = readonly [prop: string, props: Partial<GhcrMirrorProps>, got: string, fix: RegExp];

const PREFIX = /remove upper-case letters/;
const HOSTS = { githubApiUrl: 'https://api.acme.ghe.com', registryHost: 'containers.acme.ghe.com' };
const CASES: readonly Case[] = [
  ['organization', { organization: '' }, '""', /https:\/\/github\.com\/NAME/],
  ['organization', { organization: 'my org' }, '"my org"', /https:\/\/github\.com\/NAME/],
  ['organization', { organization: 'my-org/app' }, '"my-org/app"', /https:\/\/github\.com\/NAME/],
  ['organization', { organization: 'my--org' }, '"my--org"', /https:\/\/github\.com\/NAME/],
  ['organization', { organization: 'x'.repeat(40) }, `"${'x'.repeat(40)}"`, /https:\/\/github\.com\/NAME/],
  ['repositoryPrefix', { repositoryPrefix: 'My-Org' }, '"My-Org"', PREFIX],
  ['repositoryPrefix', { repositoryPrefix: 'my-org/' }, '"my-org/"', PREFIX],
  ['repositoryPrefix', { repositoryPrefix: '/my-org' }, '"/my-org"', PREFIX],
  ['repositoryPrefix', { repositoryPrefix: 'a//b' }, '"a//b"', PREFIX],
  ['repositoryPrefix', { repositoryPrefix: 'a*' }, '"a*"', PREFIX],
  ['repositoryPrefix', { repositoryPrefix: 'x'.repeat(300) }, `"${'x'.repeat(300)}"`, PREFIX],
  ['coalescingWindow', { coalescingWindow: Duration.seconds(301) }, 'Duration.seconds(301)', /a few seconds are enough/],
  ['coalescingWindow', { coalescingWindow: Duration.seconds(Lazy.number({ produce: () => 5 })) }, 'a token', /depends on it: give a number/],
  ['coalescingWindow', { coalescingWindow: Duration.millis(1500) }, 'Duration.millis(1500)', /a few seconds are enough/],
  ['engine', { engine: 'crane' as CopyEngine }, '"crane"', /leave it out to copy with skopeo/],
  ['buildTimeout', { buildTimeout: Duration.minutes(4) }, 'Duration.minutes(4)', /the next one does/],
  ['buildTimeout', { buildTimeout: Duration.hours(37) }, 'Duration.hours(37)', /the next one does/],
  ['buildTimeout', { buildTimeout: Duration.seconds(330) }, 'Duration.seconds(330)', /the next one does/],
  ['buildEnvironment.privileged', { buildEnvironment: { privileged: true } }, 'true', /needs no Docker daemon/],
  ['buildEnvironment.environmentVariables.ORGANIZATION', { buildEnvironment: { environmentVariables: { ORGANIZATION: { value: 'x' } } } }, '"x"', /use the props/],
  ['buildEnvironment.environmentVariables.PACKAGES', { buildEnvironment: { environmentVariables: { PACKAGES: { value: '[]' } } } }, '"[]"', /use the props/],
  [
    'buildEnvironment.environmentVariables.TOKEN',
    {
      buildEnvironment: {
        environmentVariables: { TOKEN: { type: BuildEnvironmentVariableType.SECRETS_MANAGER, value: 'x' } },
      },
    },
    '"SECRETS_MANAGER"', /may read no other secret/,
  ],
  ['githubApiUrl', { ...HOSTS, githubApiUrl: 'api.acme.ghe.com' }, '"api.acme.ghe.com"', /https:\/\/api\.SUBDOMAIN\.ghe\.com/],
  ['githubApiUrl', { ...HOSTS, githubApiUrl: 'https://api.acme.ghe.com/' }, '"https://api.acme.ghe.com/"', /https:\/\/api\.SUBDOMAIN\.ghe\.com/],
  ['githubApiUrl', { ...HOSTS, githubApiUrl: 'http://api.acme.ghe.com' }, '"http://api.acme.ghe.com"', /https:\/\/api\.SUBDOMAIN\.ghe\.com/],
  ['githubApiUrl', { ...HOSTS, githubApiUrl: 'https://me@api.acme.ghe.com' }, '"https://me@api.acme.ghe.com"', /https:\/\/api\.SUBDOMAIN\.ghe\.com/],
  ['githubApiUrl', { ...HOSTS, githubApiUrl: 'https://api.acme.ghe.com?x=1' }, '"https://api.acme.ghe.com?x=1"', /https:\/\/api\.SUBDOMAIN\.ghe\.com/],
  ['githubApiUrl', { registryHost: HOSTS.registryHost }, 'undefined', /give both, or none/],
  ['registryHost', { githubApiUrl: HOSTS.githubApiUrl }, 'undefined', /give both, or none/],
  ['registryHost', { ...HOSTS, registryHost: 'https://ghcr.io' }, '"https://ghcr.io"', /no scheme and no path/],
  ['registryHost', { ...HOSTS, registryHost: 'ghcr.io/my-org' }, '"ghcr.io/my-org"', /no scheme and no path/],
  ['registryHost', { ...HOSTS, registryHost: 'GHCR.io' }, '"GHCR.io"', /no scheme and no path/],
  ['webhookActive', { webhookActive: false }, 'false', /give the token, or remove this prop/],
  ['putImageRate', { putImageRate: 0.9 }, '0.9', /stay below yours/],
  ['putImageRate', { putImageRate: 1001 }, '1001', /stay below yours/],
  ['putImageRate', { putImageRate: NaN }, 'NaN', /stay below yours/],
  ...[
    'http://hooks.example.com/packages', 'https://hooks.example.com/', 'https://hooks.example.com/packages/', 'https://hooks.example.com/packages?x=1',
    'https://hooks.example.com/packages#x', 'https://me:pass@hooks.example.com/packages', 'https://HOOKS.example.com/packages', 'hooks.example.com/packages',
  ].map((webhookUrl): Case => ['webhookUrl', { webhookUrl }, `"${webhookUrl}"`, /https:\/\/hooks\.example\.com\/packages/]),
  ...[0, -1, 1.5].map((webhookReservedConcurrency): Case =>
    ['webhookReservedConcurrency', { webhookReservedConcurrency }, String(webhookReservedConcurrency), /Leave it out to reserve nothing/]),
];

/** Values that JavaScript lets through. A token must not show up in the message, and never in the template. */
const NO_SECRETS: readonly (readonly [prop: string, value: unknown, got: string])[] = [
  ['packagesToken', undefined, 'undefined'],
  ['packagesToken', 'ghp_abc', 'of type string'],
  ['packagesToken', 42, 'of type number'],
  ['webhookToken', 'github_pat_abc', 'of type string'],
  ['webhookSecret', { value: 'abc' }, 'of type object'],
];

/** Props that have no bad value, with the reason. */
const EVERY_VALUE_IS_LEGAL: Readonly<Record<string, string>> = {
  schedule: 'the factories of ScheduleExpression check their arguments, and AWS alone knows the whole '
    + 'syntax of rate() and cron()',
  logRetention: 'an enumeration, whose every member CloudWatch Logs accepts',
};

test('each prop has an example of a bad value, or a reason why it has none', () => {
  // A new prop needs a row in CASES (or in NO_SECRETS), or a reason in EVERY_VALUE_IS_LEGAL.
  const tried = new Set([...CASES, ...NO_SECRETS].map(([prop]) => prop.split('.')[0]));
  const names = mirrorProps().map(({ name }) => name);
  expect(names.filter(name => tried.has(name) === name in EVERY_VALUE_IS_LEGAL)).toEqual([]);
  expect(Object.keys(EVERY_VALUE_IS_LEGAL).filter(name => !names.includes(name))).toEqual([]);
});

function messageOf(work: () => unknown): string {
  try {
    work();
  } catch (error) {
    return (error as Error).message;
  }
  return 'nothing was thrown';
}

describe('rejects, naming the prop, what it got, what it expects and the fix:', () => {
  test.each(CASES)('%s %j', (prop, props, got, fix) => {
    const stack = newStack();
    const escaped = `GhcrMirror: \`${prop}\` is ${got}, expected `.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
    expect(() => newMirror(stack, props)).toThrow(new RegExp(`^${escaped}[^.]{5,}.*\\. .*${fix.source}`));
  });

  test.each<[string, string, (stack: ReturnType<typeof newStack>) => Partial<GhcrMirrorProps>]>([
    ['webhookSecret', 'packagesToken', stack => ({ webhookSecret: secret(stack, 'Packages', 'github/packages') })],
    ['webhookToken', 'packagesToken', stack => ({ webhookToken: secret(stack, 'Packages', 'github/packages') })],
    ['webhookToken', 'packagesToken',
      stack => ({ webhookToken: Secret.fromSecretNameV2(stack, 'Again', 'github/packages') })],
    ['webhookSecret', 'webhookToken',
      stack => ({ webhookToken: secret(stack, 'One', 'one'), webhookSecret: secret(stack, 'One', 'one') })],
  ])('%s that is the same secret as %s', (prop, other, props) => {
    expect(() => synth(props))
      .toThrow(`GhcrMirror: \`${prop}\` is the secret given as \`${other}\`, expected another secret.`);
  });

  test.each(NO_SECRETS)('%s that is no secret: %j', (prop, value, got) => {
    const message = messageOf(() => synth({ [prop]: value }));
    expect(message).toMatch(
      new RegExp(`^GhcrMirror: \`${prop}\` is ${got}, expected a secret of Secrets Manager\\. Store the token there`),
    );
    expect(message).not.toContain('abc');
  });

  test.each([[undefined, 'undefined'], [7, '7']])('an organization that is %p', (organization, got) => {
    expect(messageOf(() => synth({ organization: organization as unknown as string })))
      .toContain(`\`organization\` is ${got}, expected the login`);
  });

  test('an organization that is a token, without a prefix', () => {
    const organization = Lazy.string({ produce: () => 'My-Org' });
    expect(() => synth({ organization })).toThrow(/`repositoryPrefix` is undefined, expected a value when `organization` is a token\. .*give the prefix/);
  });
});

describe('accepts', () => {
  test.each<[string, Partial<GhcrMirrorProps>]>([
    ['the shortest organization', { organization: 'a' }],
    ['the longest organization', { organization: 'x'.repeat(39) }],
    ['an organization that ends in a hyphen, as some old ones do',
      { organization: 'my-org-', repositoryPrefix: 'my-org' }],
    ['a prefix of one character', { repositoryPrefix: 'x' }],
    ['a nested prefix', { repositoryPrefix: 'mirror/ghcr' }],
    ['the longest window', { coalescingWindow: Duration.minutes(5) }],
    ['no window', { coalescingWindow: Duration.seconds(0) }],
    ['the bounds of the timeout', { buildTimeout: Duration.minutes(5) }],
    ['the other bound', { buildTimeout: Duration.hours(8) }],
    ['a variable of the user\'s own', { buildEnvironment: { buildImage: LinuxBuildImage.STANDARD_7_0, environmentVariables: { HTTPS_PROXY: { value: 'http://proxy' } } } }],
    ['GitHub Enterprise Server', { githubApiUrl: 'https://github.acme.com/api/v3', registryHost: 'containers.github.acme.com' }],
    ['an address of the user\'s own, below a path', { webhookUrl: 'https://hooks.example.com/ghcr/packages' }],
    ['a registry with a port', { githubApiUrl: 'http://127.0.0.1:8080', registryHost: '127.0.0.1:5000' }],
    ['tokens', {
      organization: Lazy.string({ produce: () => 'My-Org' }),
      repositoryPrefix: Lazy.string({ produce: () => 'my-org' }),
      githubApiUrl: Lazy.string({ produce: () => 'https://x' }),
      registryHost: Lazy.string({ produce: () => 'x' }),
      buildTimeout: Duration.minutes(Lazy.number({ produce: () => 10 })),
    }],
  ])('%s', (_, props) => {
    expect(() => synth(props)).not.toThrow();
  });

  test('three secrets', () => {
    expect(() => synth(stack => ({
      webhookToken: secret(stack, 'Hooks', 'github/hooks'),
      webhookSecret: new Secret(stack, 'Own', {
        secretStringValue: SecretValue.unsafePlainText('x'),
      }),
    }))).not.toThrow();
  });
});

describe('warns', () => {
  test('of an empty prefix', () => {
    const { stack } = synth({ repositoryPrefix: '' });
    Annotations.fromStack(stack).hasWarning('/Stack/Mirror', Match.stringLikeRegexp('may write to every repository'));
  });

  test('of nothing else', () => {
    expect(Annotations.fromStack(synth().stack).findWarning('*', Match.anyValue())).toEqual([]);
  });
});
