import { Duration, Token } from 'aws-cdk-lib';
import { BuildEnvironmentVariableType } from 'aws-cdk-lib/aws-codebuild';
import type { ISecret } from 'aws-cdk-lib/aws-secretsmanager';
import { CopyEngine } from '../contract/copy-engine';
import {
  BUILD_START_VARIABLE, PACKAGES_VARIABLE, PURPOSE_VARIABLE, SYNC_ENVIRONMENT,
} from '../contract/environment';
import { WEBHOOK_PATH } from '../contract/hook';
import type { GhcrMirrorProps } from '../ghcr-mirror-props';
import { isRepositoryName } from '../image-name';

/** AWS caps the batching window of an SQS event source at five minutes. */
const MAX_WINDOW = Duration.minutes(5);
/** From CodeBuild's minimum to well within the 12 hours of a login to ECR. */
const BUILD_TIMEOUT = { min: Duration.minutes(5), max: Duration.hours(8) };

const RESERVED_VARIABLES: readonly string[] = [
  ...SYNC_ENVIRONMENT, BUILD_START_VARIABLE, PACKAGES_VARIABLE, PURPOSE_VARIABLE,
];

/** Refuses props that AWS or GitHub would refuse at deployment, or that would silently mirror nothing. Tokens pass. */
export function validateProps(props: GhcrMirrorProps): void {
  validateOrganization(props);
  validatePrefix(props);
  validateSecrets(props);
  validateWindow(props.coalescingWindow);
  validateEngine(props);
  validateBuild(props);
  validateHosts(props);
  validateWebhook(props);
}

function refuse(prop: string, got: unknown, expected: string, fix: string): never {
  throw new Error(`GhcrMirror: \`${prop}\` is ${typeof got === 'string' ? `"${got}"` : String(got)}, `
    + `expected ${expected}. ${fix}`);
}

/** Says of a value what it is, where the value itself must not be shown. */
function phrase(text: string): object {
  return { toString: () => text };
}

function validateOrganization({ organization, repositoryPrefix }: GhcrMirrorProps): void {
  if (Token.isUnresolved(organization)) {
    if (repositoryPrefix === undefined) {
      refuse('repositoryPrefix', undefined, 'a value when `organization` is a token',
        'The default prefix is the lower-cased organization, which is not known at synthesis: give the prefix.');
    }
    return;
  }
  // JavaScript checks no types, and a missing prop would show as an error of ours.
  if (typeof organization !== 'string' || !/^[a-zA-Z0-9](?:-?[a-zA-Z0-9])*-?$/.test(organization) || organization.length > 39) {
    refuse('organization', organization, 'the login of a GitHub organization: 1-39 letters, digits and single hyphens',
      'Give the name as it stands in its URL, https://github.com/NAME.');
  }
}

function validatePrefix({ repositoryPrefix: prefix }: GhcrMirrorProps): void {
  if (prefix === undefined || prefix === '' || Token.isUnresolved(prefix)) { return; }
  // With a package below it: a prefix alone may be one character long.
  if (!isRepositoryName(`${prefix}/aa`)) {
    refuse(
      'repositoryPrefix',
      prefix,
      'what ECR accepts before "/PACKAGE": at most 253 lower-case letters and digits, '
        + 'separated by single ., _, __, - or /',
      'Shorten it, remove upper-case letters and leading, trailing or doubled separators, or pass "" for no prefix.',
    );
  }
}

/** Each secret has a reader of its own, which must never read another: a shared one would undo that. */
function validateSecrets({ packagesToken, webhookSecret, webhookToken, webhookActive }: GhcrMirrorProps): void {
  const given = Object.entries({ packagesToken, webhookToken, webhookSecret });
  const secrets = given.filter((entry): entry is [string, ISecret] => entry[0] === 'packagesToken'
    || entry[1] !== undefined);
  secrets.forEach(([prop, secret]) => validateSecret(prop, secret));
  for (const [at, [prop, secret]] of secrets.entries()) {
    const twin = secrets.slice(0, at).find(([, other]) => sameSecret(secret, other));
    if (twin) {
      refuse(prop, phrase(`the secret given as \`${twin[0]}\``), 'another secret',
        'Each is read by a program of its own, with least privilege: create a secret for '
          + `each${prop === 'webhookSecret' ? ', or leave out `webhookSecret` to have it generated' : ''}.`);
    }
  }
  if (webhookActive !== undefined && webhookToken === undefined) {
    refuse(
      'webhookActive',
      webhookActive,
      'nothing without `webhookToken`',
      'Without the token no webhook is registered: give the token, or remove this prop.',
    );
  }
}

/** In JavaScript, and in Python without a type checker, a token itself can be given: it would end in the template. */
function validateSecret(prop: string, secret: unknown): void {
  const arn: unknown = typeof secret === 'object' && secret !== null && 'secretArn' in secret
    ? secret.secretArn
    : undefined;
  if (typeof arn === 'string') { return; }
  refuse(prop, phrase(secret === undefined ? 'undefined' : `of type ${typeof secret}`), 'a secret of Secrets Manager',
    'Store the token there and give `Secret.fromSecretNameV2(this, "ID", "NAME")`: '
      + 'the token itself must not be in the code.');
}

function sameSecret(one: ISecret, other: ISecret): boolean {
  return one === other || one.secretArn === other.secretArn;
}

function validateWindow(window: Duration | undefined): void {
  if (window === undefined) { return; }
  if (window.isUnresolved()) {
    refuse('coalescingWindow', phrase('a token'), 'a duration that is known at synthesis',
      'The size of dispatch\'s batches depends on it: give a number, such as `Duration.seconds(2)`.');
  }
  const seconds = window.toSeconds({ integral: false });
  if (!Number.isInteger(seconds) || seconds > MAX_WINDOW.toSeconds()) {
    refuse('coalescingWindow', window, `whole seconds up to ${MAX_WINDOW.toSeconds()}`,
      'Events that arrive within it are handled together: a few seconds are enough for the manifests of one push.');
  }
}

function validateEngine({ engine }: GhcrMirrorProps): void {
  const engines: readonly unknown[] = Object.values(CopyEngine);
  if (engine !== undefined && !engines.includes(engine)) {
    refuse(
      'engine',
      engine,
      '`CopyEngine.SKOPEO` or `CopyEngine.DIRECT`',
      'Use the enum, or leave it out to copy with skopeo.',
    );
  }
}

function validateBuild({ buildTimeout, buildEnvironment, putImageRate }: GhcrMirrorProps): void {
  if (putImageRate !== undefined && !Token.isUnresolved(putImageRate) && !(putImageRate >= 1 && putImageRate <= 1000)) {
    refuse(
      'putImageRate',
      putImageRate,
      'a number from 1 to 1000',
      'ECR\'s default quota is 10 in a second: stay below yours.',
    );
  }
  if (buildTimeout && !buildTimeout.isUnresolved()) {
    const minutes = buildTimeout.toMinutes({ integral: false });
    if (!Number.isInteger(minutes)
      || minutes < BUILD_TIMEOUT.min.toMinutes()
      || minutes > BUILD_TIMEOUT.max.toMinutes()) {
      refuse(
        'buildTimeout',
        buildTimeout,
        'whole minutes between 5 minutes and 8 hours',
        'CodeBuild allows no less, and the login to ECR lasts little longer; '
          + 'what a run does not finish, the next one does.',
      );
    }
  }
  if (buildEnvironment?.privileged) {
    refuse(
      'buildEnvironment.privileged',
      true,
      'false or nothing',
      'Images are copied from registry to registry, which needs no Docker daemon and no privileges: remove it.',
    );
  }
  for (const [name, variable] of Object.entries(buildEnvironment?.environmentVariables ?? {})) {
    if (RESERVED_VARIABLES.includes(name)) {
      refuse(
        `buildEnvironment.environmentVariables.${name}`,
        variable.value,
        'another name',
        'The mirror sets this variable itself: use the props of GhcrMirror.',
      );
    }
    if (variable.type !== undefined && variable.type !== BuildEnvironmentVariableType.PLAINTEXT) {
      refuse(
        `buildEnvironment.environmentVariables.${name}`,
        variable.type,
        'type PLAINTEXT',
        'The project\'s role may read no other secret or parameter than the mirror\'s own.',
      );
    }
  }
}

function validateHosts({ githubApiUrl, registryHost }: GhcrMirrorProps): void {
  if (githubApiUrl !== undefined && !Token.isUnresolved(githubApiUrl) && !isApiUrl(githubApiUrl)) {
    refuse('githubApiUrl', githubApiUrl, 'an https URL without query and trailing slash',
      'Use https://api.github.com, https://api.SUBDOMAIN.ghe.com, or https://HOST/api/v3 for GitHub Enterprise Server.');
  }
  if (registryHost !== undefined && !Token.isUnresolved(registryHost) && !/^[a-z0-9]([a-z0-9.-]*[a-z0-9])?(:\d{1,5})?$/.test(registryHost)) {
    refuse('registryHost', registryHost, 'a lower-case host name, with a port where it has one',
      'Use ghcr.io, containers.SUBDOMAIN.ghe.com, or containers.HOST for GitHub Enterprise '
        + 'Server: no scheme and no path.');
  }
  if ((githubApiUrl === undefined) !== (registryHost === undefined)) {
    refuse(
      githubApiUrl === undefined ? 'githubApiUrl' : 'registryHost',
      undefined,
      'a value when its counterpart has one',
      '`githubApiUrl` and `registryHost` belong to one GitHub: give both, or none for github.com.',
    );
  }
}

function validateWebhook({ webhookUrl, webhookReservedConcurrency: reserved }: GhcrMirrorProps): void {
  if (webhookUrl !== undefined && !Token.isUnresolved(webhookUrl) && !isWebhookUrl(webhookUrl)) {
    refuse(
      'webhookUrl',
      webhookUrl,
      `an https URL that ends in ${WEBHOOK_PATH}, without query, fragment and credentials`,
      `Give the address that leads to \`mirror.api\`, such as https://hooks.example.com${WEBHOOK_PATH}.`,
    );
  }
  if (reserved !== undefined && !Token.isUnresolved(reserved) && !(Number.isInteger(reserved) && reserved >= 1)) {
    refuse(
      'webhookReservedConcurrency',
      reserved,
      'a whole number from 1',
      'Leave it out to reserve nothing; 5 handle what the API\'s throttle lets through.',
    );
  }
}

function isWebhookUrl(text: string): boolean {
  if (!URL.canParse(text)) { return false; }
  const { protocol, pathname, username, password, href } = new URL(text);
  // The hook is found by its URL again, so that it has to be written as GitHub stores it.
  return protocol === 'https:' && pathname.endsWith(WEBHOOK_PATH) && username === '' && password === '' && href === text && !/[?#]/.test(text);
}

/** The token travels to this URL, so plain HTTP is for loopback alone, where tests run. */
function isApiUrl(text: string): boolean {
  if (!URL.canParse(text) || text.endsWith('/')) { return false; }
  const { protocol, hostname, search, hash, username } = new URL(text);
  const secure = protocol === 'https:' || (protocol === 'http:' && ['127.0.0.1', 'localhost'].includes(hostname));
  return secure && search === '' && hash === '' && username === '';
}
