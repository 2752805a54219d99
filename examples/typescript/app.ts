import { App, CfnOutput, Stack, StackProps } from 'aws-cdk-lib';
import { Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { Secret } from 'aws-cdk-lib/aws-secretsmanager';
import { GhcrMirror } from 'cdk-ghcr2ecr';
import { Construct } from 'constructs';

class ImagesStack extends Stack {
  constructor(scope: Construct, id: string, props?: StackProps) {
    super(scope, id, props);

    const mirror = new GhcrMirror(this, 'Mirror', {
      organization: 'my-org',
      packagesToken: Secret.fromSecretNameV2(this, 'Packages', 'github/packages'), // classic token, read:packages
      webhookToken: Secret.fromSecretNameV2(this, 'Hooks', 'github/org-hooks'), // may manage the organization's webhooks
    });

    // ghcr.io/my-org/app:1.2.3, from ECR
    new CfnOutput(this, 'Image', { value: mirror.repository('app').repositoryUriForTag('1.2.3') });

    // What runs the images may pull all of them.
    const role = new Role(this, 'ExecutionRole', { assumedBy: new ServicePrincipal('ecs-tasks.amazonaws.com') });
    mirror.grantPull(role);
  }
}

const app = new App();
new ImagesStack(app, 'Images');
app.synth();
