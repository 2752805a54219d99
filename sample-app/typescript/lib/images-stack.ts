import { CfnOutput, Stack, StackProps } from 'aws-cdk-lib';
import { Secret } from 'aws-cdk-lib/aws-secretsmanager';
import { GhcrMirror } from 'cdk-ghcr2ecr';
import { Construct } from 'constructs';

export interface ImagesStackProps extends StackProps {
  /** Login of the GitHub organization whose images are mirrored. */
  readonly organization: string;
}

/** Keeps the organization's container images in this account's ECR. */
export class ImagesStack extends Stack {
  public readonly mirror: GhcrMirror;

  constructor(scope: Construct, id: string, props: ImagesStackProps) {
    super(scope, id, props);

    this.mirror = new GhcrMirror(this, 'Mirror', {
      organization: props.organization,
      // A classic token with the scope read:packages.
      packagesToken: Secret.fromSecretNameV2(this, 'PackagesToken', 'github/packages'),
      // A token that may manage the organization's webhooks. Remove this line to follow the schedule alone.
      webhookToken: Secret.fromSecretNameV2(this, 'WebhookToken', 'github/org-hooks'),
    });

    new CfnOutput(this, 'WebhookReached', {
      value: this.mirror.webhookReached,
      description: 'Whether GitHub reached the mirror',
    });
    new CfnOutput(this, 'EndpointUrl', {
      value: this.mirror.endpointUrl,
      description: 'Where GitHub delivers package events',
    });
    new CfnOutput(this, 'RepositoryPrefix', {
      value: this.mirror.repositoryPrefix,
      description: 'Repositories are named PREFIX/PACKAGE',
    });
  }
}
