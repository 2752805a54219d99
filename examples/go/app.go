package main

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssecretsmanager"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"
	"github.com/cdk-ghcr2ecr/cdk-ghcr2ecr-go/cdkghcr2ecr"
)

func newImagesStack(scope constructs.Construct, id string) awscdk.Stack {
	stack := awscdk.NewStack(scope, &id, nil)

	mirror := cdkghcr2ecr.NewGhcrMirror(stack, jsii.String("Mirror"), &cdkghcr2ecr.GhcrMirrorProps{
		Organization: jsii.String("my-org"),
		// A classic token with read:packages
		PackagesToken: awssecretsmanager.Secret_FromSecretNameV2(stack, jsii.String("Packages"), jsii.String("github/packages")),
		// May manage the organization's webhooks
		WebhookToken: awssecretsmanager.Secret_FromSecretNameV2(stack, jsii.String("Hooks"), jsii.String("github/org-hooks")),
	})

	// ghcr.io/my-org/app:1.2.3, from ECR
	awscdk.NewCfnOutput(stack, jsii.String("Image"), &awscdk.CfnOutputProps{
		Value: mirror.Repository(jsii.String("app")).RepositoryUriForTag(jsii.String("1.2.3")),
	})

	// What runs the images may pull all of them.
	role := awsiam.NewRole(stack, jsii.String("ExecutionRole"), &awsiam.RoleProps{
		AssumedBy: awsiam.NewServicePrincipal(jsii.String("ecs-tasks.amazonaws.com"), nil),
	})
	mirror.GrantPull(role)
	return stack
}

func main() {
	defer jsii.Close()
	app := awscdk.NewApp(nil)
	newImagesStack(app, "Images")
	app.Synth(nil)
}
