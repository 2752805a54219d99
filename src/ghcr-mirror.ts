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
import { isRepositoryName, repositoryName } from './image-name';
import { DISPATCH_TIMEOUT, Dispatcher } from './private/dispatcher';
import { repositoriesArn } from './private/permissions';
import { Registration } from './private/registration';
import { SyncProject } from './private/sync-project';
import { SyncQueue } from './private/sync-queue';
import { validateProps } from './private/validate';
import { WebhookEndpoint } from './private/webhook-endpoint';

/** Properties of a `GhcrMirror`. Values that AWS or GitHub would refuse at deployment are refused at synthesis. */
export interface GhcrMirrorProps {
  /**
   * Login of the GitHub organization whose container packages are mirrored.
   */
  readonly organization: string;

  /**
   * Secret that holds a classic personal access token with the scope `read:packages`, as plain text or as a JSON object
   * `{"token":"..."}`. GitHub accepts no other kind of token for reading packages. An organization that enforces SAML
   * single sign-on must have authorized it. The mirror copies the packages that the token's owner may read.
   *
   * @see https://docs.github.com/en/packages/learn-github-packages/about-permissions-for-github-packages
   */
  readonly packagesToken: ISecret;

  /**
   * Secret that holds a token which may manage the organization's webhooks: a fine-grained personal access token of an
   * owner with the organization permission "Webhooks: read and write", or a classic one with the scope
   * `admin:org_hook`. The deployment then registers the webhook, a daily check repairs it, and the deletion of the
   * stack removes it. This must be another secret than `packagesToken`, because each secret has a reader of its own.
   *
   * @default - no webhook is registered: the mirror follows its schedule alone, unless an owner adds a webhook with
   * `endpointUrl` and `webhookSecret` by hand
   */
  readonly webhookToken?: ISecret;

  /**
   * Whether the registered webhook is active. Set it to false to keep the webhook registered in GitHub, but disabled.
   * Disabling it in GitHub's settings doesn't last, because the daily check enables it again. Needs `webhookToken`.
   *
   * @default true
   */
  readonly webhookActive?: boolean;

  /**
   * Secret that GitHub signs its deliveries with. The endpoint accepts signatures of the stages AWSCURRENT, AWSPREVIOUS
   * and AWSPENDING, so that no delivery is lost while the secret is rotated.
   *
   * @default - a secret of 64 random characters is generated
   */
  readonly webhookSecret?: ISecret;

  /**
   * Prefix of the ECR repository names: package `app` is mirrored to `<prefix>/app`. Lower-case letters and digits,
   * separated by single `.`, `_`, `__`, `-` or `/`. An empty string means no prefix; the sync may then write to every
   * repository of the account and region.
   *
   * @default - the lower-cased organization
   */
  readonly repositoryPrefix?: string;

  /**
   * Image, size and further settings of the CodeBuild environment. The build image must have bash and Node.js 20 or
   * newer. If the mirror can't copy a container image itself, it runs skopeo; if the build image has no skopeo, the
   * build installs it with apt-get or dnf. Privileged mode is refused, because nothing needs a Docker daemon.
   *
   * @default - `aws/codebuild/standard:8.0` (Ubuntu 24.04), compute type SMALL
   */
  readonly buildEnvironment?: BuildEnvironment;

  /**
   * Longest duration of one build: whole minutes, from 5 minutes to 8 hours. The next build copies the images that this
   * one did not get to.
   *
   * @default Duration.hours(1)
   */
  readonly buildTimeout?: Duration;

  /**
   * Highest rate of PutImage requests that a build sends to ECR, in requests per second, from 1 to 1000. A
   * multi-architecture image takes one request for its index and one for each manifest in it. ECR's default quota,
   * "Rate of PutImage requests", is 10 for the account and region: raise the quota before you raise this. If ECR
   * throttles because others use the quota too, the build slows down.
   *
   * @see https://docs.aws.amazon.com/AmazonECR/latest/userguide/service-quotas.html
   *
   * @default 9.5
   */
  readonly putImageRate?: number;

  /**
   * Time for which the mirror collects events before it handles them together: whole seconds, from 0 to 300. GitHub
   * sends one event for each manifest of a push, and a few seconds turn them into one build. With zero, the mirror
   * handles each event at once.
   *
   * @default Duration.seconds(5)
   */
  readonly coalescingWindow?: Duration;

  /**
   * Times at which the mirror reconciles all packages, which also mirrors the pushes whose events were lost.
   *
   * @default - every 6 hours
   */
  readonly schedule?: ScheduleExpression;

  /**
   * Base URL of GitHub's REST API, without a trailing slash: `https://api.SUBDOMAIN.ghe.com` for data residency, or
   * `https://HOST/api/v3` for GitHub Enterprise Server. Give `registryHost` as well.
   *
   * @default 'https://api.github.com'
   */
  readonly githubApiUrl?: string;

  /**
   * Host of the container registry, without a scheme: `containers.SUBDOMAIN.ghe.com` for data residency, or
   * `containers.HOST` for GitHub Enterprise Server. Give `githubApiUrl` as well.
   *
   * @default 'ghcr.io'
   */
  readonly registryHost?: string;

  /**
   * Time for which CloudWatch Logs keeps the logs of the API, the functions and the builds.
   *
   * @default RetentionDays.ONE_MONTH
   */
  readonly logRetention?: RetentionDays;
}

/**
 * Mirrors a GitHub organization's container images from GHCR into the private ECR of the stack's account and region.
 *
 * A webhook tells the mirror of each push, and a schedule reconciles all packages. Images keep their digests, and
 * include all platforms, attestations and signatures. The mirror creates an ECR repository when it copies the first
 * image of a package, and never deletes anything from ECR.
 */
export class GhcrMirror extends Construct {
  /** URL that the organization's webhook delivers to: `https://.../packages`. */
  public readonly endpointUrl: string;

  /** HTTP API that serves `endpointUrl`. */
  public readonly api: HttpApi;

  /** Function that verifies the signatures of deliveries and sends them to `queue`. */
  public readonly webhookFunction: IFunction;

  /** Function that compares GHCR with ECR and starts a build if images are missing. */
  public readonly dispatchFunction: IFunction;

  /** Project whose builds copy images. A build that is started without variables syncs every package. */
  public readonly project: IProject;

  /**
   * Queue from `webhookFunction` to `dispatchFunction`. Send `{"kind":"organization"}` to it to reconcile every
   * package.
   */
  public readonly queue: IQueue;

  /** Queue that gets the messages which `dispatchFunction` could not handle, after its last try. */
  public readonly deadLetterQueue: IQueue;

  /**
   * Alarm that goes off when `deadLetterQueue` holds a message. It has no action until you add one with
   * `addAlarmAction`.
   */
  public readonly deadLetterAlarm: Alarm;

  /**
   * Function that registers, repairs and removes the webhook in GitHub. Invoke it with its daily schedule's input to
   * repair now.
   */
  public readonly registrationFunction: IFunction;

  /** `yes` if GitHub reached the endpoint when the webhook was last deployed, otherwise `no: ` and the reason. */
  public readonly webhookReached: string;

  /** Secret that GitHub signs its deliveries with. */
  public readonly webhookSecret: ISecret;

  /** Prefix of the ECR repository names, or an empty string if they have none. */
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
   * Returns the ECR repository of a package, for example to run its images in ECS. The repository exists in ECR once
   * the first image of the package has been mirrored.
   *
   * @param packageName name of the GHCR package without the organization, such as `app` or `team/tool`
   * @throws if ECR accepts no repository of that name
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
   * Allows an identity of this account to log in to ECR and to pull every mirrored image.
   *
   * @param grantee identity to allow, for example the execution role of an ECS task
   * @throws if the grantee has no policy that can be extended, as with another account
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
