import { Duration } from 'aws-cdk-lib';
import { BuildEnvironment } from 'aws-cdk-lib/aws-codebuild';
import { RetentionDays } from 'aws-cdk-lib/aws-logs';
import { ScheduleExpression } from 'aws-cdk-lib/aws-scheduler';
import { ISecret } from 'aws-cdk-lib/aws-secretsmanager';
import { CopyEngine } from './contract/copy-engine';

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
   * URL that GitHub delivers to, if something of yours stands before the API, such as CloudFront with a WAF. It is an
   * https URL that ends in `/packages`. The API's own address is closed then: lead your URL to `mirror.api` by a custom
   * domain name, as docs/flood.md shows.
   *
   * @default - the address of the API itself
   */
  readonly webhookUrl?: string;

  /**
   * Number of concurrent executions that are reserved for the webhook function. It never has more, and always these.
   * AWS keeps at least 100 of the account's limit unreserved, so an account with a lower limit can reserve none.
   *
   * @default - none, because a forged delivery costs milliseconds
   */
  readonly webhookReservedConcurrency?: number;

  /**
   * Secret that GitHub signs its deliveries with. The endpoint accepts signatures of the stages AWSCURRENT, AWSPREVIOUS
   * and AWSPENDING, the latter two for 48 hours, so that no delivery is lost while the secret is rotated.
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
   * The program that moves the bytes of images. skopeo is installed at the start of each build, with apt-get or dnf,
   * unless the image of `buildEnvironment` has it; if that fails, the build copies with the direct engine and says so.
   * With both engines each image is compared by its digest.
   *
   * @default - `CopyEngine.SKOPEO`; with Lambda compute `CopyEngine.DIRECT`
   */
  readonly engine?: CopyEngine;

  /**
   * Image, size and further settings of the CodeBuild environment. The build image must have bash and Node.js 20 or
   * newer. Privileged mode is refused, because nothing needs a Docker daemon.
   *
   * An image of `LinuxLambdaBuildImage` or `LinuxArmLambdaBuildImage` runs the builds on Lambda compute: they start
   * within seconds, end after 15 minutes at the latest, and have no root.
   *
   * @default - `aws/codebuild/standard:8.0` (Ubuntu 24.04), compute type SMALL
   */
  readonly buildEnvironment?: BuildEnvironment;

  /**
   * Longest duration of one build: whole minutes, from 5 minutes to 8 hours. The next build copies the images that this
   * one did not get to. With Lambda compute it is 15 minutes at most.
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
   * handles each event at once. The value has to be known at synthesis.
   *
   * @default Duration.seconds(2)
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
