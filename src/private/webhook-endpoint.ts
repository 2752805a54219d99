import { Duration, Names, Stack } from 'aws-cdk-lib';
import { AccessLogFormat } from 'aws-cdk-lib/aws-apigateway';
import { HttpApi, HttpMethod, HttpStage, LogGroupLogDestination } from 'aws-cdk-lib/aws-apigatewayv2';
import { HttpLambdaIntegration } from 'aws-cdk-lib/aws-apigatewayv2-integrations';
import { ILogGroup, LogGroup } from 'aws-cdk-lib/aws-logs';
import { ISecret } from 'aws-cdk-lib/aws-secretsmanager';
import { IQueue } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import { grantSecretValue } from './permissions';
import { allow, ProgramFunction } from './program';
import { Environment, WEBHOOK_ENVIRONMENT } from '../contract/environment';
import { WEBHOOK_PATH } from '../contract/hook';

/** An organization that pushes all day stays far below; a flood of forged deliveries costs no more than this. */
const THROTTLE = { rateLimit: 50, burstLimit: 200 };

const ACCESS_LOG = {
  ip: '$context.identity.sourceIp',
  method: '$context.httpMethod',
  protocol: '$context.protocol',
  requestId: '$context.requestId',
  requestTime: '$context.requestTime',
  responseLength: '$context.responseLength',
  routeKey: '$context.routeKey',
  status: '$context.status',
};

export interface WebhookEndpointProps {
  readonly organization: string;
  readonly webhookSecret: ISecret;
  readonly queue: IQueue;
  /** Whether GitHub is told the API's own address, or one that leads to it: then its own is closed. */
  readonly publicAddress: 'own' | 'other';
  readonly reservedConcurrency?: number;
  readonly logGroup: (scope: Construct, id: string, name?: string) => LogGroup;
}

/** `POST /packages`, and the function behind it. */
export class WebhookEndpoint extends Construct {
  public readonly api: HttpApi;
  public readonly function: ProgramFunction;
  public readonly accessLogGroup: ILogGroup;
  /** URL of the endpoint at the API itself. */
  public readonly url: string;

  constructor(scope: Construct, id: string, props: WebhookEndpointProps) {
    super(scope, id);
    this.function = this.createFunction(props);
    this.accessLogGroup = props.logGroup(this, 'AccessLog', this.accessLogName());
    this.api = new HttpApi(this, 'Api', {
      createDefaultStage: false,
      description: 'Receives the package events of a GitHub organization',
      disableExecuteApiEndpoint: props.publicAddress === 'other' ? true : undefined,
    });
    this.api.addRoutes({
      path: WEBHOOK_PATH,
      methods: [HttpMethod.POST],
      integration: new HttpLambdaIntegration('Webhook', this.function),
    });
    const stage = new HttpStage(this, 'Stage', {
      httpApi: this.api,
      stageName: '$default',
      autoDeploy: true,
      throttle: THROTTLE,
      accessLogSettings: {
        destination: new LogGroupLogDestination(this.accessLogGroup),
        format: AccessLogFormat.custom(JSON.stringify(ACCESS_LOG)),
      },
    });
    this.url = `${stage.url.replace(/\/$/, '')}${WEBHOOK_PATH}`;
  }

  /**
   * API Gateway enters each group that it delivers to into a policy of the account, which has 5,120 characters, unless
   * the group's name begins so:
   * https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/AWS-logs-and-resource-policy.html. The stack's name tells
   * stacks of one account and region apart, the hash of the path the mirrors of one stack.
   */
  private accessLogName(): string {
    const path = Names.uniqueResourceName(this, { maxLength: 100, separator: '-', allowedSpecialCharacters: '-_' });
    return `/aws/vendedlogs/${Stack.of(this).stackName}/${path}`;
  }

  private createFunction(
    { organization, queue, webhookSecret, reservedConcurrency, logGroup }: WebhookEndpointProps,
  ): ProgramFunction {
    const environment: Environment<typeof WEBHOOK_ENVIRONMENT> = {
      ORGANIZATION: organization,
      QUEUE_URL: queue.queueUrl,
      WEBHOOK_SECRET_ARN: webhookSecret.secretArn,
    };
    const handler = new ProgramFunction(this, 'Function', {
      program: 'webhook',
      description: 'GhcrMirror: verifies deliveries of GitHub and enqueues them',
      environment,
      logGroup: logGroup(this, 'FunctionLog'),
      memorySize: 256,
      // GitHub waits 10 seconds for the answer.
      timeout: Duration.seconds(10),
      reservedConcurrency,
    });
    grantSecretValue(this, webhookSecret, handler);
    handler.addToRolePolicy(allow(['sqs:SendMessage'], queue.queueArn));
    return handler;
  }
}
