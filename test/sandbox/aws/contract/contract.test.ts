import {
  BatchGetBuildsCommand, ListBuildsForProjectCommand, StartBuildCommand, StopBuildCommand,
} from '@aws-sdk/client-codebuild';
import {
  BatchDeleteImageCommand,
  BatchGetImageCommand,
  CreateRepositoryCommand,
  DeleteLifecyclePolicyCommand,
  DeleteRepositoryPolicyCommand,
  DescribeImagesCommand,
  DescribeRepositoriesCommand,
  GetAuthorizationTokenCommand,
  GetLifecyclePolicyCommand,
  GetRepositoryPolicyCommand,
  ListImagesCommand,
  ListTagsForResourceCommand,
  PutImageCommand,
  PutImageScanningConfigurationCommand,
  PutLifecyclePolicyCommand,
  SetRepositoryPolicyCommand,
  TagResourceCommand,
  UntagResourceCommand,
} from '@aws-sdk/client-ecr';
import {
  DeleteSecretCommand,
  DescribeSecretCommand,
  GetSecretValueCommand,
  ListSecretVersionIdsCommand,
  PutSecretValueCommand,
  RestoreSecretCommand,
  UpdateSecretVersionStageCommand,
} from '@aws-sdk/client-secrets-manager';
import {
  ChangeMessageVisibilityCommand,
  DeleteMessageBatchCommand,
  DeleteMessageCommand,
  GetQueueAttributesCommand,
  GetQueueUrlCommand,
  ReceiveMessageCommand,
  SendMessageBatchCommand,
  SendMessageCommand,
} from '@aws-sdk/client-sqs';
import { Clients, moto, standIn, Subject } from './subjects';
import { image } from '../../../../sandbox/registry/images';

/** The same cases against our stand-ins and against moto: README.md says what they don't share. */
const SUBJECTS: [string, () => Promise<Subject>][] = [['the stand-in', standIn]];
if (process.env.CONTRACT === '1') {
  SUBJECTS.push(['moto', moto]);
} else {
  process.stdout.write('contract tests: the stand-ins alone; with CONTRACT=1 the same cases run against moto, too\n');
}

describe.each(SUBJECTS)('%s', (name, start) => {
  let subject: Subject;
  let clients: Clients;
  let count = 0;
  /** A name that no other case uses. */
  const fresh = (): string => `case-${count++}`;

  beforeAll(async () => {
    subject = await start();
    clients = subject.clients;
  }, 300_000);

  afterAll(() => subject.close());

  /** Name of the error's shape. */
  async function errorOf(action: Promise<unknown>): Promise<string> {
    const error: unknown = await action.then(() => undefined, (reason: unknown) => reason);
    if (!(error instanceof Error)) { throw new Error(`expected an error from ${name}, got none`); }
    return error.name;
  }

  describe('SQS', () => {
    const MD5_OF_HELLO = '5d41402abc4b2a76b9719d911017c592';

    test('sends, receives and deletes a message', async () => {
      const { url: QueueUrl } = await subject.createQueue(fresh(), {});
      const MessageAttributes = {
        kind: { DataType: 'String', StringValue: 'package' },
        size: { DataType: 'Number', StringValue: '7' },
      };
      const sent = await clients.sqs.send(
        new SendMessageCommand({ QueueUrl, MessageBody: 'hello', MessageAttributes }),
      );
      expect(sent).toMatchObject({ MD5OfMessageBody: MD5_OF_HELLO, MD5OfMessageAttributes: expect.stringMatching(/^[0-9a-f]{32}$/) as string });
      const { Messages = [] } = await clients.sqs.send(
        new ReceiveMessageCommand({ QueueUrl, MessageAttributeNames: ['All'], MessageSystemAttributeNames: ['All'] }),
      );
      expect(Messages).toMatchObject([{
        MessageId: sent.MessageId,
        Body: 'hello',
        MD5OfBody: MD5_OF_HELLO,
        MD5OfMessageAttributes: sent.MD5OfMessageAttributes,
        MessageAttributes,
        Attributes: { ApproximateReceiveCount: '1', SentTimestamp: expect.stringMatching(/^\d{13}$/) as string },
      }]);
      await clients.sqs.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle: Messages[0].ReceiptHandle }));
      const { Attributes } = await clients.sqs.send(
        new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ['All'] }),
      );
      expect(Attributes)
        .toMatchObject({ ApproximateNumberOfMessages: '0', ApproximateNumberOfMessagesNotVisible: '0' });
    });

    test('the checksum of attributes is the same everywhere', async () => {
      const { url: QueueUrl } = await subject.createQueue(fresh(), {});
      const MessageAttributes = {
        name: { DataType: 'String', StringValue: 'value' },
        data: { DataType: 'Binary', BinaryValue: Buffer.from([0, 1]) },
      };
      const { MD5OfMessageAttributes } = await clients.sqs.send(
        new SendMessageCommand({ QueueUrl, MessageBody: 'x', MessageAttributes }),
      );
      expect(MD5OfMessageAttributes).toBe('191139b7ec03f8a264692b3e4f9aa381');
    });

    test('hides a message in flight and gives it back on demand', async () => {
      const { url: QueueUrl } = await subject.createQueue(fresh(), { VisibilityTimeout: '60' });
      await clients.sqs.send(new SendMessageCommand({ QueueUrl, MessageBody: 'x' }));
      const first = await clients.sqs.send(new ReceiveMessageCommand({ QueueUrl }));
      expect((await clients.sqs.send(new ReceiveMessageCommand({ QueueUrl }))).Messages).toBeUndefined();
      const { ReceiptHandle } = first.Messages?.[0] ?? {};
      await clients.sqs.send(new ChangeMessageVisibilityCommand({ QueueUrl, ReceiptHandle, VisibilityTimeout: 0 }));
      const counted = new ReceiveMessageCommand({ QueueUrl, MessageSystemAttributeNames: ['ApproximateReceiveCount'] });
      const again = await clients.sqs.send(counted);
      expect(again.Messages).toMatchObject([{ Attributes: { ApproximateReceiveCount: '2' } }]);
    });

    test('moves a message to the dead-letter queue', async () => {
      const dead = await subject.createQueue(fresh(), {});
      const RedrivePolicy = JSON.stringify({ deadLetterTargetArn: dead.arn, maxReceiveCount: 1 });
      const { url: QueueUrl } = await subject.createQueue(fresh(), { RedrivePolicy });
      await clients.sqs.send(new SendMessageCommand({ QueueUrl, MessageBody: 'poison' }));
      await clients.sqs.send(new ReceiveMessageCommand({ QueueUrl, VisibilityTimeout: 0 }));
      expect((await clients.sqs.send(new ReceiveMessageCommand({ QueueUrl }))).Messages).toBeUndefined();
      const { Messages } = await clients.sqs.send(new ReceiveMessageCommand({ QueueUrl: dead.url }));
      expect(Messages).toMatchObject([{ Body: 'poison' }]);
    });

    test('sends and deletes batches', async () => {
      const { url: QueueUrl } = await subject.createQueue(fresh(), {});
      const Entries = ['a', 'b'].map(Id => ({ Id, MessageBody: Id }));
      expect(
        (await clients.sqs.send(new SendMessageBatchCommand({ QueueUrl, Entries }))).Successful?.map(entry => entry.Id),
      ).toEqual(['a', 'b']);
      const { Messages = [] } = await clients.sqs.send(
        new ReceiveMessageCommand({ QueueUrl, MaxNumberOfMessages: 10 }),
      );
      const handles = Messages.map(({ ReceiptHandle }, at) => ({ Id: String(at), ReceiptHandle }));
      expect((await clients.sqs.send(new DeleteMessageBatchCommand({ QueueUrl, Entries: handles }))).Successful)
        .toHaveLength(2);
    });

    test('finds a queue by name', async () => {
      const QueueName = fresh();
      const { url } = await subject.createQueue(QueueName, {});
      expect((await clients.sqs.send(new GetQueueUrlCommand({ QueueName }))).QueueUrl).toBe(url);
    });

    test.each<[string, (QueueUrl: string) => Promise<unknown>, string]>([
      ['a queue that isn\'t there', () => clients.sqs.send(new GetQueueUrlCommand({ QueueName: 'none' })),
        'QueueDoesNotExist'],
      ['an empty batch', QueueUrl => clients.sqs.send(new SendMessageBatchCommand({ QueueUrl, Entries: [] })),
        'EmptyBatchRequest'],
      ['repeated ids', QueueUrl => clients.sqs.send(new SendMessageBatchCommand({
        QueueUrl,
        Entries: ['a', 'a'].map(Id => ({ Id, MessageBody: 'x' })),
      })), 'BatchEntryIdsNotDistinct'],
      ['a bad id', QueueUrl => clients.sqs.send(new SendMessageBatchCommand({
        QueueUrl,
        Entries: [{ Id: 'a b', MessageBody: 'x' }],
      })), 'InvalidBatchEntryId'],
      ['eleven entries', QueueUrl => clients.sqs.send(new SendMessageBatchCommand({
        QueueUrl,
        Entries: Array.from({ length: 11 }, (_, n) => ({ Id: String(n), MessageBody: 'x' })),
      })), 'TooManyEntriesInBatchRequest'],
      ['a message beyond 1 MiB',
        QueueUrl => clients.sqs.send(new SendMessageCommand({ QueueUrl, MessageBody: 'x'.repeat(1_048_577) })),
        'InvalidParameterValue'],
      ['a batch beyond 1 MiB', QueueUrl => clients.sqs.send(new SendMessageBatchCommand({
        QueueUrl,
        Entries: ['a', 'b'].map(Id => ({ Id, MessageBody: 'x'.repeat(600_000) })),
      })), 'BatchRequestTooLong'],
      ['more than 10 messages',
        QueueUrl => clients.sqs.send(new ReceiveMessageCommand({ QueueUrl, MaxNumberOfMessages: 11 })),
        'InvalidParameterValue'],
      ['a receipt handle that was never given',
        QueueUrl => clients.sqs.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle: 'x' })),
        'ReceiptHandleIsInvalid'],
    ])('fails for %s', async (_what, act, expected) => {
      const { url } = await subject.createQueue(fresh(), {});
      expect(await errorOf(act(url))).toBe(expected);
    });
  });

  describe('Secrets Manager', () => {
    const token = (letter: string): string => letter.repeat(32);

    test('gives the current value by name, ARN and ARN without suffix', async () => {
      const Name = fresh();
      const arn = await subject.createSecret(Name, 'v1');
      expect(arn).toMatch(new RegExp(`:secret:${Name}-[A-Za-z0-9]{6}$`));
      for (const SecretId of [Name, arn, arn.slice(0, -7)]) {
        expect(await clients.secrets.send(new GetSecretValueCommand({ SecretId })))
          .toMatchObject({ ARN: arn, Name, SecretString: 'v1', VersionStages: ['AWSCURRENT'] });
      }
    });

    test('moves AWSCURRENT and AWSPREVIOUS with a new value', async () => {
      const SecretId = fresh();
      await subject.createSecret(SecretId, 'v1');
      await clients.secrets.send(
        new PutSecretValueCommand({ SecretId, SecretString: 'v2', ClientRequestToken: token('b') }),
      );
      const values = await Promise.all(['AWSCURRENT', 'AWSPREVIOUS']
        .map(VersionStage => clients.secrets.send(new GetSecretValueCommand({ SecretId, VersionStage }))));
      expect(values.map(({ SecretString }) => SecretString)).toEqual(['v2', 'v1']);
      const { Versions } = await clients.secrets.send(new ListSecretVersionIdsCommand({ SecretId }));
      expect(Versions?.map(({ VersionStages }) => VersionStages?.[0]).sort()).toEqual(['AWSCURRENT', 'AWSPREVIOUS']);
    });

    test('a pending value becomes current when its label moves', async () => {
      const SecretId = fresh();
      await subject.createSecret(SecretId, 'v1');
      const { VersionId } = await clients.secrets.send(new GetSecretValueCommand({ SecretId }));
      await clients.secrets.send(new PutSecretValueCommand({
        SecretId,
        SecretString: 'v2',
        ClientRequestToken: token('b'),
        VersionStages: ['AWSPENDING'],
      }));
      expect((await clients.secrets.send(new GetSecretValueCommand({ SecretId }))).SecretString).toBe('v1');
      await clients.secrets.send(new UpdateSecretVersionStageCommand({
        SecretId,
        VersionStage: 'AWSCURRENT',
        MoveToVersionId: token('b'),
        RemoveFromVersionId: VersionId,
      }));
      expect(
        (await clients.secrets.send(new GetSecretValueCommand({ SecretId, VersionStage: 'AWSCURRENT' }))).SecretString,
      ).toBe('v2');
    });

    test('a deleted secret can\'t be read until it is restored', async () => {
      const SecretId = fresh();
      await subject.createSecret(SecretId, 'v1');
      await clients.secrets.send(new DeleteSecretCommand({ SecretId }));
      expect(await errorOf(clients.secrets.send(new GetSecretValueCommand({ SecretId }))))
        .toBe('InvalidRequestException');
      expect((await clients.secrets.send(new DescribeSecretCommand({ SecretId }))).DeletedDate).toBeInstanceOf(Date);
      await clients.secrets.send(new RestoreSecretCommand({ SecretId }));
      expect((await clients.secrets.send(new GetSecretValueCommand({ SecretId }))).SecretString).toBe('v1');
    });

    test.each<[string, (SecretId: string) => Promise<unknown>, string]>([
      ['a secret that isn\'t there', () => clients.secrets.send(new GetSecretValueCommand({ SecretId: 'none' })),
        'ResourceNotFoundException'],
      ['a stage that isn\'t there',
        SecretId => clients.secrets.send(new GetSecretValueCommand({ SecretId, VersionStage: 'AWSPENDING' })),
        'ResourceNotFoundException'],
      ['a version that isn\'t there',
        SecretId => clients.secrets.send(new GetSecretValueCommand({ SecretId, VersionId: token('z') })),
        'ResourceNotFoundException'],
      ['a version without that stage', async SecretId => {
        await clients.secrets.send(
          new PutSecretValueCommand({ SecretId, SecretString: 'v2', ClientRequestToken: token('b') }),
        );
        await clients.secrets.send(
          new GetSecretValueCommand({ SecretId, VersionId: token('b'), VersionStage: 'AWSPREVIOUS' }),
        );
      }, 'InvalidRequestException'],
      ['the same token with another value', async SecretId => {
        await clients.secrets.send(
          new PutSecretValueCommand({ SecretId, SecretString: 'v2', ClientRequestToken: token('b') }),
        );
        await clients.secrets.send(
          new PutSecretValueCommand({ SecretId, SecretString: 'v3', ClientRequestToken: token('b') }),
        );
      }, 'ResourceExistsException'],
      ['no value', SecretId => clients.secrets.send(new PutSecretValueCommand({ SecretId })),
        'InvalidRequestException'],
      ['a short token', SecretId => clients.secrets.send(new PutSecretValueCommand({
        SecretId,
        SecretString: 'x',
        ClientRequestToken: 'x',
      })), 'InvalidParameterException'],
    ])('fails for %s', async (_what, act, expected) => {
      const Name = fresh();
      await subject.createSecret(Name, 'v1');
      expect(await errorOf(act(Name))).toBe(expected);
    });
  });

  describe('ECR', () => {
    async function repository(more: object = {}): Promise<string> {
      const repositoryName = `my-org/${fresh()}`;
      await clients.ecr.send(new CreateRepositoryCommand({ repositoryName, ...more }));
      return repositoryName;
    }

    async function put(repositoryName: string, seed: number, imageTag?: string): Promise<string> {
      const top = image({ seed });
      await subject.pushLayers(repositoryName, top);
      const command = new PutImageCommand({
        repositoryName,
        imageManifest: top.bytes.toString(),
        imageManifestMediaType: top.mediaType,
        imageTag,
      });
      const answer = await clients.ecr.send(command);
      return answer.image?.imageId?.imageDigest ?? '';
    }

    test('creates and describes a repository', async () => {
      const repositoryName = await repository({ imageScanningConfiguration: { scanOnPush: true } });
      const { repositories } = await clients.ecr.send(new DescribeRepositoriesCommand({
        repositoryNames: [repositoryName],
      }));
      expect(repositories).toMatchObject([{
        repositoryName,
        imageTagMutability: 'MUTABLE',
        imageScanningConfiguration: { scanOnPush: true },
        encryptionConfiguration: { encryptionType: 'AES256' },
        repositoryUri: expect.stringMatching(new RegExp(`^[^/]+/${repositoryName}$`)) as string,
        createdAt: expect.any(Date) as Date,
      }]);
    });

    async function arnOf(repositoryName: string): Promise<string | undefined> {
      const { repositories } = await clients.ecr.send(new DescribeRepositoriesCommand({
        repositoryNames: [repositoryName],
      }));
      return repositories?.[0].repositoryArn;
    }

    test('tags of a repository come with it, are added and taken away', async () => {
      const resourceArn = await arnOf(await repository({ tags: [{ Key: 'one', Value: '1' }] }));
      await clients.ecr.send(new TagResourceCommand({ resourceArn, tags: [{ Key: 'two', Value: '2' }] }));
      await clients.ecr.send(new UntagResourceCommand({ resourceArn, tagKeys: ['one'] }));
      expect((await clients.ecr.send(new ListTagsForResourceCommand({ resourceArn }))).tags)
        .toEqual([{ Key: 'two', Value: '2' }]);
    });

    test('a repository policy is set, read and deleted', async () => {
      const repositoryName = await repository();
      const statement = {
        Sid: 'Pull',
        Effect: 'Allow',
        Principal: { AWS: '444455556666' },
        Action: 'ecr:BatchGetImage',
      };
      const policy = { Version: '2012-10-17', Statement: [statement] };
      await clients.ecr.send(new SetRepositoryPolicyCommand({ repositoryName, policyText: JSON.stringify(policy) }));
      const { policyText } = await clients.ecr.send(new GetRepositoryPolicyCommand({ repositoryName }));
      expect(JSON.parse(policyText ?? '')).toMatchObject({ Statement: [{ Sid: 'Pull', Effect: 'Allow' }] });
      await clients.ecr.send(new DeleteRepositoryPolicyCommand({ repositoryName }));
      expect(await errorOf(clients.ecr.send(new GetRepositoryPolicyCommand({ repositoryName }))))
        .toBe('RepositoryPolicyNotFoundException');
    });

    test('a lifecycle policy is put, read and deleted', async () => {
      const repositoryName = await repository();
      const selection = { tagStatus: 'untagged', countType: 'sinceImagePushed', countUnit: 'days', countNumber: 14 };
      const lifecyclePolicyText = JSON.stringify({
        rules: [{ rulePriority: 1, selection, action: { type: 'expire' } }],
      });
      await clients.ecr.send(new PutLifecyclePolicyCommand({ repositoryName, lifecyclePolicyText }));
      const read = await clients.ecr.send(new GetLifecyclePolicyCommand({ repositoryName }));
      expect(JSON.parse(read.lifecyclePolicyText ?? '')).toMatchObject({ rules: [{ rulePriority: 1, selection }] });
      await clients.ecr.send(new DeleteLifecyclePolicyCommand({ repositoryName }));
      expect(await errorOf(clients.ecr.send(new GetLifecyclePolicyCommand({ repositoryName }))))
        .toBe('LifecyclePolicyNotFoundException');
    });

    test('scanning is switched on', async () => {
      const repositoryName = await repository();
      const imageScanningConfiguration = { scanOnPush: true };
      await clients.ecr.send(new PutImageScanningConfigurationCommand({ repositoryName, imageScanningConfiguration }));
      const { repositories } = await clients.ecr.send(new DescribeRepositoriesCommand({
        repositoryNames: [repositoryName],
      }));
      expect(repositories).toMatchObject([{ imageScanningConfiguration }]);
    });

    test('a token is Basic credentials of user AWS', async () => {
      const { authorizationData } = await clients.ecr.send(new GetAuthorizationTokenCommand({}));
      expect(Buffer.from(authorizationData?.[0].authorizationToken ?? '', 'base64').toString()).toMatch(/^AWS:.+/);
      expect(authorizationData?.[0]).toMatchObject({ proxyEndpoint: expect.stringMatching(/^https:\/\//) as string, expiresAt: expect.any(Date) as Date });
    });

    test('lists and describes what was put', async () => {
      const repositoryName = await repository();
      const imageDigest = await put(repositoryName, 1, 'v1');
      expect((await clients.ecr.send(new ListImagesCommand({ repositoryName }))).imageIds)
        .toEqual([{ imageDigest, imageTag: 'v1' }]);
      const { imageDetails } = await clients.ecr.send(
        new DescribeImagesCommand({ repositoryName, imageIds: [{ imageTag: 'v1' }] }),
      );
      expect(imageDetails)
        .toMatchObject([{ imageDigest, imageTags: ['v1'], repositoryName, imagePushedAt: expect.any(Date) as Date }]);
    });

    test('moves a tag in a mutable repository', async () => {
      const repositoryName = await repository();
      await put(repositoryName, 1, 'v1');
      const second = await put(repositoryName, 2, 'v1');
      const { images } = await clients.ecr.send(
        new BatchGetImageCommand({ repositoryName, imageIds: [{ imageTag: 'v1' }] }),
      );
      expect(images?.map(({ imageId }) => imageId)).toEqual([{ imageDigest: second, imageTag: 'v1' }]);
    });

    test('gives an image another tag', async () => {
      const repositoryName = await repository();
      const imageDigest = await put(repositoryName, 1, 'v1');
      expect(await put(repositoryName, 1, 'v2')).toBe(imageDigest);
      const { imageIds } = await clients.ecr.send(new ListImagesCommand({ repositoryName }));
      expect(imageIds?.map(({ imageTag }) => imageTag).sort()).toEqual(['v1', 'v2']);
    });

    test('names the images that it can\'t give or delete', async () => {
      const repositoryName = await repository();
      const imageIds = [{ imageTag: 'none' }];
      const got = await clients.ecr.send(new BatchGetImageCommand({ repositoryName, imageIds }));
      const deleted = await clients.ecr.send(new BatchDeleteImageCommand({ repositoryName, imageIds }));
      expect([got.images, got.failures?.[0].failureCode, deleted.failures?.[0].failureCode])
        .toEqual([[], 'ImageNotFound', 'ImageNotFound']);
    });

    test.each<[string, () => Promise<unknown>, string]>([
      ['a repository twice',
        async () => { await clients.ecr.send(new CreateRepositoryCommand({ repositoryName: await repository() })); },
        'RepositoryAlreadyExistsException'],
      ['a double hyphen', () => clients.ecr.send(new CreateRepositoryCommand({ repositoryName: 'my-org/a--b' })),
        'InvalidParameterException'],
      ['a double underscore', () => clients.ecr.send(new CreateRepositoryCommand({ repositoryName: 'my-org/a__b' })),
        'InvalidParameterException'],
      ['a bad name', () => clients.ecr.send(new CreateRepositoryCommand({ repositoryName: 'My-Org/App' })),
        'InvalidParameterException'],
      ['a repository that isn\'t there', () => clients.ecr.send(new ListImagesCommand({ repositoryName: 'none' })),
        'RepositoryNotFoundException'],
      ['a repository policy that is none', async () => {
        await clients.ecr.send(new SetRepositoryPolicyCommand({ repositoryName: await repository(), policyText: '{' }));
      }, 'InvalidParameterException'],
      ['the tags of a repository that isn\'t there', async () => {
        const resourceArn = (await arnOf(await repository()))?.replace(/repository\/.*$/, 'repository/none');
        await clients.ecr.send(new ListTagsForResourceCommand({ resourceArn }));
      }, 'RepositoryNotFoundException'],
      ['an image that isn\'t there', async () => clients.ecr.send(new DescribeImagesCommand({
        repositoryName: await repository(),
        imageIds: [{ imageTag: 'none' }],
      })), 'ImageNotFoundException'],
      ['the same image under the same tag again', async () => {
        const repositoryName = await repository();
        await put(repositoryName, 1, 'v1');
        await put(repositoryName, 1, 'v1');
      }, 'ImageAlreadyExistsException'],
    ])('fails for %s', async (_what, act, expected) => {
      expect(await errorOf(act())).toBe(expected);
    });
  });

  describe('CodeBuild', () => {
    test('starts, describes and lists a build', async () => {
      const projectName = fresh();
      await subject.createProject(projectName);
      const { build } = await clients.codebuild.send(new StartBuildCommand({ projectName }));
      expect(build).toMatchObject({
        projectName,
        buildStatus: 'IN_PROGRESS',
        buildComplete: false,
        id: expect.stringMatching(new RegExp(`^${projectName}:[0-9a-f-]{36}$`)) as string,
        arn: expect.stringMatching(new RegExp(`:build/${projectName}:`)) as string,
        startTime: expect.any(Date) as Date,
        phases: expect.arrayContaining([expect.objectContaining({
          phaseType: 'SUBMITTED',
          phaseStatus: 'SUCCEEDED',
        })]) as object[],
      });
      const id = build?.id ?? '';
      expect((await clients.codebuild.send(new BatchGetBuildsCommand({ ids: [id] }))).builds)
        .toMatchObject([{ id, projectName }]);
      expect((await clients.codebuild.send(new ListBuildsForProjectCommand({ projectName }))).ids).toEqual([id]);
    });

    test('stops a build', async () => {
      const projectName = fresh();
      await subject.createProject(projectName);
      const { build } = await clients.codebuild.send(new StartBuildCommand({ projectName }));
      expect((await clients.codebuild.send(new StopBuildCommand({ id: build?.id }))).build)
        .toMatchObject({ id: build?.id, projectName });
    });

    test('fails for a project that isn\'t there', async () => {
      expect(await errorOf(clients.codebuild.send(new StartBuildCommand({ projectName: 'none' }))))
        .toBe('ResourceNotFoundException');
    });
  });
});
