import { join } from 'node:path';
import { Duration } from 'aws-cdk-lib';
import { Effect, PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { Architecture, Code, Function, Runtime } from 'aws-cdk-lib/aws-lambda';
import { LogGroup } from 'aws-cdk-lib/aws-logs';
import { Construct } from 'constructs';

/** Directory of a bundled program in the library's package. */
export function programDirectory(name: string): string {
  return join(__dirname, '..', '..', 'assets', 'lambda', name);
}

export interface ProgramFunctionProps {
  /** Folder below lambda/. */
  readonly program: string;
  readonly description: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly logGroup: LogGroup;
  /** MB */
  readonly memorySize: number;
  readonly timeout: Duration;
  /** @default - none is reserved: an account with a limit of 10 can reserve none */
  readonly reservedConcurrency?: number;
}

/** A function that runs one of our bundles, with a role of its own that may write its own log and nothing else. */
export class ProgramFunction extends Function {
  constructor(scope: Construct, id: string, props: ProgramFunctionProps) {
    // Not the AWSLambdaBasicExecutionRole that CDK would attach: it may write every log group of the account.
    const role = new Role(scope, `${id}Role`, { assumedBy: new ServicePrincipal('lambda.amazonaws.com') });
    super(scope, id, {
      role,
      description: props.description,
      runtime: Runtime.NODEJS_24_X,
      architecture: Architecture.ARM_64,
      handler: 'index.handler',
      code: Code.fromAsset(programDirectory(props.program)),
      environment: { ...props.environment },
      logGroup: props.logGroup,
      memorySize: props.memorySize,
      timeout: props.timeout,
      reservedConcurrentExecutions: props.reservedConcurrency,
    });
    props.logGroup.grantWrite(role);
  }
}

/** A statement that allows some actions on some resources: every permission of the mirror is written out. */
export function allow(actions: string[], ...resources: string[]): PolicyStatement {
  return new PolicyStatement({ effect: Effect.ALLOW, actions, resources });
}
