from aws_cdk import App, CfnOutput, Stack
from aws_cdk.aws_cloudwatch_actions import SnsAction
from aws_cdk.aws_ecs import ContainerImage, FargateTaskDefinition
from aws_cdk.aws_iam import Role, ServicePrincipal
from aws_cdk.aws_secretsmanager import Secret
from aws_cdk.aws_sns import Topic
from cdk_ghcr2ecr import GhcrMirror

app = App()
stack = Stack(app, "Images")

mirror = GhcrMirror(
    stack,
    "Mirror",
    organization="my-org",
    packages_token=Secret.from_secret_name_v2(stack, "Packages", "github/packages"),  # classic token, read:packages
    webhook_token=Secret.from_secret_name_v2(stack, "Hooks", "github/org-hooks"),  # may manage the organization's webhooks
)

# Shown at the end of the deployment: "yes" when GitHub reached the mirror.
CfnOutput(stack, "WebhookReached", value=mirror.webhook_reached)

# Tells the topic's subscribers when a package can't be mirrored.
trouble = Topic(stack, "Trouble")
mirror.dead_letter_alarm.add_alarm_action(SnsAction(trouble))

# Runs ghcr.io/my-org/app:1.2.3 from ECR. The task gets the right to pull it.
task = FargateTaskDefinition(stack, "Task")
task.add_container("App", image=ContainerImage.from_ecr_repository(mirror.repository("app"), "1.2.3"))

# Whoever else runs images may pull all of them.
nodes = Role(stack, "Nodes", assumed_by=ServicePrincipal("ec2.amazonaws.com"))
mirror.grant_pull(nodes)

app.synth()
