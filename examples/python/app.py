from aws_cdk import App, CfnOutput, Stack
from aws_cdk.aws_iam import Role, ServicePrincipal
from aws_cdk.aws_secretsmanager import Secret
from cdk_ghcr2ecr import GhcrMirror
from constructs import Construct


class ImagesStack(Stack):
    def __init__(self, scope: Construct, id: str, **kwargs) -> None:
        super().__init__(scope, id, **kwargs)

        mirror = GhcrMirror(
            self,
            "Mirror",
            organization="my-org",
            packages_token=Secret.from_secret_name_v2(self, "Packages", "github/packages"),  # classic token, read:packages
            webhook_token=Secret.from_secret_name_v2(self, "Hooks", "github/org-hooks"),  # may manage the organization's webhooks
        )

        # ghcr.io/my-org/app:1.2.3, from ECR
        CfnOutput(self, "Image", value=mirror.repository("app").repository_uri_for_tag("1.2.3"))

        # What runs the images may pull all of them.
        role = Role(self, "ExecutionRole", assumed_by=ServicePrincipal("ecs-tasks.amazonaws.com"))
        mirror.grant_pull(role)


app = App()
ImagesStack(app, "Images")
app.synth()
