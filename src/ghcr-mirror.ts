import { Annotations, Duration, RemovalPolicy, Token } from 'aws-cdk-lib';
import { HttpApi } from 'aws-cdk-lib/aws-apigatewayv2';
import { Alarm } from 'aws-cdk-lib/aws-cloudwatch';
import { IProject } from 'aws-cdk-lib/aws-codebuild';
import { IRepository, Repository } from 'aws-cdk-lib/aws-ecr';
import { Grant, IGrantable } from 'aws-cdk-lib/aws-iam';
import { IFunction } from 'aws-cdk-lib/aws-lambda';
import { LogGroup, RetentionDays } from 'aws-cdk-lib/aws-logs';
import { ScheduleExpression } from 'aws-cdk-lib/aws-scheduler';
import { ISecret, Secret } from 'aws-cdk-lib/aws-secretsmanager';
import { IQueue } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import { GhcrMirrorProps } from './ghcr-mirror-props';
import { isRepositoryName, repositoryName } from './image-name';
import { acknowledge } from './private/acknowledgements';
import { DISPATCH_TIMEOUT, Dispatcher } from './private/dispatcher';
import { repositoriesArn } from './private/permissions';
import { Registration } from './private/registration';
import { SyncProject } from './private/sync-project';
import { SyncQueue } from './private/sync-queue';
import { validateProps } from './private/validate';
import { validateRegion } from './private/validate-region';
import { WebhookEndpoint } from './private/webhook-endpoint';

/**
 * Mirrors a GitHub organization's container images from GHCR into the private ECR of the stack's account and region.
 *
 * A webhook tells the mirror of each push, and a schedule reconciles all packages. Images keep their digests, and
 * include all platforms, attestations and signatures. The mirror creates an ECR repository when it copies the first
 * image of a package, and never deletes anything from ECR.
 */
export class GhcrMirror extends Construct {
  /** URL that the organization's webhook delivers to: `https://.../packages`; `webhookUrl` where it is given. */
  public readonly endpointUrl: string;

  /** HTTP API that serves `endpointUrl`. Its only stage is `$default`. */
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

  /** Queue that gets the messages which asked for something that did not arrive in days. */
  public readonly deadLetterQueue: IQueue;

  /**
   * Alarm that goes off when `deadLetterQueue` holds a message. It has no action until you add one with
   * `addAlarmAction`.
   */
  public readonly deadLetterAlarm: Alarm;

  /**
   * Function that registers, repairs and removes the webhook in GitHub. Invoke it with `{"kind":"repair"}` to repair
   * the webhook now.
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
    validateRegion(this);

    const { organization, packagesToken } = props;
    const githubApiUrl = props.githubApiUrl ?? 'https://api.github.com';
    const registryHost = props.registryHost ?? 'ghcr.io';
    const logGroup = (parent: Construct, name: string, logGroupName?: string): LogGroup => new LogGroup(parent, name, {
      logGroupName,
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
    const endpoint = new WebhookEndpoint(this, 'Webhook', {
      organization,
      webhookSecret: this.webhookSecret,
      queue: queues.queue,
      publicAddress: props.webhookUrl === undefined ? 'own' : 'other',
      reservedConcurrency: props.webhookReservedConcurrency,
      logGroup,
    });
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
      coalescingWindow: props.coalescingWindow ?? Duration.seconds(2),
      schedule: props.schedule ?? ScheduleExpression.rate(Duration.hours(6)),
      logGroup,
    });

    const registration = new Registration(this, 'Registration', {
      hook: {
        organization,
        endpointUrl: props.webhookUrl ?? endpoint.url,
        githubApiUrl,
        active: props.webhookActive === false ? 'false' : 'true',
        selection: JSON.stringify({ prefix: this.repositoryPrefix, registry: registryHost }),
      },
      executeApiUrl: endpoint.url,
      webhookToken: props.webhookToken,
      webhookSecret: this.webhookSecret,
      queue: queues.queue,
      after: [endpoint, dispatcher, queues],
      logGroup,
    });

    this.endpointUrl = props.webhookUrl ?? endpoint.url;
    this.api = endpoint.api;
    this.webhookFunction = endpoint.function;
    this.dispatchFunction = dispatcher.function;
    this.registrationFunction = registration.function;
    this.webhookReached = registration.reached;
    this.project = project;
    this.queue = queues.queue;
    this.deadLetterQueue = queues.deadLetterQueue;
    this.deadLetterAlarm = queues.deadLetterAlarm;
    acknowledge(this, { repositoryPrefix: this.repositoryPrefix, registrationFunction: registration.function });
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
      throw new Error(`GhcrMirror: repository("${packageName}") is named "${name}", which ECR does not accept. `
        + 'Give the package\'s name without the organization, such as "app" or "team/tool".');
    }
    // A construct's id must not contain a slash, and no repository's name contains a colon.
    const id = `Repository-${packageName.toLowerCase().replace(/\//g, ':')}`;
    const existing = this.node.tryFindChild(id);
    return existing instanceof Construct
      ? existing as unknown as IRepository
      : Repository.fromRepositoryName(this, id, name);
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
      throw new Error(`GhcrMirror: grantPull() got "${String(grantee.grantPrincipal)}", `
        + 'expected an identity of this app whose policy can be extended, such as a role. '
        + 'Accounts and roles elsewhere need a policy on the ECR side: allow them to pull the repositories of the '
        + 'prefix in the registry\'s policy (AWS::ECR::RegistryPolicy).');
    }
    return pull.combine(Grant.addToPrincipal({ grantee, actions: ['ecr:GetAuthorizationToken'], resourceArns: ['*'] }));
  }

  private warnOfEmptyPrefix(): void {
    if (this.repositoryPrefix === '') {
      Annotations.of(this).addWarningV2('cdk-ghcr2ecr:emptyPrefix',
        'With an empty `repositoryPrefix` the sync may write to every repository of this account and region. '
          + 'Give a prefix to bound it.');
    }
  }
}
