import { ArnFormat, Stack } from 'aws-cdk-lib';
import { IGrantable } from 'aws-cdk-lib/aws-iam';
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
    secret.encryptionKey.grantDecrypt(new ViaServicePrincipal(`secretsmanager.${region}.${urlSuffix}`, grantee.grantPrincipal));
  }
}

/** A secret imported by name has an ARN without the six characters that Secrets Manager appends to it. */
function secretArnForPolicies(secret: ISecret): string {
  return secret.secretFullArn ?? `${secret.secretArn}-??????`;
}

/** ARN of the repositories below the prefix. */
export function repositoriesArn(scope: Construct, prefix: string): string {
  return Stack.of(scope).formatArn({
    service: 'ecr', resource: 'repository', resourceName: prefix === '' ? '*' : `${prefix}/*`, arnFormat: ArnFormat.SLASH_RESOURCE_NAME,
  });
}
