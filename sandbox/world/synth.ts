import { App, CfnOutput, Stack } from 'aws-cdk-lib';
import { Secret } from 'aws-cdk-lib/aws-secretsmanager';
import { GhcrMirror, GhcrMirrorProps } from '../../src';

/** Names of the secrets that the stack expects to be there. */
export const PACKAGES_SECRET = 'github/packages';
export const HOOKS_SECRET = 'github/organization-hooks';

/** Name of the stack. */
export const STACK = 'Images';

export type MirrorSettings = Partial<Omit<GhcrMirrorProps, 'packagesToken' | 'webhookToken'>>
  & Pick<GhcrMirrorProps, 'organization'>
  & {
    /** @default true */
    readonly registerWebhook?: boolean;
  };

/** Synthesizes an app as a user would write it. @returns the directory of the cloud assembly */
export function synthesize(outdir: string, { registerWebhook = true, ...settings }: MirrorSettings): string {
  const app = new App({ outdir, analyticsReporting: false });
  const stack = new Stack(app, STACK);
  const mirror = new GhcrMirror(stack, 'Mirror', {
    ...settings,
    packagesToken: Secret.fromSecretNameV2(stack, 'PackagesToken', PACKAGES_SECRET),
    webhookToken: registerWebhook ? Secret.fromSecretNameV2(stack, 'WebhookToken', HOOKS_SECRET) : undefined,
  });
  const outputs: Record<string, string> = {
    EndpointUrl: mirror.endpointUrl,
    WebhookSecretArn: mirror.webhookSecret.secretArn,
    WebhookReached: mirror.webhookReached,
    QueueUrl: mirror.queue.queueUrl,
    DeadLetterQueueUrl: mirror.deadLetterQueue.queueUrl,
    ProjectName: mirror.project.projectName,
    RegistrationFunctionName: mirror.registrationFunction.functionName,
  };
  for (const [name, value] of Object.entries(outputs)) { new CfnOutput(stack, name, { value }); }
  return app.synth().directory;
}
