package main

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awscloudwatchactions"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsecs"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssecretsmanager"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssns"
	"github.com/aws/jsii-runtime-go"
	"github.com/cdk-ghcr2ecr/cdk-ghcr2ecr-go/cdkghcr2ecr"
)

func main() {
	defer jsii.Close()
	app := awscdk.NewApp(nil)
	stack := awscdk.NewStack(app, jsii.String("Images"), nil)

	mirror := cdkghcr2ecr.NewGhcrMirror(stack, jsii.String("Mirror"), &cdkghcr2ecr.GhcrMirrorProps{
		Organization: jsii.String("my-org"),
		// A classic token with read:packages
		PackagesToken: awssecretsmanager.Secret_FromSecretNameV2(stack, jsii.String("Packages"), jsii.String("github/packages")),
		// May manage the organization's webhooks
		WebhookToken: awssecretsmanager.Secret_FromSecretNameV2(stack, jsii.String("Hooks"), jsii.String("github/org-hooks")),
	})

	// Shown at the end of the deployment: "yes" when GitHub reached the mirror.
	awscdk.NewCfnOutput(stack, jsii.String("WebhookReached"), &awscdk.CfnOutputProps{Value: mirror.WebhookReached()})

	// Tells the topic's subscribers when a package can't be mirrored.
	trouble := awssns.NewTopic(stack, jsii.String("Trouble"), nil)
	mirror.DeadLetterAlarm().AddAlarmAction(awscloudwatchactions.NewSnsAction(trouble))

	// Runs ghcr.io/my-org/app:1.2.3 from ECR. The task gets the right to pull it.
	task := awsecs.NewFargateTaskDefinition(stack, jsii.String("Task"), nil)
	task.AddContainer(jsii.String("App"), &awsecs.ContainerDefinitionOptions{
		Image: awsecs.ContainerImage_FromEcrRepository(mirror.Repository(jsii.String("app")), jsii.String("1.2.3")),
	})

	// Whoever else runs images may pull all of them.
	nodes := awsiam.NewRole(stack, jsii.String("Nodes"), &awsiam.RoleProps{
		AssumedBy: awsiam.NewServicePrincipal(jsii.String("ec2.amazonaws.com"), nil),
	})
	mirror.GrantPull(nodes)

	app.Synth(nil)
}
