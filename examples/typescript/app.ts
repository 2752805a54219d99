import { App, CfnOutput, Stack } from 'aws-cdk-lib';
import { SnsAction } from 'aws-cdk-lib/aws-cloudwatch-actions';
import { ContainerImage, FargateTaskDefinition } from 'aws-cdk-lib/aws-ecs';
import { Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { Secret } from 'aws-cdk-lib/aws-secretsmanager';
import { Topic } from 'aws-cdk-lib/aws-sns';
import { GhcrMirror } from 'cdk-ghcr2ecr';

const app = new App();
const stack = new Stack(app, 'Images');

const mirror = new GhcrMirror(stack, 'Mirror', {
  organization: 'my-org',
  packagesToken: Secret.fromSecretNameV2(stack, 'Packages', 'github/packages'), // classic token, read:packages
  webhookToken: Secret.fromSecretNameV2(stack, 'Hooks', 'github/org-hooks'), // may manage the organization's webhooks
});

// Shown at the end of the deployment: "yes" when GitHub reached the mirror.
new CfnOutput(stack, 'WebhookReached', { value: mirror.webhookReached });

// Tells the topic's subscribers when a package can't be mirrored.
const trouble = new Topic(stack, 'Trouble');
mirror.deadLetterAlarm.addAlarmAction(new SnsAction(trouble));

// Runs ghcr.io/my-org/app:1.2.3 from ECR. The task gets the right to pull it.
const task = new FargateTaskDefinition(stack, 'Task');
task.addContainer('App', { image: ContainerImage.fromEcrRepository(mirror.repository('app'), '1.2.3') });

// Whoever else runs images may pull all of them.
const nodes = new Role(stack, 'Nodes', { assumedBy: new ServicePrincipal('ec2.amazonaws.com') });
mirror.grantPull(nodes);

app.synth();
