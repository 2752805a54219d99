package com.example;

import io.github.cdkghcr2ecr.GhcrMirror;
import software.amazon.awscdk.App;
import software.amazon.awscdk.CfnOutput;
import software.amazon.awscdk.Stack;
import software.amazon.awscdk.services.iam.Role;
import software.amazon.awscdk.services.iam.ServicePrincipal;
import software.amazon.awscdk.services.secretsmanager.Secret;
import software.constructs.Construct;

public final class ImagesApp {
    static final class ImagesStack extends Stack {
        ImagesStack(final Construct scope, final String id) {
            super(scope, id);

            final GhcrMirror mirror = GhcrMirror.Builder.create(this, "Mirror")
                .organization("my-org")
                .packagesToken(Secret.fromSecretNameV2(this, "Packages", "github/packages")) // classic token, read:packages
                .webhookToken(Secret.fromSecretNameV2(this, "Hooks", "github/org-hooks")) // may manage the organization's webhooks
                .build();

            // ghcr.io/my-org/app:1.2.3, from ECR
            CfnOutput.Builder.create(this, "Image")
                .value(mirror.repository("app").repositoryUriForTag("1.2.3"))
                .build();

            // What runs the images may pull all of them.
            final Role role = Role.Builder.create(this, "ExecutionRole")
                .assumedBy(new ServicePrincipal("ecs-tasks.amazonaws.com"))
                .build();
            mirror.grantPull(role);
        }
    }

    public static void main(final String[] args) {
        final App app = new App();
        new ImagesStack(app, "Images");
        app.synth();
    }
}
