import { ArnFormat, Stack } from 'aws-cdk-lib';
import { ComputeType } from 'aws-cdk-lib/aws-codebuild';
import { Key } from 'aws-cdk-lib/aws-kms';
import { ISecret, Secret } from 'aws-cdk-lib/aws-secretsmanager';
import { everyProp } from './every-prop';
import type { GhcrMirrorProps } from '../../src';

/** A secret of the user's, as it is imported with a key of its own. */
function encryptedSecret(stack: Stack, name: string): ISecret {
  return Secret.fromSecretAttributes(stack, name, {
    secretCompleteArn: stack.formatArn({
      service: 'secretsmanager',
      resource: 'secret',
      resourceName: `${name}-AbCdEf`,
      arnFormat: ArnFormat.COLON_RESOURCE_NAME,
    }),
    encryptionKey: Key.fromKeyArn(stack, `${name}Key`, stack.formatArn({
      service: 'kms', resource: 'key', resourceName: '11111111-2222-3333-4444-555555555555',
    })),
  });
}

function tokens(stack: Stack): Pick<GhcrMirrorProps, 'organization' | 'packagesToken' | 'webhookToken'> {
  return {
    organization: 'my-org',
    packagesToken: Secret.fromSecretNameV2(stack, 'Packages', 'github/packages'),
    webhookToken: Secret.fromSecretNameV2(stack, 'Hooks', 'github/org-hooks'),
  };
}

/** The mirrors that cfn-lint and cdk-nag look at: between them they have every resource, and every way to write it. */
export const VARIANTS = {
  default: tokens,
  withoutWebhookToken: (stack: Stack): GhcrMirrorProps => ({ ...tokens(stack), webhookToken: undefined }),
  everyProp: (stack: Stack): GhcrMirrorProps => ({
    ...everyProp(stack),
    packagesToken: encryptedSecret(stack, 'packages'),
    webhookToken: encryptedSecret(stack, 'hooks'),
    webhookSecret: encryptedSecret(stack, 'signing'),
    buildEnvironment: { computeType: ComputeType.LARGE, environmentVariables: { COLOR: { value: 'blue' } } },
  }),
  emptyPrefix: (stack: Stack): GhcrMirrorProps => ({ ...tokens(stack), repositoryPrefix: '' }),
} satisfies Record<string, (stack: Stack) => GhcrMirrorProps>;
