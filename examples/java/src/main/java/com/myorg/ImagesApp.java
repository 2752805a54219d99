package com.myorg;

import io.github.cdkghcr2ecr.GhcrMirror;
import software.amazon.awscdk.App;
import software.amazon.awscdk.CfnOutput;
import software.amazon.awscdk.Stack;
import software.amazon.awscdk.services.cloudwatch.actions.SnsAction;
import software.amazon.awscdk.services.ecs.ContainerDefinitionOptions;
import software.amazon.awscdk.services.ecs.ContainerImage;
import software.amazon.awscdk.services.ecs.FargateTaskDefinition;
import software.amazon.awscdk.services.iam.Role;
import software.amazon.awscdk.services.iam.ServicePrincipal;
import software.amazon.awscdk.services.secretsmanager.Secret;
import software.amazon.awscdk.services.sns.Topic;

public class ImagesApp {
    public static void main(final String[] args) {
        final App app = new App();
        final Stack stack = new Stack(app, "Images");

        final GhcrMirror mirror = GhcrMirror.Builder.create(stack, "Mirror")
            .organization("my-org")
            .packagesToken(Secret.fromSecretNameV2(stack, "Packages", "github/packages")) // classic token, read:packages
            .webhookToken(Secret.fromSecretNameV2(stack, "Hooks", "github/org-hooks")) // may manage the organization's webhooks
            .build();

        // Shown at the end of the deployment: "yes" when GitHub reached the mirror.
        CfnOutput.Builder.create(stack, "WebhookReached").value(mirror.getWebhookReached()).build();

        // Tells the topic's subscribers when a package can't be mirrored.
        final Topic trouble = new Topic(stack, "Trouble");
        mirror.getDeadLetterAlarm().addAlarmAction(new SnsAction(trouble));

        // Runs ghcr.io/my-org/app:1.2.3 from ECR. The task gets the right to pull it.
        final FargateTaskDefinition task = new FargateTaskDefinition(stack, "Task");
        task.addContainer("App", ContainerDefinitionOptions.builder()
            .image(ContainerImage.fromEcrRepository(mirror.repository("app"), "1.2.3"))
            .build());

        // Whoever else runs images may pull all of them.
        final Role nodes = Role.Builder.create(stack, "Nodes").assumedBy(new ServicePrincipal("ec2.amazonaws.com")).build();
        mirror.grantPull(nodes);

        app.synth();
    }
}
