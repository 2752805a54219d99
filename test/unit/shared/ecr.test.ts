import { ECRClient } from '@aws-sdk/client-ecr';
import { AwsFailure, AwsStandIn, Operations, startAws } from './aws-stand-in';
import { digest } from './samples';
import {
  createRepository,
  imageManifest,
  ImageMissing,
  listImages,
  putImage,
  registryLogin,
  taggedImages,
} from '../../../lambda/shared/ecr';

const NAME = 'my-org/app';
const HOST = '111122223333.dkr.ecr.cn-north-1.amazonaws.com.cn';

let aws: AwsStandIn;
let ecr: ECRClient;
afterEach(() => aws.close());

async function start(answers: Operations): Promise<void> {
  aws = await startAws(answers);
  ecr = new ECRClient(aws.client);
}

function refuse(code: string, status?: number): () => never {
  return () => { throw new AwsFailure(code, undefined, status); };
}

function operations(): string[] {
  return aws.calls.map(({ operation }) => operation);
}

describe('listImages', () => {
  test('reads every page, tags and untagged images', async () => {
    const pages: Record<string, object> = {
      first: {
        imageIds: [{ imageDigest: digest(1), imageTag: '1' }, { imageDigest: digest(1), imageTag: 'latest' }],
        nextToken: 'second',
      },
      second: { imageIds: [{ imageDigest: digest(2) }], nextToken: 'third' },
      third: { imageIds: [{ imageDigest: digest(3), imageTag: '3' }] },
    };
    await start({ ListImages: ({ nextToken }) => pages[String(nextToken ?? 'first')] });
    expect(await listImages(ecr, NAME)).toEqual({
      digests: new Set([digest(1), digest(2), digest(3)]),
      tags: new Map([['1', digest(1)], ['latest', digest(1)], ['3', digest(3)]]),
    });
    expect(aws.calls).toHaveLength(3);
  });

  test('asks for large pages, and for archived images too', async () => {
    await start({ ListImages: () => ({ imageIds: [] }) });
    await listImages(ecr, NAME);
    expect(aws.calls[0].input).toEqual({ repositoryName: NAME, maxResults: 1000, filter: { imageStatus: 'ANY' } });
  });

  test('gives an empty repository as empty', async () => {
    await start({ ListImages: () => ({ imageIds: [] }) });
    expect(await listImages(ecr, NAME)).toEqual({ digests: new Set(), tags: new Map() });
  });

  test('gives undefined for a repository that does not exist', async () => {
    await start({ ListImages: refuse('RepositoryNotFoundException') });
    expect(await listImages(ecr, NAME)).toBeUndefined();
  });

  test.each(['AccessDeniedException', 'ServerException', 'ThrottlingException', 'InvalidParameterException'])(
    'fails on %s: that is not "nothing there"',
    async code => {
      await start({ ListImages: refuse(code) });
      await expect(listImages(ecr, NAME)).rejects.toMatchObject({ name: code });
    },
  );

  test('fails when a later page fails', async () => {
    await start({
      ListImages: ({ nextToken }) => nextToken
        ? refuse('ServerException')()
        : { imageIds: [{ imageDigest: digest(1) }], nextToken: 'next' },
    });
    await expect(listImages(ecr, NAME)).rejects.toMatchObject({ name: 'ServerException' });
  });
});

describe('createRepository', () => {
  test('creates it encrypted and scanned', async () => {
    await start({ CreateRepository: () => ({}) });
    await createRepository(ecr, NAME);
    expect(aws.calls[0].input).toEqual({
      repositoryName: NAME,
      imageScanningConfiguration: { scanOnPush: true },
      encryptionConfiguration: { encryptionType: 'AES256' },
    });
  });

  test('takes the one that another build created meanwhile', async () => {
    await start({ CreateRepository: refuse('RepositoryAlreadyExistsException') });
    await createRepository(ecr, NAME);
    expect(operations()).toEqual(['CreateRepository']);
  });

  test.each(['LimitExceededException', 'AccessDeniedException'])('fails on %s', async code => {
    await start({ CreateRepository: refuse(code) });
    await expect(createRepository(ecr, NAME)).rejects.toMatchObject({ name: code });
  });
});

describe('taggedImages', () => {
  test('gives the digest of each tag that exists', async () => {
    await start({
      BatchGetImage: () => ({
        images: [
          { imageId: { imageTag: '1', imageDigest: digest(1) } },
          { imageId: { imageTag: 'latest', imageDigest: digest(1) } },
        ],
        failures: [{ imageId: { imageTag: 'gone' }, failureCode: 'ImageNotFound' }],
      }),
    });
    expect(await taggedImages(ecr, NAME, ['1', 'latest', 'gone']))
      .toEqual(new Map([['1', digest(1)], ['latest', digest(1)]]));
    expect(aws.calls[0].input)
      .toEqual({ repositoryName: NAME, imageIds: [{ imageTag: '1' }, { imageTag: 'latest' }, { imageTag: 'gone' }] });
  });

  test('fails when ECR fails: never "not there"', async () => {
    await start({ BatchGetImage: refuse('ServerException') });
    await expect(taggedImages(ecr, NAME, ['1'])).rejects.toMatchObject({ name: 'ServerException' });
  });
});

const MANIFEST = '{"schemaVersion":2,\n  "layers": []}';
const TYPE = 'application/vnd.oci.image.manifest.v1+json';

describe('imageManifest', () => {
  test('gives the bytes as they are', async () => {
    await start({ BatchGetImage: () => ({ images: [{ imageManifest: MANIFEST, imageManifestMediaType: TYPE }] }) });
    expect(await imageManifest(ecr, NAME, digest(1))).toEqual({ manifest: MANIFEST, mediaType: TYPE });
    expect(aws.calls).toEqual([{
      operation: 'BatchGetImage',
      input: { repositoryName: NAME, imageIds: [{ imageDigest: digest(1) }] },
    }]);
  });

  test('fails when the image is gone, with the reason of ECR', async () => {
    await start({ BatchGetImage: () => ({ images: [], failures: [{ failureReason: 'Requested image not found' }] }) });
    const reading = imageManifest(ecr, NAME, digest(1));
    await expect(reading)
      .rejects.toThrow(`ECR has no manifest for my-org/app@${digest(1)}: Requested image not found.`);
    await expect(reading).rejects.toBeInstanceOf(ImageMissing);
  });
});

describe('putImage', () => {
  const put = { manifest: MANIFEST, mediaType: TYPE, digest: digest(1), tag: '1' };

  test('puts the bytes with type, digest and tag', async () => {
    await start({ PutImage: () => ({}) });
    await putImage(ecr, NAME, put);
    expect(aws.calls).toEqual([{
      operation: 'PutImage',
      input: {
        repositoryName: NAME,
        imageManifest: MANIFEST,
        imageManifestMediaType: TYPE,
        imageDigest: digest(1),
        imageTag: '1',
      },
    }]);
  });

  test('counts a tag that is there already as done', async () => {
    await start({ PutImage: refuse('ImageAlreadyExistsException') });
    await putImage(ecr, NAME, put);
    expect(operations()).toEqual(['PutImage']);
  });

  test.each(['ImageTagAlreadyExistsException', 'LayersNotFoundException', 'ThrottlingException'])(
    'fails on %s',
    async code => {
      await start({ PutImage: refuse(code) });
      await expect(putImage(ecr, NAME, put)).rejects.toMatchObject({ name: code });
    },
  );

  test('fails with the status when ECR itself fails, so that it is tried again', async () => {
    await start({ PutImage: refuse('ServerException', 500) });
    await expect(putImage(ecr, NAME, put)).rejects.toThrow('ECR answered 500 to PutImage: ServerException');
  });
});

describe('registryLogin', () => {
  const authorizationToken = Buffer.from('AWS:secret=').toString('base64');

  test('reads host, user and password', async () => {
    await start({ GetAuthorizationToken: () => ({ authorizationData: [{ authorizationToken, proxyEndpoint: `https://${HOST}` }] }) });
    expect(await registryLogin(ecr)).toEqual({ host: HOST, user: 'AWS', password: 'secret=' });
  });

  test.each([['nothing', {}], ['no password', { authorizationData: [{ authorizationToken: 'QVdT' }] }]])(
    'fails with %s',
    async (_, answer) => {
      await start({ GetAuthorizationToken: () => answer });
      await expect(registryLogin(ecr)).rejects.toThrow('ECR gave no authorization token');
    },
  );

  test('fails without a host rather than guess one', async () => {
    await start({ GetAuthorizationToken: () => ({ authorizationData: [{ authorizationToken }] }) });
    await expect(registryLogin(ecr))
      .rejects.toThrow('ECR gave "" as the registry of its authorization token, expected a URL.');
  });
});
