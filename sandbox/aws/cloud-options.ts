import { Faults } from '../faults';
import { Clock } from './core/clock';
import { CoreContext } from './core/context';
import { ServiceModule } from './core/service';
import { ApiGateway, ApiGatewayOptions } from './services/api-gateway/api-gateway';
import { CloudWatch } from './services/cloudwatch/cloudwatch';
import { CodeBuild, CodeBuildOptions } from './services/codebuild/codebuild';
import { CustomResources } from './services/custom-resource/custom-resource';
import { Ecr, EcrOptions } from './services/ecr/ecr';
import { Lambda } from './services/lambda/lambda';
import { Logs } from './services/logs/logs';
import { Scheduler } from './services/scheduler/scheduler';
import { SecretsManager } from './services/secrets-manager/secrets-manager';
import { Sqs, SqsOptions } from './services/sqs/sqs';

export interface LocalCloudOptions {
  /** @default 111122223333 */
  readonly account?: string;
  /** @default eu-west-1 */
  readonly region?: string;
  /** Everything random is drawn from it. @default 1 */
  readonly seed?: number;
  readonly clock?: Clock;
  /** Registry behind ECR's data plane. @default - no ECR */
  readonly ecrBacking?: { readonly url: string };
  /** Node binary that runs functions. @default - environment variable LAMBDA_NODE, else the one that runs this */
  readonly nodeBinary?: string;
  /**
   * `node_modules` directories in which the SDK of Lambda's runtime is found.
   * @default - environment variable LAMBDA_RUNTIME_MODULES (separated by `:`), and the repository's own
   */
  readonly runtimeModules?: readonly string[];
  /** Faults of the AWS endpoint. */
  readonly faults?: Faults;
  /** Value of the condition key aws:SecureTransport. @default true */
  readonly secureTransport?: boolean;
  readonly sqs?: SqsOptions;
  readonly ecr?: Omit<EcrOptions, 'backing'>;
  readonly codebuild?: CodeBuildOptions;
  readonly apiGateway?: ApiGatewayOptions;
  /** More services, by name. */
  readonly extraModules?: Readonly<Record<string, (context: CoreContext) => ServiceModule | Promise<ServiceModule>>>;
}

export interface DeployOptions {
  /** Directory that `cdk synth` wrote. */
  readonly assembly: string;
  /** @default - the only stack of the assembly */
  readonly stackName?: string;
  readonly parameters?: Readonly<Record<string, string>>;
}

/** Handles of the services, for tests. */
export interface Services {
  readonly apiGateway: ApiGateway;
  readonly cloudWatch: CloudWatch;
  readonly codeBuild: CodeBuild;
  readonly customResources: CustomResources;
  readonly ecr?: Ecr;
  readonly lambda: Lambda;
  readonly logs: Logs;
  readonly scheduler: Scheduler;
  readonly secretsManager: SecretsManager;
  readonly sqs: Sqs;
}
