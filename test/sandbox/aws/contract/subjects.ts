import { CodeBuildClient, CreateProjectCommand } from '@aws-sdk/client-codebuild';
import { ECRClient } from '@aws-sdk/client-ecr';
import { CreateSecretCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { CreateQueueCommand, SQSClient } from '@aws-sdk/client-sqs';
import { startMoto } from './moto';
import { withUnixTimes } from './moto-timestamps';
import { startEndpoint } from '../../../../sandbox/aws/core/endpoint';
import { Sessions } from '../../../../sandbox/aws/core/sessions';
import { createCodeBuild } from '../../../../sandbox/aws/services/codebuild/codebuild';
import { createEcr } from '../../../../sandbox/aws/services/ecr/ecr';
import { createSecretsManager } from '../../../../sandbox/aws/services/secrets-manager/secrets-manager';
import { createSqs } from '../../../../sandbox/aws/services/sqs/sqs';
import { RegistryClient } from '../../../../sandbox/registry/client';
import type { Manifest } from '../../../../sandbox/registry/images';
import { startRegistry } from '../../../../sandbox/registry/registry';
import { ADMINISTRATOR, TestContext } from '../test-context';

/** An implementation of the AWS APIs, reached through the AWS SDK. */
export interface Subject {
  readonly clients: Clients;
  createQueue(name: string, attributes: Readonly<Record<string, string>>): Promise<{ url: string; arn: string }>;
  createSecret(name: string, value: string): Promise<string>;
  createProject(name: string): Promise<void>;
  /** Brings an image's layers, where PutImage asks for them. */
  pushLayers(repository: string, image: Manifest): Promise<void>;
  close(): Promise<void>;
}

export interface Clients {
  readonly sqs: SQSClient;
  readonly secrets: SecretsManagerClient;
  readonly ecr: ECRClient;
  readonly codebuild: CodeBuildClient;
}

const REGION = 'eu-west-1';
const BUILDSPEC = JSON.stringify({ version: '0.2', phases: { build: { commands: ['true'] } } });

function clientsOf(endpoint: string, accessKeyId: string, secretAccessKey: string, sessionToken?: string): Clients {
  const settings = {
    endpoint,
    region: REGION,
    credentials: { accessKeyId, secretAccessKey, sessionToken },
    maxAttempts: 1,
  };
  return {
    sqs: new SQSClient(settings),
    secrets: new SecretsManagerClient(settings),
    ecr: new ECRClient(settings),
    codebuild: new CodeBuildClient(settings),
  };
}

export async function standIn(): Promise<Subject> {
  const context = new TestContext();
  const backing = await startRegistry();
  const sqs = createSqs(context);
  const secrets = createSecretsManager(context);
  const ecr = await createEcr(context, { backing });
  const codebuild = createCodeBuild(context);
  const services = [sqs, secrets, ecr, codebuild].map(module => module.service);
  services.forEach(service => context.client(service));
  const sessions = new Sessions(context.random);
  const endpoint = await startEndpoint({
    region: REGION,
    sessions,
    now: () => context.clock.now(),
    services: () => services,
    call: (caller, service, operation, input) => context.call(caller, service, operation, input),
    onError: () => undefined,
  });
  const { accessKeyId, secretAccessKey, sessionToken } = sessions.issue(ADMINISTRATOR);
  return {
    clients: clientsOf(endpoint.url, accessKeyId, secretAccessKey, sessionToken),
    createQueue: async (QueueName, { RedrivePolicy, ...attributes }) => {
      const properties = {
        QueueName,
        ...attributes,
        ...(RedrivePolicy !== undefined && { RedrivePolicy: JSON.parse(RedrivePolicy) as object }),
      };
      const resource = await context.create(sqs, 'AWS::SQS::Queue', 'Queue', properties);
      return { url: resource.physicalId, arn: resource.attributes.Arn };
    },
    createSecret: (name, value) => Promise.resolve(secrets.createSecret(name, value)),
    createProject: async name => {
      await context.create(codebuild, 'AWS::CodeBuild::Project', 'Project', {
        Name: name,
        Artifacts: { Type: 'NO_ARTIFACTS' },
        Source: { Type: 'NO_SOURCE', BuildSpec: BUILDSPEC },
        Environment: {
          Type: 'LINUX_CONTAINER',
          ComputeType: 'BUILD_GENERAL1_SMALL',
          Image: 'aws/codebuild/standard:8.0',
        },
        ServiceRole: ADMINISTRATOR.roleArn,
      });
    },
    pushLayers: async (repository, image) => {
      const client = new RegistryClient({ url: backing.url });
      for (const blob of image.blobs) { await client.pushBlob(repository, blob); }
    },
    close: async () => {
      await codebuild.close?.();
      await endpoint.close();
      await ecr.close?.();
      await backing.close();
      await sqs.close?.();
      context.close();
    },
  };
}

export async function moto(): Promise<Subject> {
  const server = await startMoto();
  const proxy = await withUnixTimes(server.url);
  const keys = ['AKIAIOSFODNN7EXAMPLE', 'secret'] as const;
  const clients = { ...clientsOf(server.url, ...keys), codebuild: clientsOf(proxy.url, ...keys).codebuild };
  return {
    clients,
    createQueue: async (QueueName, Attributes) => {
      const { QueueUrl = '' } = await clients.sqs.send(new CreateQueueCommand({ QueueName, Attributes }));
      return { url: QueueUrl, arn: `arn:aws:sqs:${REGION}:123456789012:${QueueName}` };
    },
    createSecret: async (Name, SecretString) =>
      (await clients.secrets.send(new CreateSecretCommand({ Name, SecretString }))).ARN ?? '',
    createProject: async name => {
      await clients.codebuild.send(new CreateProjectCommand({
        name,
        // moto wants a location even for NO_SOURCE.
        source: { type: 'NO_SOURCE', location: 'none', buildspec: BUILDSPEC },
        artifacts: { type: 'NO_ARTIFACTS' },
        environment: {
          type: 'LINUX_CONTAINER',
          computeType: 'BUILD_GENERAL1_SMALL',
          image: 'aws/codebuild/standard:8.0',
        },
        serviceRole: 'arn:aws:iam::123456789012:role/Administrator',
      }));
    },
    pushLayers: () => Promise.resolve(),
    close: async () => {
      await proxy.close();
      await server.close();
    },
  };
}
