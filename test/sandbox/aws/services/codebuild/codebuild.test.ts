import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AwsError } from '../../../../../sandbox/aws/core/service';
import type { Build } from '../../../../../sandbox/aws/services/codebuild/build';
import { CodeBuild, CodeBuildOptions, createCodeBuild } from '../../../../../sandbox/aws/services/codebuild/codebuild';
import { createSecretsManager } from '../../../../../sandbox/aws/services/secrets-manager/secrets-manager';
import { TestContext } from '../../test-context';

const ROLE = 'arn:aws:iam::111122223333:role/Sync';
const LOGS = 'arn:aws:logs:eu-west-1:111122223333:log-group:/sync';

let context: TestContext;
let codebuild: CodeBuild;
let call: (operation: string, input?: object) => Promise<Record<string, unknown>>;

beforeEach(() => {
  context = new TestContext();
  use({});
});

afterEach(async () => {
  await codebuild.close?.();
  context.close();
});

function use(options: CodeBuildOptions): void {
  codebuild = createCodeBuild(context, options);
  call = context.client(codebuild.service);
}

interface ProjectSetup {
  readonly phases?: object;
  readonly env?: object;
  readonly environment?: object;
  readonly more?: object;
}

/** A project named `sync` as CDK writes it. */
async function project(
  { phases = { build: { commands: ['true'] } }, env, environment = {}, more = {} }: ProjectSetup = {},
): Promise<void> {
  await context.create(codebuild, 'AWS::CodeBuild::Project', 'Sync', {
    Name: 'sync',
    Artifacts: { Type: 'NO_ARTIFACTS' },
    Source: { Type: 'NO_SOURCE', BuildSpec: JSON.stringify({ version: '0.2', env, phases }) },
    Environment: {
      Type: 'LINUX_CONTAINER',
      ComputeType: 'BUILD_GENERAL1_SMALL',
      Image: 'aws/codebuild/standard:8.0',
      PrivilegedMode: false,
      ImagePullCredentialsType: 'CODEBUILD',
      ...environment,
    },
    ServiceRole: ROLE,
    EncryptionKey: 'alias/aws/s3',
    Cache: { Type: 'NO_CACHE' },
    LogsConfig: { CloudWatchLogs: { Status: 'ENABLED', GroupName: '/sync' } },
    ...more,
  });
}

async function start(input: object = {}): Promise<string> {
  const { build } = await call('StartBuild', { projectName: 'sync', ...input }) as { build: { id: string } };
  return build.id;
}

async function run(setup: ProjectSetup = {}, input: object = {}): Promise<Build> {
  await project(setup);
  return codebuild.waitFor(await start(input));
}

/** Returns the output of the commands, without CodeBuild's own lines. */
function printed(build: Build): string[] {
  return build.log.filter(line => !line.startsWith('[Container]'));
}

function phase(build: Build, type: string): Build['phases'][number] | undefined {
  return build.phases.find(candidate => candidate.type === type);
}

async function errorOf(action: Promise<unknown>): Promise<AwsError> {
  const error: unknown = await action.then(() => undefined, (reason: unknown) => reason);
  if (!(error instanceof AwsError)) { throw new Error(`expected an AwsError, got ${String(error)}`); }
  return error;
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) { await new Promise(resolve => setTimeout(resolve, 5)); }
}

const environment = (Type: string, ComputeType: string): object =>
  ({ Environment: { Type, ComputeType, Image: 'aws/codebuild/standard:8.0' } });
const LAMBDA = environment('LINUX_LAMBDA_CONTAINER', 'BUILD_LAMBDA_2GB');
const VPC = { VpcId: 'vpc-1', Subnets: ['subnet-1', 'subnet-2'], SecurityGroupIds: ['sg-1'] };

const build = (...commands: string[]): object => ({ build: { commands } });

describe('commands', () => {
  test('run in every phase, carrying variables and directory over', async () => {
    const done = await run({
      phases: {
        install: { commands: ['PLAIN=1', 'export SHOWN="two words"', 'mkdir -p sub && cd sub'] },
        pre_build: { commands: 'echo "$PLAIN $SHOWN $(basename "$PWD")"' },
        build: { commands: ['if true; then\n  echo multi\nfi'] },
        post_build: { commands: ['echo $CODEBUILD_BUILD_SUCCEEDING'] },
      },
    });
    expect([done.status, printed(done)]).toEqual(['SUCCEEDED', ['1 two words sub', 'multi', '1']]);
    expect(done.phases.map(({ type }) => type)).toEqual([
      'SUBMITTED', 'QUEUED', 'PROVISIONING', 'DOWNLOAD_SOURCE', 'INSTALL', 'PRE_BUILD', 'BUILD', 'POST_BUILD',
      'UPLOAD_ARTIFACTS', 'FINALIZING', 'COMPLETED',
    ]);
  });

  test('a failed command ends its phase with the reason', async () => {
    const done = await run({
      phases: {
        build: { commands: ['exit 3', 'echo never'], finally: ['echo always'] },
        post_build: { commands: ['echo $CODEBUILD_BUILD_SUCCEEDING'] },
      },
    });
    expect([done.status, printed(done)]).toEqual(['FAILED', ['always', '0']]);
    expect(phase(done, 'BUILD'))
      .toMatchObject({
        status: 'FAILED',
        context: {
          statusCode: 'COMMAND_EXECUTION_ERROR',
          message: 'Error while executing command: exit 3. Reason: exit status 3',
        },
      });
  });

  test.each([
    ['install', undefined, []],
    ['pre_build', undefined, []],
    ['build', undefined, ['post']],
    ['build', 'ABORT', []],
    ['install', 'CONTINUE', ['post']],
  ])('after a failure in %s with on-failure %p, what follows is %p', async (name, onFailure, expected) => {
    const done = await run({
      phases: { [name]: { 'commands': ['false'], 'on-failure': onFailure }, post_build: { commands: ['echo post'] } },
    });
    expect([done.status, printed(done)]).toEqual(['FAILED', expected]);
  });

  test('see a minimal environment and nothing of this process', async () => {
    process.env.LEAK = 'leaked';
    const done = await run({ phases: build('env | grep -v ^_= | cut -d= -f1 | sort') });
    delete process.env.LEAK;
    expect(printed(done)).toEqual([
      'AWS_ACCESS_KEY_ID', 'AWS_DEFAULT_REGION', 'AWS_REGION', 'AWS_SECRET_ACCESS_KEY', 'CODEBUILD_BUILD_ARN',
      'CODEBUILD_BUILD_ID', 'CODEBUILD_BUILD_IMAGE', 'CODEBUILD_BUILD_NUMBER', 'CODEBUILD_BUILD_SUCCEEDING',
      'CODEBUILD_CI', 'CODEBUILD_INITIATOR', 'CODEBUILD_KMS_KEY_ID', 'CODEBUILD_LOG_PATH', 'CODEBUILD_PROJECT_ARN',
      'CODEBUILD_SRC_DIR', 'CODEBUILD_START_TIME', 'HOME', 'LANG', 'OLDPWD', 'PATH', 'PWD', 'SHLVL', 'TMPDIR',
    ]);
  });

  test('find node and the files that the image would bring', async () => {
    use({ homeFiles: { '.config/containers/registries.conf': 'insecure' }, extraEnvironment: { EXTRA: 'yes' } });
    const done = await run({
      phases: build('node -p 1+1', 'cat ~/.config/containers/registries.conf; echo', 'echo $EXTRA'),
    });
    expect(printed(done)).toEqual(['2', 'insecure', 'yes']);
  });

  test('variables of the request win over the project\'s, and those over the buildspec\'s', async () => {
    const done = await run({
      env: { 'variables': { A: 'spec', B: 'spec', C: 'it\'s\nspec' }, 'exported-variables': ['A', 'NEW'] },
      environment: {
        EnvironmentVariables: [{ Name: 'A', Value: 'project', Type: 'PLAINTEXT' }, { Name: 'B', Value: 'project' }],
      },
      phases: build('echo $A $B', 'echo "$C"', 'NEW=made'),
    }, { environmentVariablesOverride: [{ name: 'A', value: 'request', type: 'PLAINTEXT' }] });
    expect(printed(done)).toEqual(['request project', 'it\'s', 'spec']);
    expect(done.exported).toEqual([{ name: 'A', value: 'request' }, { name: 'NEW', value: 'made' }]);
  });

  test('log lines go to the log group', async () => {
    const lines: string[] = [];
    use({ log: (group, stream, line) => lines.push(`${group} ${stream.length} ${line}`) });
    await run({ phases: build('echo out; echo err >&2') });
    expect(lines).toEqual(expect.arrayContaining(['/sync 36 out', '/sync 36 err']));
    expect(context.events).toContainEqual(expect.objectContaining({ source: 'codebuild', kind: 'log', text: 'out' }));
  });

  test('leave nothing behind on disk', async () => {
    await run({ phases: build('echo x > file') });
    expect(await readdir(join(context.directory, 'codebuild'))).toEqual([]);
  });
});

describe('source and role', () => {
  const source = {
    Source: {
      Type: 'S3',
      Location: 'assets/abc.zip',
      BuildSpec: JSON.stringify({ version: '0.2', phases: build('cat program.txt') }),
    },
  };

  beforeEach(async () => {
    const directory = join(context.directory, 'asset');
    await mkdir(directory);
    await writeFile(join(directory, 'program.txt'), 'the program\n');
    context.assets.set('assets/abc.zip', directory);
  });

  test('the asset is the working directory', async () => {
    expect(printed(await run({ more: source }))).toEqual(['the program']);
  });

  test('the role needs its logs and its source', async () => {
    const done = await run({ more: source });
    expect(context.checked.slice(1)).toEqual([
      `logs:CreateLogStream ${LOGS}:log-stream:${done.logStream}`,
      `logs:PutLogEvents ${LOGS}:log-stream:${done.logStream}`,
      's3:GetBucketAcl arn:aws:s3:::assets',
      's3:GetBucketLocation arn:aws:s3:::assets',
      's3:GetObject arn:aws:s3:::assets/abc.zip',
      's3:GetObjectVersion arn:aws:s3:::assets/abc.zip',
    ]);
  });

  test.each([
    ['s3:GetObject', 'DOWNLOAD_SOURCE', 'CLIENT_ERROR', 'error while downloading key abc.zip, error: AccessDenied'],
    ['logs:PutLogEvents', 'PROVISIONING', 'ACCESS_DENIED',
      'does not allow AWS CodeBuild to create Amazon CloudWatch Logs log streams'],
    ['sts:AssumeRole', 'PROVISIONING', 'ACCESS_DENIED', 'not authorized to perform: sts:AssumeRole'],
  ])('fails without %s, in %s', async (action, type, statusCode, message) => {
    context.denied.add(action);
    const done = await run({ more: source });
    expect([done.status, printed(done)]).toEqual(['FAILED', []]);
    expect(phase(done, type)).toMatchObject({
      status: 'FAILED',
      context: { statusCode, message: expect.stringContaining(message) as string },
    });
  });
});

describe('secrets as variables', () => {
  beforeEach(() => {
    const manager = createSecretsManager(context);
    context.client(manager.service);
    manager.createSecret('github', JSON.stringify({ token: 't0k3n' }));
  });

  const variable = (Value: string): ProjectSetup => ({
    environment: { EnvironmentVariables: [{ Name: 'TOKEN', Type: 'SECRETS_MANAGER', Value }] },
    phases: build('echo "$TOKEN"'),
  });

  test.each([['github', '{"token":"t0k3n"}'], ['github:token', 't0k3n'], ['github:token:AWSCURRENT', 't0k3n']])(
    '%s gives %s',
    async (value, expected) => {
      expect(printed(await run(variable(value)))).toEqual([expected]);
    },
  );

  test('fails without permission, with no log line', async () => {
    context.denied.add('secretsmanager:GetSecretValue');
    const done = await run(variable('github'));
    expect([done.status, done.log]).toEqual(['FAILED', []]);
    expect(phase(done, 'DOWNLOAD_SOURCE')?.context?.message).toContain('AccessDeniedException');
  });
});

describe('timeouts and stops', () => {
  test('a build that runs too long is killed with all that it started', async () => {
    const mark = join(context.directory, 'mark');
    use({ extraEnvironment: { MARK: mark } });
    await project({
      phases: build('(while :; do date +%s%N > $MARK; sleep 0.01; done) & sleep 0.1; echo started; wait'),
      more: { TimeoutInMinutes: 5 },
    });
    const id = await start();
    const [running] = codebuild.builds;
    await until(() => printed(running).length > 0);
    context.clock.advance(5 * 60_000);
    const done = await codebuild.waitFor(id);
    expect([done.status, phase(done, 'BUILD')?.status, phase(done, 'POST_BUILD')])
      .toEqual(['TIMED_OUT', 'TIMED_OUT', undefined]);
    const last = await readFile(mark, 'utf8');
    await new Promise(resolve => setTimeout(resolve, 100));
    expect(await readFile(mark, 'utf8')).toBe(last);
  });

  test('a build is stopped while it runs and while it waits', async () => {
    use({ maxConcurrent: 1 });
    await project({ phases: build('echo started; sleep 600') });
    const ids = [await start(), await start()];
    await until(() => printed(codebuild.builds[0]).length > 0);
    for (const id of ids) { await call('StopBuild', { id }); }
    const done = await Promise.all(ids.map(id => codebuild.waitFor(id)));
    expect(done.map(({ status }) => status)).toEqual(['STOPPED', 'STOPPED']);
    expect(phase(done[1], 'PROVISIONING')).toBeUndefined();
  });

  test('a build leaves the queue when it waits too long', async () => {
    use({ accountLimit: 1 });
    await project({ phases: build('sleep 600'), more: { QueuedTimeoutInMinutes: 5, TimeoutInMinutes: 60 } });
    await start();
    const id = await start();
    context.clock.advance(5 * 60_000);
    expect((await codebuild.waitFor(id)).status).toBe('TIMED_OUT');
  });

  test('time in the queue is not time of the build', async () => {
    context.clock.freeze();
    const submitted = context.clock.now();
    use({ accountLimit: 1 });
    await project({
      phases: build('echo $CODEBUILD_START_TIME; sleep 600'),
      more: { TimeoutInMinutes: 5, QueuedTimeoutInMinutes: 60 },
    });
    const [first, second] = [await start(), await start()];
    context.clock.advance(4 * 60_000);
    await call('StopBuild', { id: first });
    const waiting = codebuild.builds[1];
    await until(() => printed(waiting).length > 0);
    context.clock.advance(4 * 60_000);
    expect([waiting.isComplete, printed(waiting)]).toEqual([false, [String(submitted)]]);
    context.clock.advance(60_000);
    expect((await codebuild.waitFor(second)).status).toBe('TIMED_OUT');
  });

  test('provisioning takes its time', async () => {
    use({ startMs: { LINUX_CONTAINER: 7_000, LINUX_LAMBDA_CONTAINER: 0 } });
    await project();
    const id = await start();
    expect(codebuild.busy?.()).toBe(true);
    await until(() => codebuild.builds[0].phases.length > 2);
    context.clock.advance(7_000);
    expect((await codebuild.waitFor(id)).status).toBe('SUCCEEDED');
    await until(() => codebuild.busy?.() === false);
  });
});

describe('idempotency', () => {
  const packages = (value: string): object => ({
    idempotencyToken: 'token',
    environmentVariablesOverride: [{ name: 'PACKAGES', value, type: 'PLAINTEXT' }],
  });

  test('the same token gives the same build for five minutes', async () => {
    await project();
    const first = await start(packages('a'));
    context.clock.advance(4 * 60_000);
    expect(await start(packages('a'))).toBe(first);
    context.clock.advance(60_000);
    expect(await start(packages('a'))).not.toBe(first);
    expect(codebuild.builds).toHaveLength(2);
  });

  test('fails for the same token with other parameters', async () => {
    await project();
    await start(packages('a'));
    expect((await errorOf(start(packages('b')))).code).toBe('InvalidInputException');
  });

  test('a start that failed is not remembered', async () => {
    use({ accountLimit: 0 });
    await project();
    await errorOf(start(packages('a')));
    codebuild.setAccountLimit(1);
    await start(packages('a'));
    expect(codebuild.builds).toHaveLength(1);
  });
});

describe('limits', () => {
  test('fails in an account with a quota of 0', async () => {
    use({ accountLimit: 0 });
    await project();
    const { code, message } = await errorOf(start());
    expect([code, message])
      .toEqual(['AccountLimitExceededException', 'Cannot have more than 0 builds in queue for the account']);
  });

  test('queues five times the quota, then fails', async () => {
    use({ accountLimit: 1 });
    await project({ phases: build('sleep 600') });
    for (let n = 0; n < 6; n++) { await start(); }
    expect((await errorOf(start())).code).toBe('AccountLimitExceededException');
  });

  test('fails at the project\'s own limit instead of queueing', async () => {
    await project({ phases: build('sleep 600'), more: { ConcurrentBuildLimit: 1 } });
    await start();
    expect((await errorOf(start())).message).toBe('Cannot have more than 1 active builds for the project');
  });

  test('runs as many at a time as it is told', async () => {
    use({ maxConcurrent: 2 });
    await project({ phases: build('echo started; sleep 0.2') });
    const ids = [await start(), await start(), await start()];
    await until(() => codebuild.builds.filter(({ phases }) => phases.length > 2).length === 2);
    expect(codebuild.builds[2].phases.map(({ type }) => type)).toEqual(['SUBMITTED', 'QUEUED']);
    await Promise.all(ids.map(id => codebuild.waitFor(id)));
  });
});

describe('Lambda compute', () => {
  const lambda = { more: LAMBDA };

  test('is not root, writes below /tmp alone and ends after 15 minutes', async () => {
    const id = await run({
      ...lambda,
      phases: build('id -u', 'echo $HOME $PWD $CODEBUILD_SRC_DIR', 'touch ~/file && touch here'),
    });
    const [uid, directories] = printed(id);
    expect([id.status, uid === '0']).toEqual(['SUCCEEDED', false]);
    expect(directories.split(' ').every(directory => directory.startsWith(tmpdir()))).toBe(true);
    expect((await call('BatchGetBuilds', { ids: [id.id] })).builds).toMatchObject([{ timeoutInMinutes: 15 }]);
  });

  test('fails to write elsewhere', async () => {
    const done = await run({ ...lambda, phases: build('touch /usr/local/bin/tool') });
    expect([done.status, printed(done).join()]).toEqual(['FAILED', expect.stringContaining('Permission denied')]);
  });

  test('is stopped after 15 minutes', async () => {
    await project({ ...lambda, phases: build('echo started; sleep 3000') });
    const id = await start();
    await until(() => printed(codebuild.builds[0]).length > 0);
    context.clock.advance(15 * 60_000);
    expect((await codebuild.waitFor(id)).status).toBe('TIMED_OUT');
  });

  test('fails instead of queueing, and has a quota of its own', async () => {
    use({ accountLimit: 1 });
    await project({ ...lambda, phases: build('sleep 600') });
    await start();
    expect((await errorOf(start())).code).toBe('AccountLimitExceededException');
    await project({ phases: build('true'), more: { Name: 'other' } });
    const { build: other } = await call('StartBuild', { projectName: 'other' }) as { build: { id: string } };
    expect((await codebuild.waitFor(other.id)).status).toBe('SUCCEEDED');
  });

  test('fails with a timeout in the request', async () => {
    await project(lambda);
    expect((await errorOf(start({ timeoutInMinutesOverride: 10 }))).message)
      .toContain('not supported for environment type LINUX_LAMBDA');
  });
});

describe('a build in a VPC', () => {
  test('needs a network interface for its role', async () => {
    const done = await run({ more: { VpcConfig: VPC } });
    expect(context.checked.filter(each => each.startsWith('ec2:'))).toEqual([
      ...[
        'CreateNetworkInterface', 'DescribeDhcpOptions', 'DescribeNetworkInterfaces', 'DeleteNetworkInterface',
        'DescribeSubnets', 'DescribeSecurityGroups', 'DescribeVpcs',
      ].map(action => `ec2:${action} *`),
      'ec2:CreateNetworkInterfacePermission arn:aws:ec2:eu-west-1:111122223333:network-interface/eni-0123456789abcdef0',
    ]);
    expect((await call('BatchGetBuilds', { ids: [done.id] })).builds).toMatchObject([
      { vpcConfig: { vpcId: 'vpc-1', subnets: ['subnet-1', 'subnet-2'], securityGroupIds: ['sg-1'] } },
    ]);
  });

  test('fails to come up without it', async () => {
    context.denied.add('ec2:CreateNetworkInterfacePermission');
    const done = await run({ more: { VpcConfig: VPC } });
    expect(phase(done, 'PROVISIONING')?.context?.message).toContain('UnauthorizedOperation');
  });
});

describe('auto retry', () => {
  // https://docs.aws.amazon.com/codebuild/latest/userguide/auto-retry-build.html
  test('needs codebuild:RetryBuild in the project\'s role, and shows when it lacks it', async () => {
    context.denied.add('codebuild:RetryBuild');
    await run({ phases: build('false'), more: { AutoRetryLimit: 2 } });
    await until(() => codebuild.busy?.() === false);
    expect(codebuild.builds).toHaveLength(1);
    expect(context.checked).toContain('codebuild:RetryBuild arn:aws:codebuild:eu-west-1:111122223333:project/sync');
    expect(context.events).toContainEqual(expect.objectContaining({
      kind: 'not-retried', text: expect.stringMatching(/AWSCodeBuild-AutoRetry is not authorized to perform: codebuild:RetryBuild/) as string,
    }));
  });

  test('starts a failed build again, as often as the limit says', async () => {
    await run({ phases: build('false'), more: { AutoRetryLimit: 2 } });
    await until(() => codebuild.busy?.() === false);
    const { builds } = await call('BatchGetBuilds', { ids: codebuild.builds.map(({ id }) => id) }) as {
      builds: { arn: string; autoRetryConfig: object }[];
    };
    expect(builds.map(({ autoRetryConfig }) => autoRetryConfig)).toEqual([
      { autoRetryLimit: 2, autoRetryNumber: 0, nextAutoRetry: builds[1].arn },
      { autoRetryLimit: 2, autoRetryNumber: 1, previousAutoRetry: builds[0].arn, nextAutoRetry: builds[2].arn },
      { autoRetryLimit: 2, autoRetryNumber: 2, previousAutoRetry: builds[1].arn },
    ]);
  });

  test('does not touch a build that succeeded', async () => {
    await run({ more: { AutoRetryLimit: 2 } });
    await until(() => codebuild.busy?.() === false);
    expect(codebuild.builds).toHaveLength(1);
  });
});

describe('reading builds', () => {
  test('a build shows its phases, environment and logs', async () => {
    const { id, logStream } = await run();
    const { builds, buildsNotFound } = await call('BatchGetBuilds', { ids: [id, 'sync:none'] });
    expect(buildsNotFound).toEqual(['sync:none']);
    expect(builds).toMatchObject([{
      id,
      buildNumber: 1,
      buildStatus: 'SUCCEEDED',
      buildComplete: true,
      currentPhase: 'COMPLETED',
      projectName: 'sync',
      initiator: 'Administrator/test',
      logs: { groupName: '/sync', streamName: logStream },
      timeoutInMinutes: 60,
      serviceRole: ROLE,
    }]);
  });

  test('lists a project\'s builds, newest first, and retries one', async () => {
    const { id } = await run();
    const { build: again } = await call('RetryBuild', { id }) as { build: { id: string } };
    expect(await call('ListBuildsForProject', { projectName: 'sync' })).toEqual({ ids: [again.id, id] });
    await codebuild.waitFor(again.id);
  });

  test('lists pages of 100, in the order that was asked for', async () => {
    use({ accountLimit: 200, maxConcurrent: 0 });
    await project();
    const ids: string[] = [];
    for (let n = 0; n < 101; n++) { ids.push(await start()); }
    const list = (input: object): Promise<unknown> => call('ListBuildsForProject', { projectName: 'sync', ...input });
    const first = await list({}) as { nextToken: string };
    expect(first).toEqual({ ids: [...ids].reverse().slice(0, 100), nextToken: expect.any(String) as string });
    expect(await list({ nextToken: first.nextToken })).toEqual({ ids: [ids[0]] });
    expect(await list({ sortOrder: 'ASCENDING' })).toMatchObject({ ids: ids.slice(0, 100) });
  });

  test('a build tells when it began, when it ended and with which variables', async () => {
    context.clock.freeze();
    const now = context.clock.now() / 1000;
    const variables = [{ name: 'PACKAGES', value: '["app"]', type: 'PLAINTEXT' }];
    await project({ phases: build('sleep 600') });
    const id = await start({ environmentVariablesOverride: variables });
    const read = async (): Promise<object> =>
      (await call('BatchGetBuilds', { ids: [id] }) as { builds: object[] }).builds[0];
    const running = await read();
    expect(running).toMatchObject({
      startTime: now,
      buildStatus: 'IN_PROGRESS',
      buildComplete: false,
      environment: { environmentVariables: variables },
    });
    expect(running).not.toHaveProperty('endTime');
    context.clock.advance(60_000);
    await call('StopBuild', { id });
    await codebuild.waitFor(id);
    expect(await read()).toMatchObject({
      startTime: now, endTime: now + 60, buildStatus: 'STOPPED', buildComplete: true, currentPhase: 'COMPLETED',
    });
  });

  test.each([
    ['more than 100 ids', 'BatchGetBuilds', { ids: Array.from({ length: 101 }, (_, n) => `sync:${n}`) }],
    ['no id', 'BatchGetBuilds', { ids: [] }],
    ['a token that nobody gave out', 'ListBuildsForProject', { projectName: 'sync', nextToken: 'LTU' }],
    ['an order that is none', 'ListBuildsForProject', { projectName: 'sync', sortOrder: 'NEWEST' }],
  ])('fails with %s', async (_what, operation, input) => {
    await project();
    expect((await errorOf(call(operation, input))).code).toBe('InvalidInputException');
  });

  test('permissions are those of the project', async () => {
    const { id } = await run();
    context.checked.length = 0;
    await call('BatchGetBuilds', { ids: [id] });
    await call('ListBuildsForProject', { projectName: 'sync' });
    await call('StopBuild', { id });
    // https://docs.aws.amazon.com/service-authorization/latest/reference/list_awscodebuild.html: builds have no
    // resource type.
    const arn = 'arn:aws:codebuild:eu-west-1:111122223333:project/sync';
    expect(context.checked).toEqual(
      ['BatchGetBuilds', 'ListBuildsForProject', 'StopBuild'].map(action => `codebuild:${action} ${arn}`),
    );
  });
});

describe('what is refused', () => {
  const inline = (BuildSpec: string): object => ({ Source: { Type: 'NO_SOURCE', BuildSpec } });

  test.each([
    ['a buildspec beyond 25,600 characters', inline(' '.repeat(25_601)), 'CodeBuild accepts at most 25600'],
    ['an unknown key in the buildspec', inline('version: 0.2\nphases: {build: {commands: [x], timeout: 3}}'),
      'phases.build.timeout is not known'],
    ['an older version', inline('version: 0.1\nphases: {build: {commands: [x]}}'), 'version must be 0.2'],
    ['a buildspec that is no YAML', inline('version: [0.2'), 'YAML_FILE_ERROR'],
    ['an empty command', inline('version: 0.2\nphases: {build: {commands: [""]}}'),
      'phases.build.commands[0] is empty'],
    ['privileged mode',
      { Environment: { Type: 'LINUX_CONTAINER', ComputeType: 'x', Image: 'y', PrivilegedMode: true } },
      'PrivilegedMode must be false'],
    ['a build timeout out of range', { TimeoutInMinutes: 4 }, 'TimeoutInMinutes must be between 5 and 2160'],
    ['artifacts', { Artifacts: { Type: 'S3' } }, 'Artifacts.Type must be one of NO_ARTIFACTS'],
    ['a property that isn\'t known', { BadgeEnabled: true }, 'unknown properties BadgeEnabled'],
    ['a compute type of another environment', environment('LINUX_CONTAINER', 'BUILD_LAMBDA_2GB'),
      'ComputeType must be one of BUILD_GENERAL1'],
    ['EC2 compute on Lambda', environment('ARM_LAMBDA_CONTAINER', 'BUILD_GENERAL1_SMALL'),
      'ComputeType must be one of BUILD_LAMBDA_1GB'],
    ['a timeout on Lambda', { ...LAMBDA, TimeoutInMinutes: 15 },
      'TimeoutInMinutes is not supported for environment type LINUX_LAMBDA'],
    ['a queue on Lambda', { ...LAMBDA, QueuedTimeoutInMinutes: 5 },
      'QueuedTimeoutInMinutes is not supported for environment type'],
    ['a VPC on Lambda', { ...LAMBDA, VpcConfig: VPC },
      'VpcConfig is not supported for environment type LINUX_LAMBDA_CONTAINER'],
    ['a VPC without subnets', { VpcConfig: { ...VPC, Subnets: [] } },
      'VpcConfig.Subnets must have 1-16 members, got 0'],
  ])('fails for %s', async (_what, more, message) => {
    await expect(project({ more })).rejects.toThrow(message);
  });

  test('YAML works as well as JSON', async () => {
    const done = await run({ more: inline('version: 0.2\nphases:\n  build:\n    commands:\n      - echo yaml\n') });
    expect(printed(done)).toEqual(['yaml']);
  });

  test.each([
    ['a project that isn\'t there', { projectName: 'none' }, 'ResourceNotFoundException'],
    ['a variable beyond 4,096 characters', { environmentVariablesOverride: [{ name: 'A', value: 'x'.repeat(4097) }] },
      'InvalidInputException'],
    ['a reserved name', { environmentVariablesOverride: [{ name: 'CODEBUILD_X', value: 'x' }] },
      'InvalidInputException'],
    ['an override that the stand-in would ignore', { privilegedModeOverride: true }, 'InvalidInputException'],
    ['a buildspec that is none', { buildspecOverride: 'version: 0.1' }, 'InvalidInputException'],
    ['a service role that is no role', { serviceRoleOverride: 'admin' }, 'InvalidInputException'],
  ])('fails to start with %s', async (_what, input, code) => {
    await project();
    expect((await errorOf(start(input))).code).toBe(code);
  });
});
