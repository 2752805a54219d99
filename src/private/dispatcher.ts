import { Duration, Stack } from 'aws-cdk-lib';
import { IProject } from 'aws-cdk-lib/aws-codebuild';
import { Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { EventSourceMapping } from 'aws-cdk-lib/aws-lambda';
import { LogGroup } from 'aws-cdk-lib/aws-logs';
import { Schedule, ScheduleExpression, ScheduleTargetInput } from 'aws-cdk-lib/aws-scheduler';
import { SqsSendMessage } from 'aws-cdk-lib/aws-scheduler-targets';
import { ISecret } from 'aws-cdk-lib/aws-secretsmanager';
import { IQueue } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import { grantSecretValue, repositoriesArn } from './permissions';
import { allow, ProgramFunction } from './program';
import { DISPATCH_ENVIRONMENT, Environment } from '../contract/environment';
import { ORGANIZATION_MESSAGE } from '../contract/messages';

export const DISPATCH_TIMEOUT = Duration.minutes(5);

/** Without a window AWS allows batches of 10 at most. */
const BATCH = { withWindow: 100, without: 10 };

/** Two batches at a time: GitHub asks integrations to keep the number of concurrent requests low. */
const MAX_CONCURRENCY = 2;

export interface DispatcherProps {
  readonly organization: string;
  readonly repositoryPrefix: string;
  readonly githubApiUrl: string;
  readonly packagesToken: ISecret;
  readonly queue: IQueue;
  readonly project: IProject;
  readonly coalescingWindow: Duration;
  readonly schedule: ScheduleExpression;
  readonly logGroup: (scope: Construct, id: string) => LogGroup;
}

/** The function on the queue, and the schedule that reconciles everything. */
export class Dispatcher extends Construct {
  public readonly function: ProgramFunction;
  public readonly schedule: Schedule;

  constructor(scope: Construct, id: string, props: DispatcherProps) {
    super(scope, id);
    this.function = this.createFunction(props);
    // A role of our own: the one that the target would make is shared by all schedules of the stack.
    const role = new Role(this, 'ScheduleRole', {
      assumedBy: new ServicePrincipal('scheduler.amazonaws.com', {
        conditions: { StringEquals: { 'aws:SourceAccount': Stack.of(this).account } },
      }),
    });
    this.schedule = new Schedule(this, 'Schedule', {
      schedule: props.schedule,
      description: 'GhcrMirror: reconciles every package, so that a lost event heals',
      target: new SqsSendMessage(props.queue, { role, input: ScheduleTargetInput.fromObject(ORGANIZATION_MESSAGE) }),
    });
  }

  private createFunction(props: DispatcherProps): ProgramFunction {
    const environment: Environment<typeof DISPATCH_ENVIRONMENT> = {
      GITHUB_API_URL: props.githubApiUrl,
      ORGANIZATION: props.organization,
      PACKAGES_TOKEN_ARN: props.packagesToken.secretArn,
      PROJECT_NAME: props.project.projectName,
      QUEUE_URL: props.queue.queueUrl,
      REPOSITORY_PREFIX: props.repositoryPrefix,
    };
    const handler = new ProgramFunction(this, 'Function', {
      program: 'dispatch',
      description: 'GhcrMirror: finds out what ECR lacks and starts builds',
      environment,
      logGroup: props.logGroup(this, 'FunctionLog'),
      memorySize: 512,
      timeout: DISPATCH_TIMEOUT,
    });
    grantSecretValue(this, props.packagesToken, handler);
    handler.addToRolePolicy(
      allow(['ecr:DescribeRepositories', 'ecr:ListImages'], repositoriesArn(this, props.repositoryPrefix)),
    );
    handler.addToRolePolicy(allow(
      ['codebuild:StartBuild', 'codebuild:ListBuildsForProject', 'codebuild:BatchGetBuilds'], props.project.projectArn,
    ));
    this.consume(props, handler);
    return handler;
  }

  /** The permissions are those that the mapping and our own pauses need; `SqsEventSource` would grant more. */
  private consume({ queue, coalescingWindow }: DispatcherProps, handler: ProgramFunction): void {
    handler.addToRolePolicy(allow(
      [
        'sqs:ReceiveMessage',
        'sqs:DeleteMessage',
        'sqs:GetQueueAttributes',
        'sqs:ChangeMessageVisibility',
        'sqs:SendMessage',
      ],
      queue.queueArn,
    ));
    const windowed = coalescingWindow.toSeconds() > 0;
    const mapping = new EventSourceMapping(this, 'Mapping', {
      target: handler,
      eventSourceArn: queue.queueArn,
      batchSize: windowed ? BATCH.withWindow : BATCH.without,
      maxBatchingWindow: windowed ? coalescingWindow : undefined,
      reportBatchItemFailures: true,
      maxConcurrency: MAX_CONCURRENCY,
    });
    // AWS refuses the mapping until the role may read the queue.
    mapping.node.addDependency(handler.role ?? handler);
  }
}
