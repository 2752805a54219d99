import { Annotations, Duration, RemovalPolicy, Token } from 'aws-cdk-lib';
import { HttpApi } from 'aws-cdk-lib/aws-apigatewayv2';
import { Alarm } from 'aws-cdk-lib/aws-cloudwatch';
import { BuildEnvironment, IProject } from 'aws-cdk-lib/aws-codebuild';
import { IRepository, Repository } from 'aws-cdk-lib/aws-ecr';
import { Grant, IGrantable } from 'aws-cdk-lib/aws-iam';
import { IFunction } from 'aws-cdk-lib/aws-lambda';
import { LogGroup, RetentionDays } from 'aws-cdk-lib/aws-logs';
import { ScheduleExpression } from 'aws-cdk-lib/aws-scheduler';
import { ISecret, Secret } from 'aws-cdk-lib/aws-secretsmanager';
import { IQueue } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import { CopyEngine } from './copy-engine';
import { isRepositoryName, repositoryName } from './image-name';
import { DISPATCH_TIMEOUT, Dispatcher } from './private/dispatcher';
import { repositoriesArn } from './private/permissions';
import { Registration } from './private/registration';
import { SyncProject } from './private/sync-project';
import { SyncQueue } from './private/sync-queue';
import { validateProps } from './private/validate';
import { WebhookEndpoint } from './private/webhook-endpoint';

/** Properties of `GhcrMirror`. */
export interface GhcrMirrorProps {
  /**
   * Login of the GitHub organization whose container packages are mirrored.
   */
  readonly organization: string;

  /**
   * Secret that holds a classic personal access token with the scope `read:packages`, as plain text or as a JSON object
   * `{"token":"..."}`. GitHub accepts no other kind of token for reading packages. An organization that enforces SAML
   * single sign-on must have authorized it.
   *
   * @see https://docs.github.com/en/packages/learn-github-packages/about-permissions-for-github-packages
   */
  readonly packagesToken: ISecret;

  /**
   * Secret that holds a token which may manage the organization's webhooks: a fine-grained personal access token of an owner with
   * the organization permission "Webhooks: read and write", or a classic one with the scope `admin:org_hook`. With it, the
   * deployment registers the webhook, a daily check repairs it, and the removal of the stack removes it. Must be another
   * secret than `packagesToken`.
   *
   * @default - no webhook is registered: the mirror follows its schedule, until somebody adds a webhook with `endpointUrl` and
   * `webhookSecret` by hand
   */
  readonly webhookToken?: ISecret;

  /**
   * Whether the registered webhook is active. False keeps it in GitHub, disabled: the daily check would enable a hook that a
   * person has disabled there.
   *
   * @default true
   */
  readonly webhookActive?: boolean;

  /**
   * Secret that GitHub signs its deliveries with. The stages AWSCURRENT, AWSPREVIOUS and AWSPENDING are accepted, so that a
   * rotation loses no delivery.
   *
   * @default - a secret of 64 random characters is generated
   */
  readonly webhookSecret?: ISecret;

  /**
   * What stands before the package in a repository's name: `<prefix>/<package>`. An empty string stands for no prefix, and
   * then the sync may write to every repository of the account and region.
   *
   * @default - the lower-cased organization
   */
  readonly repositoryPrefix?: string;

  /**
   * The program that moves the bytes of images. skopeo is installed at the start of each build, with apt-get or dnf, unless the image of
   * `buildEnvironment` has it; if that fails, the build copies with the direct engine and says so. With both engines each image is compared
   * by its digest.
   *
   * @default - `CopyEngine.SKOPEO`; with Lambda compute `CopyEngine.DIRECT`
   */
  readonly engine?: CopyEngine;

  /**
   * Image, size and further settings of the CodeBuild environment. The image must have bash and Node.js 20 or newer.
   *
   * An image of `LinuxLambdaBuildImage` or `LinuxArmLambdaBuildImage` runs the builds on Lambda compute: they start within seconds, end
   * after 15 minutes at the latest, and have no root.
   *
   * @default - `aws/codebuild/standard:8.0` (Ubuntu 24.04), compute type SMALL
   */
  readonly buildEnvironment?: BuildEnvironment;

  /**
   * How long one build may take, between 5 minutes and 8 hours. The next build continues with what it did not finish. With Lambda compute
   * it is 15 minutes at most.
   *
   * @default Duration.hours(1)
   */
  readonly buildTimeout?: Duration;

  /**
   * How many manifests a build puts into ECR in a second at most, between 1 and 1000. ECR's default quota is 10 for the
   * account and region, and an index counts one for itself and one for each of its manifests. Where somebody else uses a part of the
   * quota, builds give way. Raise it after the quota "Rate of PutImage requests".
   *
   * @default 9.5
   */
  readonly putImageRate?: number;

  /**
   * How long events are collected before they are handled together: whole seconds, up to 300. GitHub sends one event for each
   * manifest of a push. Zero handles each event at once.
   *
   * @default Duration.seconds(5)
   */
  readonly coalescingWindow?: Duration;

  /**
   * When all packages are reconciled, so that a lost event heals.
   *
   * @default - every 6 hours
   */
  readonly schedule?: ScheduleExpression;

  /**
   * Base URL of GitHub's REST API, without a trailing slash: `https://api.SUBDOMAIN.ghe.com`, or `https://HOST/api/v3` for
   * GitHub Enterprise Server. Goes with `registryHost`.
   *
   * @default 'https://api.github.com'
   */
  readonly githubApiUrl?: string;

  /**
   * Host of the container registry: `containers.SUBDOMAIN.ghe.com`, or `containers.HOST` for GitHub Enterprise Server. Goes
   * with `githubApiUrl`.
   *
   * @default 'ghcr.io'
   */
  readonly registryHost?: string;

  /**
   * How long the logs of the API, the functions and the builds are kept.
   *
   * @default RetentionDays.ONE_MONTH
   */
  readonly logRetention?: RetentionDays;
}

/**
 * Keeps every container image that a GitHub organization publishes in GHCR present in this account's private ECR, within
 * seconds of the push, digest for digest.
 */
export class GhcrMirror extends Construct {
  /** URL that the organization's webhook delivers to: `https://.../packages`. */
  public readonly endpointUrl: string;

  /** The HTTP API behind `endpointUrl`. */
  public readonly api: HttpApi;

  /** Function that verifies deliveries and enqueues them. */
  public readonly webhookFunction: IFunction;

  /** Function that finds out what is missing and starts builds. */
  public readonly dispatchFunction: IFunction;

  /** Project that copies images. A build started without variables syncs every package. */
  public readonly project: IProject;

  /** Queue between the webhook and the dispatch function. A message `{"kind":"organization"}` reconciles every package. */
  public readonly queue: IQueue;

  /** Where messages end that failed again and again. */
  public readonly deadLetterQueue: IQueue;

  /** Goes off when the dead-letter queue holds a message. It has no action: add yours. */
  public readonly deadLetterAlarm: Alarm;

  /** Function that keeps the webhook in GitHub. Invoked with the input of its daily schedule, it repairs the hook at once. */
  public readonly registrationFunction: IFunction;

  /** `yes` when GitHub reached the endpoint during the last deployment, else `no: ` and the reason. */
  public readonly webhookReached: string;

  /** Secret that GitHub signs its deliveries with. */
  public readonly webhookSecret: ISecret;

  /** What stands before the package in a repository's name; empty for none. */
  public readonly repositoryPrefix: string;

  constructor(scope: Construct, id: string, props: GhcrMirrorProps) {
    super(scope, id);
    validateProps(props);

    const { organization, packagesToken } = props;
    const githubApiUrl = props.githubApiUrl ?? 'https://api.github.com';
    const registryHost = props.registryHost ?? 'ghcr.io';
    const logGroup = (parent: Construct, name: string): LogGroup => new LogGroup(parent, name, {
      retention: props.logRetention ?? RetentionDays.ONE_MONTH,
      removalPolicy: RemovalPolicy.DESTROY,
    });
    this.repositoryPrefix = props.repositoryPrefix ?? organization.toLowerCase();
    this.warnOfEmptyPrefix();

    this.webhookSecret = props.webhookSecret ?? new Secret(this, 'WebhookSecret', {
      description: `GhcrMirror: signs GitHub's deliveries of organization ${organization}`,
      generateSecretString: { passwordLength: 64, excludePunctuation: true },
    });
    // AWS recommends six times the function's timeout, so that a throttled function gets to its messages again.
    const queues = new SyncQueue(this, 'Queues', Duration.seconds(6 * DISPATCH_TIMEOUT.toSeconds()));
    const endpoint = new WebhookEndpoint(this, 'Webhook', { organization, webhookSecret: this.webhookSecret, queue: queues.queue, logGroup });
    const { project } = new SyncProject(this, 'Sync', {
      organization,
      repositoryPrefix: this.repositoryPrefix,
      githubApiUrl,
      registryHost,
      packagesToken,
      engine: props.engine,
      buildEnvironment: props.buildEnvironment,
      buildTimeout: props.buildTimeout ?? Duration.hours(1),
      putImageRate: props.putImageRate ?? 9.5,
      logGroup,
    });
    const dispatcher = new Dispatcher(this, 'Dispatch', {
      organization,
      repositoryPrefix: this.repositoryPrefix,
      githubApiUrl,
      packagesToken,
      queue: queues.queue,
      project,
      coalescingWindow: props.coalescingWindow ?? Duration.seconds(5),
      schedule: props.schedule ?? ScheduleExpression.rate(Duration.hours(6)),
      logGroup,
    });

    const registration = new Registration(this, 'Registration', {
      hook: {
        organization,
        endpointUrl: endpoint.url,
        githubApiUrl,
        active: props.webhookActive === false ? 'false' : 'true',
        selection: JSON.stringify({ prefix: this.repositoryPrefix, registry: registryHost }),
      },
      webhookToken: props.webhookToken,
      webhookSecret: this.webhookSecret,
      queue: queues.queue,
      after: [endpoint, dispatcher, queues],
      logGroup,
    });

    this.endpointUrl = endpoint.url;
    this.api = endpoint.api;
    this.webhookFunction = endpoint.function;
    this.dispatchFunction = dispatcher.function;
    this.registrationFunction = registration.function;
    this.webhookReached = registration.reached;
    this.project = project;
    this.queue = queues.queue;
    this.deadLetterQueue = queues.deadLetterQueue;
    this.deadLetterAlarm = queues.deadLetterAlarm;
  }

  /**
   * The ECR repository of a package. It exists once the package has been mirrored.
   *
   * @param packageName name of the GHCR package without the organization; nested names contain `/`
   * @throws when ECR accepts no repository of that name
   */
  public repository(packageName: string): IRepository {
    const name = repositoryName(this.repositoryPrefix, packageName);
    const known = Token.isUnresolved(this.repositoryPrefix) ? repositoryName('prefix', packageName) : name;
    if (packageName === '' || !isRepositoryName(known)) {
      throw new Error(`GhcrMirror: repository("${packageName}") is named "${name}", which ECR does not accept. Give the package's name without the organization, such as "app" or "team/tool".`);
    }
    // A construct's id must not contain a slash, and no repository's name contains a colon.
    const id = `Repository-${packageName.toLowerCase().replace(/\//g, ':')}`;
    const existing = this.node.tryFindChild(id);
    return existing instanceof Construct ? existing as unknown as IRepository : Repository.fromRepositoryName(this, id, name);
  }

  /**
   * Lets an identity of this account pull every mirrored image.
   *
   * @param grantee whom to allow, for example the execution role of an ECS task
   * @throws when the grantee has no policy that can be extended, such as another account
   */
  public grantPull(grantee: IGrantable): Grant {
    const pull = Grant.addToPrincipal({
      grantee,
      actions: ['ecr:BatchCheckLayerAvailability', 'ecr:BatchGetImage', 'ecr:GetDownloadUrlForLayer'],
      resourceArns: [repositoriesArn(this, this.repositoryPrefix)],
    });
    if (!pull.success) {
      throw new Error(`GhcrMirror: grantPull() got "${String(grantee.grantPrincipal)}", expected an identity of this app whose policy can be extended, such as a role. `
        + 'Accounts and roles elsewhere need a policy on the ECR side: allow them to pull the repositories of the prefix in the registry\'s policy (AWS::ECR::RegistryPolicy).');
    }
    return pull.combine(Grant.addToPrincipal({ grantee, actions: ['ecr:GetAuthorizationToken'], resourceArns: ['*'] }));
  }

  private warnOfEmptyPrefix(): void {
    if (this.repositoryPrefix === '') {
      Annotations.of(this).addWarningV2('cdk-ghcr2ecr:emptyPrefix',
        'With an empty `repositoryPrefix` the sync may write to every repository of this account and region. Give a prefix to bound it.');
    }
  }
}
