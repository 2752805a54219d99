import { ArnFormat, Duration, Stack } from 'aws-cdk-lib';
import { ComputeType } from 'aws-cdk-lib/aws-codebuild';
import { Key } from 'aws-cdk-lib/aws-kms';
import { RetentionDays } from 'aws-cdk-lib/aws-logs';
import { ScheduleExpression } from 'aws-cdk-lib/aws-scheduler';
import { ISecret, Secret } from 'aws-cdk-lib/aws-secretsmanager';
import type { GhcrMirrorProps } from '../../src';

/** A secret of the user's, as it is imported with a key of its own. */
function encryptedSecret(stack: Stack, name: string): ISecret {
  return Secret.fromSecretAttributes(stack, name, {
    secretCompleteArn: stack.formatArn({
      service: 'secretsmanager', resource: 'secret', resourceName: `${name}-AbCdEf`, arnFormat: ArnFormat.COLON_RESOURCE_NAME,
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
  /** A prop that is missing here fails in test/construct/variants.test.ts. */
  everyProp: (stack: Stack): GhcrMirrorProps => ({
    organization: 'my-org',
    packagesToken: encryptedSecret(stack, 'packages'),
    webhookToken: encryptedSecret(stack, 'hooks'),
    webhookSecret: encryptedSecret(stack, 'signing'),
    webhookActive: false,
    repositoryPrefix: 'mirror/ghcr',
    buildEnvironment: { computeType: ComputeType.LARGE, environmentVariables: { COLOR: { value: 'blue' } } },
    buildTimeout: Duration.hours(4),
    putImageRate: 20,
    coalescingWindow: Duration.seconds(30),
    schedule: ScheduleExpression.rate(Duration.hours(1)),
    githubApiUrl: 'https://api.acme.ghe.com',
    registryHost: 'containers.acme.ghe.com',
    logRetention: RetentionDays.ONE_YEAR,
  }),
  emptyPrefix: (stack: Stack): GhcrMirrorProps => ({ ...tokens(stack), repositoryPrefix: '' }),
} satisfies Record<string, (stack: Stack) => GhcrMirrorProps>;
