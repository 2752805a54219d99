const LOG = {
  'logs:CreateLogStream': 'writes its own log',
  'logs:PutLogEvents': 'writes its own log',
};

/** What each role needs its permissions for, by the role's name in the template and the action. */
export const WHY: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  WebhookFunction: {
    ...LOG,
    'secretsmanager:GetSecretValue': 'verifies the signatures of deliveries',
    'sqs:SendMessage': 'enqueues what a delivery announces',
  },
  DispatchFunction: {
    ...LOG,
    'secretsmanager:GetSecretValue': 'lists packages in GitHub',
    'ecr:DescribeRepositories': 'finds out what is missing',
    'ecr:ListImages': 'finds out what is missing',
    'codebuild:BatchGetBuilds': 'finds out which packages a build under way covers',
    'codebuild:ListBuildsForProject': 'finds the builds that are under way',
    'codebuild:StartBuild': 'starts builds of this project',
    'sqs:ReceiveMessage': 'takes messages',
    'sqs:DeleteMessage': 'takes messages',
    'sqs:GetQueueAttributes': 'takes messages',
    'sqs:ChangeMessageVisibility': 'looks at a failed message again, later and later',
    'sqs:SendMessage': 'splits a full reconcile into packages',
  },
  DispatchSchedule: {
    'sqs:SendMessage': 'asks for a full reconcile',
  },
  Sync: {
    ...LOG,
    's3:GetObject': 'reads its own program',
    's3:GetObjectVersion': 'reads its own program',
    's3:GetBucketAcl': 'CodeBuild checks the bucket of the program',
    's3:GetBucketLocation': 'CodeBuild checks the bucket of the program',
    'secretsmanager:GetSecretValue': 'lists packages in GitHub, reads images from GHCR',
    'ecr:BatchCheckLayerAvailability': 'copies only layers that are missing',
    'ecr:BatchGetImage': 'reads the manifests of images that are there',
    'ecr:CompleteLayerUpload': 'pushes layers',
    'ecr:CreateRepository': 'creates the repository of a new package',
    'ecr:DescribeRepositories': 'finds out what is missing',
    'ecr:GetDownloadUrlForLayer': 'mounts a layer of another repository',
    'ecr:InitiateLayerUpload': 'pushes layers',
    'ecr:ListImages': 'finds out what is missing',
    'ecr:PutImage': 'pushes manifests, sets tags',
    'ecr:UploadLayerPart': 'pushes layers',
    'ecr:GetAuthorizationToken': 'logs in to ECR; AWS offers this for no single resource',
  },
  RegistrationFunction: {
    ...LOG,
    'sqs:SendMessage': 'asks for the first full sync',
    'secretsmanager:GetSecretValue': 'manages the webhook in GitHub, and gives it the secret that it signs with',
  },
  RegistrationProvider: {
    ...LOG,
    'lambda:InvokeFunction': 'calls the registration function for CloudFormation',
    'lambda:GetFunction': 'waits until the registration function is active',
  },
  RegistrationRepair: {
    'lambda:InvokeFunction': 'checks the webhook daily, and has GitHub redeliver failed deliveries',
  },
};
