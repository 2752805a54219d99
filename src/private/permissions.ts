import { ArnFormat, Stack } from 'aws-cdk-lib';
import { IGrantable, PolicyStatement, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { ViaServicePrincipal } from 'aws-cdk-lib/aws-kms';
import { ISecret } from 'aws-cdk-lib/aws-secretsmanager';
import { Construct } from 'constructs';
import { allow } from './program';

/**
 * Lets a program read a secret's value, and decrypt it where the secret has a key of its own.
 *
 * Not `secret.grantRead()`, which also allows to describe the secret: no program does.
 */
export function grantSecretValue(scope: Construct, secret: ISecret, grantee: IGrantable): void {
  grantee.grantPrincipal.addToPrincipalPolicy(allow(['secretsmanager:GetSecretValue'], secretArnForPolicies(secret)));
  if (secret.encryptionKey) {
    const { region, urlSuffix } = Stack.of(scope);
    const service = `secretsmanager.${region}.${urlSuffix}`;
    // For a key of this app, in the key's policy; for an imported one, whose policy is out of reach, in the role's.
    secret.encryptionKey.grantDecrypt(new ViaServicePrincipal(service, grantee.grantPrincipal));
    grantee.grantPrincipal.addToPrincipalPolicy(new PolicyStatement({
      actions: ['kms:Decrypt'],
      resources: [secret.encryptionKey.keyArn],
      conditions: { StringEquals: { 'kms:ViaService': service } },
    }));
  }
}

/** A secret imported by name has an ARN without the six characters that Secrets Manager appends to it. */
function secretArnForPolicies(secret: ISecret): string {
  return secret.secretFullArn ?? `${secret.secretArn}-??????`;
}

/**
 * EventBridge Scheduler, as long as it acts for a schedule of this account in the group that schedules are in by
 * default. The service names the group, not the schedule:
 * https://docs.aws.amazon.com/scheduler/latest/UserGuide/cross-service-confused-deputy-prevention.html
 */
export function schedulerPrincipal(scope: Construct): ServicePrincipal {
  const stack = Stack.of(scope);
  const group = stack.formatArn({ service: 'scheduler', resource: 'schedule-group', resourceName: 'default' });
  return new ServicePrincipal('scheduler.amazonaws.com', {
    conditions: { StringEquals: { 'aws:SourceAccount': stack.account, 'aws:SourceArn': group } },
  });
}

/** ARN of the repositories below the prefix. */
export function repositoriesArn(scope: Construct, prefix: string): string {
  return Stack.of(scope).formatArn({
    service: 'ecr',
    resource: 'repository',
    resourceName: prefix === '' ? '*' : `${prefix}/*`,
    arnFormat: ArnFormat.SLASH_RESOURCE_NAME,
  });
}
