import { shortName } from './statements';
import type { Grant } from '../../../sandbox/aws/core/iam-ledger';

/** A grant that no run in the local cloud needs, and why the mirror has it all the same. */
export interface NeverUsed {
  /** Logical id of the role without CDK's hash. */
  readonly holder: string;
  readonly element: Grant['element'];
  readonly pattern: RegExp;
  readonly reason: string;
  readonly source: string;
}

export const NEVER_USED: readonly NeverUsed[] = [
  {
    holder: 'MirrorRegistrationProviderRole',
    element: 'Action',
    pattern: /^lambda:GetFunction$/,
    reason: 'CDK\'s provider framework waits so for a function that Lambda has made inactive; functions here never are',
    source: 'https://docs.aws.amazon.com/lambda/latest/dg/functions-states.html',
  },
  {
    holder: 'MirrorRegistrationProviderRole',
    element: 'Resource',
    // The resource of the statement above, and the qualifiers of the one before it.
    pattern: /:function:Images-MirrorRegistrationFunction[^:]*$/,
    reason: 'belongs to lambda:GetFunction',
    source: 'https://docs.aws.amazon.com/lambda/latest/dg/functions-states.html',
  },
  {
    holder: 'MirrorRegistrationProviderRole',
    element: 'Resource',
    pattern: /:function:[^:]+:\*$/,
    reason: 'CDK\'s grantInvoke() covers versions and aliases too, and Provider calls it; the mirror has neither',
    source: 'https://docs.aws.amazon.com/cdk/api/v2/docs/aws-cdk-lib.aws_lambda.Function.html#grantwbrinvokegrantee',
  },
  {
    holder: 'MirrorRegistrationRepairRole',
    element: 'Resource',
    pattern: /:function:[^:]+:\*$/,
    reason: 'CDK\'s grantInvoke() covers versions and aliases too, and LambdaInvoke calls it; the mirror has neither',
    source: 'https://docs.aws.amazon.com/cdk/api/v2/docs/aws-cdk-lib.aws_lambda.Function.html#grantwbrinvokegrantee',
  },
];

export function isNeverUsed(grant: Pick<Grant, 'holder' | 'element' | 'pattern'>, entry: NeverUsed): boolean {
  return shortName(grant.holder) === entry.holder
    && grant.element === entry.element
    && entry.pattern.test(grant.pattern);
}
