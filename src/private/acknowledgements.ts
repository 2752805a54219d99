import { Stack } from 'aws-cdk-lib';
import { IFunction } from 'aws-cdk-lib/aws-lambda';
import { Construct } from 'constructs';
import { repositoriesArn } from './permissions';

/**
 * Where CDK keeps acknowledgements, and cdk-nag 3 looks for them: `Validations.of(scope).acknowledge()` writes it. The
 * oldest aws-cdk-lib that we work with has no such method yet.
 *
 * @see https://github.com/cdklabs/cdk-nag#suppressing-a-rule
 */
const METADATA = 'aws:cdk:acknowledged-rules';

/** Rules by the construct below the mirror that they look at; '' is the mirror itself, with all that is in it. */
type Acknowledgements = Readonly<Record<string, Readonly<Record<string, string>>>>;

const SYNCHRONOUS = 'Its caller waits for the answer, and gets the error: '
  + 'nothing is delivered asynchronously that could be lost.';
const QUEUED = 'It reads from a queue that has a dead-letter queue, and an alarm on that.';
const REPEATED = 'CloudFormation waits for the answer and shows the error; '
  + 'the daily schedule calls it again the next day.';

/**
 * Findings that no prop of the mirror can mend, and why each is as it should be. `.ci/compatibility` fails when one is
 * not needed.
 */
const ALWAYS: Acknowledgements = {
  '': {
    'NIST.800.53.R5-IAMNoInlinePolicy':
      'Each policy is written out for the one role that needs it, and goes with that role.',
    'Serverless-LambdaTracing': 'Logs follow each delivery by its id. X-Ray needs a permission on every '
      + 'resource, which no program has.',
  },
  'Webhook/Api': {
    'AwsSolutions-APIG4': 'GitHub can\'t sign in to AWS. The function verifies the signature of each '
      + 'delivery before it reads it.',
  },
  'Webhook/Function': lambdaQueue(SYNCHRONOUS),
  'Dispatch/Function': {
    ...lambdaQueue(QUEUED),
    'NIST.800.53.R5-LambdaConcurrency': 'The event source mapping bounds the concurrency.',
  },
  'Dispatch/Mapping': {
    'Serverless-LambdaEventSourceMappingDestination': 'Lambda has such destinations for streams. '
      + 'A queue has a dead-letter queue.',
  },
  'Queues/DeadLetterQueue': {
    'Serverless-SQSRedrivePolicy': 'It is the dead-letter queue of another queue.',
  },
  'Registration/Function': {
    ...lambdaQueue(REPEATED),
    'NIST.800.53.R5-LambdaConcurrency': 'Deployments and a daily schedule call it, one at a time.',
  },
  'Registration/Provider': {
    ...lambdaQueue(REPEATED),
    'NIST.800.53.R5-LambdaConcurrency': 'Deployments call it, one at a time.',
    'Serverless-LambdaDefaultMemorySize': 'It is CDK\'s: it calls the registration function, waits, and needs no more.',
  },
};

function lambdaQueue(reason: string): Readonly<Record<string, string>> {
  return { 'NIST.800.53.R5-LambdaDLQ': reason, 'Serverless-LambdaDLQ': reason };
}

export interface AcknowledgedParts {
  /** Empty for none. */
  readonly repositoryPrefix: string;
  readonly registrationFunction: IFunction;
}

/**
 * Tells cdk-nag which of its findings are as they should be. A finding that a prop can mend is left to the user:
 * whoever gives no key must see "no KMS key".
 */
export function acknowledge(mirror: Construct, parts: AcknowledgedParts): void {
  for (const [path, rules] of [...Object.entries(ALWAYS), ...Object.entries(wildcards(mirror, parts))]) {
    find(mirror, path)?.node.addMetadata(METADATA, Object.fromEntries(
      Object.entries(rules).map(([id, reason]) => [`Annotation::${id}`, reason]),
    ));
  }
}

/** Findings about `*` in a policy are named for the resource: with the prefix, the account and a logical id. */
function wildcards(mirror: Construct, { repositoryPrefix, registrationFunction }: AcknowledgedParts): Acknowledgements {
  const repositories = repositoryPrefix === '' ? {} : {
    [wildcard(
      mirror,
      repositoriesArn(mirror, repositoryPrefix),
    )]: 'Repositories below the prefix are created as packages appear.',
  };
  const versions = {
    [wildcard(mirror, `${registrationFunction.functionArn}:*`)]: 'CDK lets the caller of a function call its versions.',
  };
  return {
    'Sync': {
      ...repositories,
      'AwsSolutions-IAM5[Resource::*]': 'ECR offers ecr:GetAuthorizationToken for no single resource.',
    },
    'Dispatch': repositories,
    'Registration/ProviderRole': versions,
    'Registration/RepairRole': versions,
  };
}

function wildcard(scope: Construct, arn: string): string {
  return `AwsSolutions-IAM5[Resource::${flat(Stack.of(scope).resolve(arn))}]`;
}

/** A value of a template as cdk-nag writes it: `arn:<AWS::Partition>:ecr:...`, `<LogicalId.Arn>`. */
function flat(value: unknown): string {
  if (typeof value === 'string') { return value.replace(/\$\{/g, '<').replace(/\}/g, '>'); }
  const { 'Ref': reference, 'Fn::GetAtt': attribute, 'Fn::Join': join } = value as Readonly<Record<string, unknown>>;
  if (Array.isArray(join)) { return (join[1] as unknown[]).map(flat).join(String(join[0])); }
  if (Array.isArray(attribute)) { return `<${attribute.map(flat).join('.')}>`; }
  return reference === undefined ? JSON.stringify(value) : `<${flat(reference)}>`;
}

function find(scope: Construct, path: string): Construct | undefined {
  return path.split('/').filter(id => id !== '').reduce<Construct | undefined>(
    (parent, id) => parent?.node.tryFindChild(id) as Construct | undefined, scope,
  );
}
