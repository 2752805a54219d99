import { CustomResource, Duration } from 'aws-cdk-lib';
import { Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { LogGroup } from 'aws-cdk-lib/aws-logs';
import { Schedule, ScheduleExpression, ScheduleTargetInput } from 'aws-cdk-lib/aws-scheduler';
import { LambdaInvoke } from 'aws-cdk-lib/aws-scheduler-targets';
import { ISecret } from 'aws-cdk-lib/aws-secretsmanager';
import { IQueue } from 'aws-cdk-lib/aws-sqs';
import { Provider } from 'aws-cdk-lib/custom-resources';
import { Construct, IDependable } from 'constructs';
import { grantSecretValue, schedulerPrincipal } from './permissions';
import { allow, ProgramFunction } from './program';
import { Environment, REGISTRATION_ENVIRONMENT } from '../contract/environment';
import {
  HOOK_ATTRIBUTES,
  HookProperties,
  NO_TOKEN,
  REDELIVERY_REQUEST,
  RegistrationProperties,
  REPAIR_REQUEST,
} from '../contract/hook';

/** Registering waits for GitHub's ping and for GitHub's rate limits, each for a bounded time. */
const TIMEOUT = Duration.minutes(5);

/** GitHub's failed deliveries are looked at this often; the window of the log that is read is three times as long. */
const REDELIVERY = Duration.minutes(10);

export interface RegistrationProps {
  readonly hook: HookProperties;
  /** URL of the endpoint at the API itself. */
  readonly executeApiUrl: string;
  readonly webhookToken?: ISecret;
  readonly webhookSecret: ISecret;
  readonly queue: IQueue;
  /** What has to work before GitHub is told about it. */
  readonly after: readonly IDependable[];
  readonly logGroup: (scope: Construct, id: string) => LogGroup;
}

/** Keeps the organization's webhook, and asks for a full sync when the mirror is new or has changed. */
export class Registration extends Construct {
  public readonly function: ProgramFunction;
  /** `yes`, or `no: ` and why GitHub has not reached the endpoint. */
  public readonly reached: string;

  constructor(scope: Construct, id: string, props: RegistrationProps) {
    super(scope, id);
    this.function = this.createFunction(props);
    const providerLog = props.logGroup(this, 'ProviderLog');
    const provider = new Provider(this, 'Provider', {
      onEventHandler: this.function,
      logGroup: providerLog,
      frameworkOnEventRole: this.providerRole(providerLog),
    });
    // CloudFormation calls the function when a property changes, and only then: a token that comes, goes
    // or is another one must be one.
    const properties: RegistrationProperties = {
      ...props.hook,
      webhookToken: props.webhookToken?.secretArn ?? NO_TOKEN,
      webhookSecret: props.webhookSecret.secretArn,
    };
    const resource = new CustomResource(this, 'Webhook', {
      serviceToken: provider.serviceToken,
      resourceType: 'Custom::GhcrMirrorWebhook',
      // Beyond the function's own timeout, so that its error is what CloudFormation shows, and not the default hour.
      serviceTimeout: Duration.minutes(10),
      properties: { ...properties },
    });
    resource.node.addDependency(...props.after);
    this.reached = resource.getAttString(HOOK_ATTRIBUTES.reached);
    if (props.webhookToken) { this.schedules(resource); }
  }

  private createFunction(props: RegistrationProps): ProgramFunction {
    const environment: Environment<typeof REGISTRATION_ENVIRONMENT> = {
      ENDPOINT_URL: props.hook.endpointUrl,
      EXECUTE_API_URL: props.executeApiUrl,
      GITHUB_API_URL: props.hook.githubApiUrl,
      ORGANIZATION: props.hook.organization,
      QUEUE_URL: props.queue.queueUrl,
      WEBHOOK_ACTIVE: props.hook.active,
      WEBHOOK_SECRET_ARN: props.webhookSecret.secretArn,
      WEBHOOK_TOKEN_ARN: props.webhookToken?.secretArn ?? '',
    };
    const handler = new ProgramFunction(this, 'Function', {
      program: 'registration',
      description: 'GhcrMirror: keeps the organization\'s webhook in GitHub',
      environment,
      logGroup: props.logGroup(this, 'FunctionLog'),
      memorySize: 256,
      timeout: TIMEOUT,
    });
    handler.addToRolePolicy(allow(['sqs:SendMessage'], props.queue.queueArn));
    if (props.webhookToken) {
      grantSecretValue(this, props.webhookToken, handler);
      grantSecretValue(this, props.webhookSecret, handler);
    }
    return handler;
  }

  /**
   * As for our own functions: not the managed policy, which may write every log group.
   * The provider adds the invocation.
   */
  private providerRole(logGroup: LogGroup): Role {
    const role = new Role(this, 'ProviderRole', { assumedBy: new ServicePrincipal('lambda.amazonaws.com') });
    logGroup.grantWrite(role);
    return role;
  }

  /** Both run once right after they are created: the webhook has to be there by then, or they would make another. */
  private schedules(webhook: CustomResource): void {
    const role = new Role(this, 'RepairRole', { assumedBy: schedulerPrincipal(this) });
    const every = (id: string, period: Duration, description: string, input: object): void => {
      const target = new LambdaInvoke(this.function, { role, input: ScheduleTargetInput.fromObject(input) });
      new Schedule(this, id, { schedule: ScheduleExpression.rate(period), description, target }).node.addDependency(
        webhook,
      );
    };
    every('Repair', Duration.days(1), 'GhcrMirror: puts the organization\'s webhook right', REPAIR_REQUEST);
    every('Redelivery', REDELIVERY, 'GhcrMirror: has GitHub send again what it could not deliver', REDELIVERY_REQUEST);
  }
}
