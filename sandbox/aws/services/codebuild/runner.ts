import { cp, mkdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { Build } from './build';
import { BuildspecPhase, PHASES } from './buildspec';
import type { EnvironmentType } from './environment';
import { resolveSecret } from './secrets';
import { Shell } from './shell';
import { BuildUser, buildUser, handOver } from './user';
import { vpcPermissions } from './vpc';
import { sessionOf } from '../../core/naming';
import { AwsError, CloudContext, Principal, RequiredPermission } from '../../core/service';

export interface RunnerOptions {
  /** The build image's Node. @default - the one that runs this */
  readonly nodeBinary?: string;
  /** Environment variables of the build image, such as CONTAINERS_REGISTRIES_CONF for registries without TLS. */
  readonly extraEnvironment?: Readonly<Record<string, string>>;
  /** Files in the build's home directory that the build image would bring: path below it -> content. */
  readonly homeFiles?: Readonly<Record<string, string>>;
  /** Milliseconds from the queue to a running environment, by its type: 2-240 s were seen on EC2. @default 0 each */
  readonly startMs?: Readonly<Partial<Record<EnvironmentType, number>>>;
  /** Receives every line of the build's log. */
  readonly log?: (group: string, stream: string, line: string) => void;
}

/** Runs one build from PROVISIONING to COMPLETED. */
export class BuildRunner {
  private readonly directory: string;
  private readonly source: string;
  private readonly caller: Principal;
  private readonly shell: Shell;
  private readonly user: BuildUser;
  /** Of the role's session. */
  private credentials: Readonly<Record<string, string>> = {};
  /** CODEBUILD_BUILD_SUCCEEDING */
  private succeeding = true;

  public constructor(
    private readonly context: CloudContext,
    private readonly build: Build,
    private readonly options: RunnerOptions,
  ) {
    const uuid = build.id.split(':')[1];
    this.user = buildUser(build.request.project.environment.type);
    this.directory = this.user.uid === undefined
      ? join(context.directory, 'codebuild', uuid) : join(tmpdir(), `codebuild-${uuid}`);
    this.source = join(this.directory, 'src');
    this.caller = sessionOf(context, build.request.project.serviceRole, `AWSCodeBuild-${uuid}`);
    this.shell = new Shell(join(this.directory, 'state'), line => this.log(line), this.user);
    build.signal.addEventListener('abort', () => this.shell.kill(), { once: true });
  }

  public async run(): Promise<void> {
    const stopTimer = this.startTimer();
    try {
      await this.phase('PROVISIONING', () => this.provision());
      await this.phase('DOWNLOAD_SOURCE', () => this.download());
      await this.commands();
      await this.phase('UPLOAD_ARTIFACTS', () => Promise.resolve());
    } catch (error) {
      this.succeeding = false;
      if (!(error instanceof PhaseFailure)) { throw error; }
    } finally {
      stopTimer();
      this.build.begin('FINALIZING');
      await rm(this.directory, { recursive: true, force: true });
      this.build.end('SUCCEEDED');
      this.build.complete(this.build.interruption ?? (this.succeeding ? 'SUCCEEDED' : 'FAILED'));
    }
  }

  /** Begins after the queue, which has a timeout of its own: .../codebuild/latest/APIReference/API_StartBuild.html */
  private startTimer(): () => void {
    const controller = new AbortController();
    this.context.clock.sleep(this.build.request.timeoutInMinutes * 60_000, controller.signal)
      .then(() => {
        if (!controller.signal.aborted) { this.build.interrupt('TIMED_OUT'); }
      }, () => this.build.interrupt('TIMED_OUT'));
    return () => controller.abort();
  }

  /** Records a phase; a failure in it goes on to the caller. */
  private async phase(type: string, act: () => Promise<void>): Promise<void> {
    this.build.begin(type);
    try {
      await act();
      if (this.build.interruption) { throw new PhaseFailure('BUILD_INTERRUPTED', ''); }
      this.build.end('SUCCEEDED');
    } catch (error) {
      const { interruption } = this.build;
      if (interruption === 'TIMED_OUT') {
        this.build.end('TIMED_OUT', { statusCode: 'BUILD_TIMED_OUT', message: 'Build has timed out. ' });
        throw new PhaseFailure('BUILD_TIMED_OUT', 'Build has timed out.');
      }
      if (interruption === 'STOPPED') {
        this.build.end('STOPPED');
        throw new PhaseFailure('STOPPED', 'Build was stopped.');
      }
      const failure = asFailure(error);
      this.build.end(
        failure ? 'FAILED' : 'FAULT',
        failure && { statusCode: failure.statusCode, message: failure.message },
      );
      throw error;
    }
  }

  // ---------------------------------------------------------------------------------------------- before the commands

  private async provision(): Promise<void> {
    const { project } = this.build.request;
    await this.context.clock.sleep(this.options.startMs?.[project.environment.type] ?? 0, this.build.signal);
    this.credentials = this.assumeRole();
    const { account, partition, region } = this.context;
    const group = `arn:${partition}:logs:${region}:${account}:log-group:${this.build.logGroup}`;
    const resource = `${group}:log-stream:${this.build.logStream}`;
    // CodeBuild makes its default group itself; a group that the project names has to be there.
    const create = project.logGroup === undefined ? [{ action: 'logs:CreateLogGroup', resource: group }] : [];
    this.require([...create, {
      action: 'logs:CreateLogStream',
      resource,
    }, { action: 'logs:PutLogEvents', resource }], denied => new PhaseFailure('ACCESS_DENIED',
      `Service role ${project.serviceRole} does not allow AWS CodeBuild to create Amazon CloudWatch Logs log streams `
        + `for build ${this.build.arn}. Error message: ${denied}`));
    this.require(vpcPermissions(this.context, project),
      denied => new PhaseFailure('UNKNOWN_ERROR', `UnauthorizedOperation: ${denied}`));
  }

  /**
   * The session's credentials. In AWS a build gets them from AWS_CONTAINER_CREDENTIALS_RELATIVE_URI, on an address that
   * no process here can have: here they are in its environment.
   */
  private assumeRole(): Record<string, string> {
    const { serviceRole, arn } = this.build.request.project;
    try {
      return this.context.processEnvironment(serviceRole, sessionName(this.caller), {
        service: 'codebuild.amazonaws.com',
        sourceArn: arn,
      });
    } catch (error) {
      if (!(error instanceof AwsError)) { throw error; }
      throw new PhaseFailure(
        'ACCESS_DENIED',
        `CodeBuild is not authorized to perform: sts:AssumeRole on service role ${serviceRole}. ${error.message}`,
      );
    }
  }

  private require(permissions: readonly RequiredPermission[], failure: (denied: string) => PhaseFailure): void {
    try {
      this.context.authorize(this.caller, permissions);
    } catch (error) {
      if (!(error instanceof AwsError)) { throw error; }
      throw failure(error.message);
    }
  }

  private async download(): Promise<void> {
    // The directory holds the build's credentials and secrets.
    await mkdir(this.directory, { recursive: true, mode: 0o700 });
    await mkdir(this.source, { recursive: true });
    const { source } = this.build.request.project;
    if (source) { await this.fetchAsset(source.bucket, source.key); }
    await this.shell.start(await this.environment(), this.source);
    await handOver(this.directory, this.user);
  }

  private async fetchAsset(bucket: string, key: string): Promise<void> {
    const bucketArn = `arn:${this.context.partition}:s3:::${bucket}`;
    const object = `${bucketArn}/${key}`;
    // The documented minimum for a source in S3:
    // https://docs.aws.amazon.com/codebuild/latest/userguide/setting-up-service-role.html
    this.require([
      { action: 's3:GetBucketAcl', resource: bucketArn }, { action: 's3:GetBucketLocation', resource: bucketArn },
      { action: 's3:GetObject', resource: object }, { action: 's3:GetObjectVersion', resource: object },
    ], denied => new PhaseFailure(
      'CLIENT_ERROR',
      `error while downloading key ${key}, error: AccessDenied: ${denied} status code: 403`,
    ));
    const path = this.context.asset(bucket, key);
    if ((await stat(path)).isDirectory()) { return cp(path, this.source, { recursive: true }); }
    if (!path.endsWith('.zip')) {
      throw new PhaseFailure('CLIENT_ERROR', `the source ${bucket}/${key} is neither a directory nor a zip file`);
    }
    const unzip = new Shell(join(this.directory, 'unzip'), line => this.log(line));
    await unzip.start({ PATH, ARCHIVE: path }, this.source);
    const { exitCode } = await unzip.run('unzip -q "$ARCHIVE"', {});
    if (exitCode !== 0) { throw new PhaseFailure('CLIENT_ERROR', `unzip of ${bucket}/${key} ended with ${exitCode}`); }
  }

  private async environment(): Promise<Record<string, string>> {
    const { request } = this.build;
    const { buildspec } = request.project;
    const home = join(this.directory, 'home');
    const temporary = join(this.directory, 'tmp');
    await Promise.all([home, temporary].map(path => mkdir(path, { recursive: true })));
    await this.writeHome(home);
    const plain = request.variables.filter(variable => variable.type === 'PLAINTEXT')
      .map(variable => [variable.name, variable.value]);
    const secrets = [
      ...Object.entries(buildspec.secrets),
      ...request.variables.filter(variable => variable.type === 'SECRETS_MANAGER')
        .map((variable): [string, string] => [variable.name, variable.value]),
    ];
    const values = await Promise.all(secrets.map(async ([name, reference]) => [name, await this.secret(reference)]));
    return {
      PATH: `${dirname(this.options.nodeBinary ?? process.execPath)}:${PATH}`,
      HOME: home,
      TMPDIR: temporary,
      LANG: 'C.UTF-8',
      ...this.options.extraEnvironment,
      ...buildspec.variables,
      ...Object.fromEntries(plain),
      ...Object.fromEntries(values),
      ...this.codebuildVariables(),
      ...this.credentials,
    };
  }

  private async writeHome(home: string): Promise<void> {
    for (const [path, content] of Object.entries(this.options.homeFiles ?? {})) {
      await mkdir(dirname(join(home, path)), { recursive: true });
      await writeFile(join(home, path), content);
    }
  }

  /** A refused secret ends the build without a log line, as in AWS. */
  private async secret(reference: string): Promise<string> {
    try {
      return await resolveSecret(this.context, this.caller, reference);
    } catch (error) {
      if (!(error instanceof AwsError)) { throw error; }
      throw new PhaseFailure('Secrets Manager Error Message', `${error.code}: ${error.message}`);
    }
  }

  /** https://docs.aws.amazon.com/codebuild/latest/userguide/build-env-ref-env-vars.html */
  private codebuildVariables(): Record<string, string> {
    const { project, initiator } = this.build.request;
    return {
      AWS_DEFAULT_REGION: this.context.region,
      AWS_REGION: this.context.region,
      CODEBUILD_CI: 'true',
      CODEBUILD_BUILD_ID: this.build.id,
      CODEBUILD_BUILD_ARN: this.build.arn,
      CODEBUILD_BUILD_NUMBER: String(this.build.number),
      CODEBUILD_BUILD_IMAGE: project.environment.image,
      CODEBUILD_BUILD_SUCCEEDING: '1',
      CODEBUILD_INITIATOR: initiator,
      CODEBUILD_KMS_KEY_ID: project.encryptionKey,
      CODEBUILD_LOG_PATH: this.build.logStream,
      CODEBUILD_PROJECT_ARN: project.arn,
      CODEBUILD_SRC_DIR: this.source,
      // Milliseconds; the build's startTime, which is when it was submitted: time in the queue comes after it.
      CODEBUILD_START_TIME: String(Math.floor(this.build.startedAt)),
    };
  }

  // ---------------------------------------------------------------------------------------------- the commands

  /**
   * https://docs.aws.amazon.com/codebuild/latest/userguide/view-build-details-phases.html: after a
   * failed BUILD, POST_BUILD still runs.
   */
  private async commands(): Promise<void> {
    for (const name of PHASES) {
      const phase = this.build.request.project.buildspec.phases.find(candidate => candidate.name === name);
      try {
        await this.phase(name.toUpperCase(), () => this.runPhase(phase));
      } catch (error) {
        const goesOn = phase?.onFailure === 'CONTINUE' || (phase?.onFailure === undefined && name === 'build');
        if (!(error instanceof PhaseFailure) || this.build.interruption || !goesOn) { throw error; }
        // What AWS calls a build whose failed phase said CONTINUE is not documented; a failure that is hidden
        // would be worse than one that shows.
        this.succeeding = false;
      }
    }
    this.build.exported = await this.shell.variables(this.build.request.project.buildspec.exported);
  }

  private async runPhase(phase: BuildspecPhase | undefined): Promise<void> {
    if (!phase) { return; }
    this.log(`${stamp(this.context)} Entering phase ${phase.name.toUpperCase()}`);
    const failed = await this.runAll(phase.commands);
    const failedAlways = this.build.interruption ? undefined : await this.runAll(phase.always);
    const failure = failed ?? failedAlways;
    this.log(`${stamp(this.context)} Phase complete: ${phase.name.toUpperCase()} State: `
      + `${failure ? 'FAILED' : 'SUCCEEDED'}`);
    if (failure) { throw failure; }
  }

  /** The first command that fails ends the list. */
  private async runAll(commands: readonly string[]): Promise<PhaseFailure | undefined> {
    for (const command of commands) {
      if (this.build.interruption) { return undefined; }
      this.log(`${stamp(this.context)} Running command ${command}`);
      const { exitCode } = await this.shell.run(command, { CODEBUILD_BUILD_SUCCEEDING: this.succeeding ? '1' : '0' });
      if (exitCode !== 0) {
        this.log(`${stamp(this.context)} Command did not exit successfully ${command} exit status ${exitCode}`);
        return new PhaseFailure(
          'COMMAND_EXECUTION_ERROR',
          `Error while executing command: ${command}. Reason: exit status ${exitCode}`,
        );
      }
    }
    return undefined;
  }

  private log(line: string): void {
    this.build.log.push(line);
    this.options.log?.(this.build.logGroup, this.build.logStream, line);
    this.context.emit({
      source: 'codebuild',
      resource: this.build.request.project.name,
      kind: 'log',
      text: line,
      detail: { buildId: this.build.id },
    });
  }
}

/** Ends a phase, and what comes of it ends the build. */
export class PhaseFailure extends Error {
  public constructor(public readonly statusCode: string, message: string) {
    super(message);
    this.name = 'PhaseFailure';
  }
}

const PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

function sessionName(caller: Principal): string {
  return caller.arn.split('/').pop() ?? 'AWSCodeBuild';
}

function asFailure(error: unknown): PhaseFailure | undefined {
  return error instanceof PhaseFailure ? error : undefined;
}

function stamp(context: CloudContext): string {
  return '[Container] '
    + `${new Date(context.clock.now()).toISOString().replace('T', ' ').replace('Z', '').replaceAll('-', '/')}`;
}
