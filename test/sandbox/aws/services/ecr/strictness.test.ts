import { createEcr, Ecr, EcrOptions } from '../../../../../sandbox/aws/services/ecr/ecr';
import { referrer } from '../../../../../sandbox/registry/artifacts';
import { RegistryClient } from '../../../../../sandbox/registry/client';
import { digestOf } from '../../../../../sandbox/registry/digest';
import { DOCKER, image, index, Manifest, OCI } from '../../../../../sandbox/registry/images';
import { Registry, startRegistry } from '../../../../../sandbox/registry/registry';
import { ADMINISTRATOR, TestContext } from '../../test-context';

let context: TestContext;
let backing: Registry;
let ecr: Ecr;
let call: (operation: string, input?: object) => Promise<Record<string, unknown>>;

beforeEach(async () => {
  context = new TestContext();
  backing = await startRegistry();
});

afterEach(async () => {
  await ecr.close?.();
  await backing.close();
  context.close();
});

/** An account with repositories `app` and `other`. */
async function start(options: Partial<EcrOptions> = {}, repository: object = {}): Promise<void> {
  ecr = await createEcr(context, { backing, ...options });
  const client = context.client(ecr.service);
  call = (operation, input = {}) => client(operation, { repositoryName: 'app', ...input });
  await call('CreateRepository', repository);
  await call('CreateRepository', { repositoryName: 'other' });
}

function registry(): RegistryClient {
  return new RegistryClient({
    url: ecr.url,
    user: 'AWS',
    password: ecr.credentials(ADMINISTRATOR).slice('AWS:'.length),
  });
}

async function push(top: Manifest, ...tags: string[]): Promise<Manifest> {
  await registry().push('app', top, ...tags);
  return top;
}

// https://github.com/aws/containers-roadmap/issues/2860
describe('a mount', () => {
  const mount = async (digest: string, from = 'app'): Promise<number> =>
    (await registry().send('POST', `/v2/other/blobs/uploads/?mount=${digest}&from=${from}`, {}, Buffer.alloc(0)))
      .status;

  test('succeeds for the config and the layers of a manifest', async () => {
    await start({ blobMounting: true });
    const { blobs } = await push(image(), 'v1');
    expect(await Promise.all(blobs.map(({ digest }) => mount(digest)))).toEqual(blobs.map(() => 201));
  });

  test('starts an upload for a blob that no manifest lists', async () => {
    await start({ blobMounting: true });
    const [blob] = image().blobs;
    await registry().pushBlob('app', blob);
    expect(await mount(blob.digest)).toBe(202);
  });

  test('starts an upload for a blob whose only manifest is gone', async () => {
    await start({ blobMounting: true });
    const { blobs, digest } = await push(image(), 'v1');
    await call('BatchDeleteImage', { imageIds: [{ imageDigest: digest }] });
    expect(await mount(blobs[0].digest)).toBe(202);
  });

  // https://docs.aws.amazon.com/AmazonECR/latest/userguide/blob-mounting.html
  test('starts an upload between repositories of different encryption', async () => {
    await start(
      { blobMounting: true },
      { encryptionConfiguration: { encryptionType: 'KMS', kmsKey: 'arn:aws:kms:eu-west-1:111122223333:key/k' } },
    );
    const { blobs } = await push(image(), 'v1');
    expect(await mount(blobs[0].digest)).toBe(202);
  });

  test('starts an upload from a repository that is not there', async () => {
    await start({ blobMounting: true });
    const { blobs } = await push(image(), 'v1');
    expect(await mount(blobs[0].digest, 'none')).toBe(202);
  });
});

// https://github.com/aws/containers-roadmap/issues/2783
describe('a manifest with subject and artifactType', () => {
  const top = image();

  test('is taken by default', async () => {
    await start();
    await push(top, 'v1');
    await push(referrer(top));
    expect(ecr.images('app')).toHaveLength(2);
  });

  test.each([400, 405] as const)(
    'is refused with %p where the registry refuses it, images are not',
    async refuseReferrers => {
      await start({ refuseReferrers });
      await push(top, 'v1');
      const attestation = referrer(top);
      await expect(push(attestation)).rejects.toThrow(new RegExp(`${refuseReferrers}.*UNSUPPORTED`));
      await expect(call('PutImage', { imageManifest: attestation.bytes.toString() })).rejects.toThrow('imageManifest');
      expect(ecr.images('app')).toHaveLength(1);
    },
  );
});

// https://github.com/acorn-io/runtime/issues/1079
describe('read-after-write lag', () => {
  const read = async (top: Manifest): Promise<unknown[]> => {
    const imageIds = [{ imageTag: 'v1' }, { imageDigest: top.digest }];
    const head = await registry().send('HEAD', '/v2/app/manifests/v1');
    return [
      (await call('ListImages')).imageIds,
      (await call('DescribeImages')).imageDetails,
      (await call('BatchGetImage', { imageIds })).images,
      head.status,
    ].map(answer => (Array.isArray(answer) ? answer.length : answer));
  };

  test('hides what was just pushed from every reader, then shows it', async () => {
    context.clock.freeze();
    await start({ lagMs: 5_000 });
    const top = await push(image(), 'v1');
    expect(await read(top)).toEqual([0, 0, 0, 404]);
    context.clock.advance(5_000);
    expect(await read(top)).toEqual([1, 1, 2, 200]);
  });

  test('does not keep an index from finding its children', async () => {
    context.clock.freeze();
    await start({ lagMs: 5_000 });
    const top = index([image()]);
    await push(top, 'v1');
    expect(ecr.images('app')).toHaveLength(2);
  });
});

describe('the time of the last pull', () => {
  const pulledAt = async (): Promise<unknown> =>
    ((await call('DescribeImages')).imageDetails as { lastRecordedPullTime?: number }[])[0].lastRecordedPullTime;

  test.each<[string, () => Promise<unknown>, boolean]>([
    ['BatchGetImage', () => call('BatchGetImage', { imageIds: [{ imageTag: 'v1' }] }), true],
    ['GET of the manifest', () => registry().getManifest('app', 'v1'), true],
    ['ListImages', () => call('ListImages'), false],
    ['DescribeImages', () => call('DescribeImages', { imageIds: [{ imageTag: 'v1' }] }), false],
    [
      'BatchCheckLayerAvailability',
      () => call('BatchCheckLayerAvailability', { layerDigests: [image().blobs[0].digest] }),
      false,
    ],
  ])('after %s', async (_, act, counts) => {
    await start();
    await push(image(), 'v1');
    await act();
    expect((await pulledAt()) !== undefined).toBe(counts);
  });
});

// https://docs.aws.amazon.com/AmazonECR/latest/userguide/image-manifest-formats.html#image-manifest-conversion
describe('BatchGetImage', () => {
  const FOUR = [OCI.manifest, OCI.index, DOCKER.manifest, DOCKER.index];
  const get = async (id: object, acceptedMediaTypes?: string[]): Promise<[string, string]> => {
    const { images } = (await call('BatchGetImage', { imageIds: [id], acceptedMediaTypes })) as {
      images: { imageManifest: string; imageManifestMediaType: string }[];
    };
    return [images[0].imageManifestMediaType, digestOf(images[0].imageManifest)];
  };

  test('gives the stored bytes by tag when all four types are accepted', async () => {
    await start();
    const top = await push(image(), 'v1');
    expect(await get({ imageTag: 'v1' }, FOUR)).toEqual([OCI.manifest, top.digest]);
  });

  test.each([undefined, [DOCKER.manifest]])('gives other bytes by tag when %p is accepted', async accepted => {
    await start();
    const top = await push(image(), 'v1');
    expect(await get({ imageTag: 'v1' }, accepted)).toEqual([
      DOCKER.manifest,
      expect.not.stringMatching(top.digest) as string,
    ]);
  });

  test('never converts by digest', async () => {
    await start();
    const top = await push(image(), 'v1');
    expect(await get({ imageDigest: top.digest }, [DOCKER.manifest])).toEqual([OCI.manifest, top.digest]);
  });

  test('converts for a client of the registry, too', async () => {
    await start();
    const top = await push(image(), 'v1');
    const type = async (reference: string): Promise<string | null> =>
      (await registry().send('GET', `/v2/app/manifests/${reference}`, { accept: DOCKER.manifest })).headers.get(
        'content-type',
      );
    expect([await type('v1'), await type(top.digest)]).toEqual([DOCKER.manifest, OCI.manifest]);
  });

  test('fails for 101 layers', async () => {
    await start();
    const layerDigests = Array.from({ length: 101 }, (_, n) => digestOf(String(n)));
    await expect(call('BatchCheckLayerAvailability', { layerDigests })).rejects.toThrow('1-100 members, got 101');
  });
});

// https://github.com/aws/containers-roadmap/issues/1074
describe('a blob of no bytes', () => {
  const empty = { digest: digestOf(''), bytes: Buffer.alloc(0) };

  test.each([
    [undefined, 'taken'],
    [true, 'refused'],
  ])('with refuseEmptyBlobs %p is %s', async (refuseEmptyBlobs, expected) => {
    await start({ refuseEmptyBlobs });
    const outcome = await registry()
      .pushBlob('app', empty)
      .then(
        () => 'taken',
        (error: unknown) => (/500/.test(String(error)) ? 'refused' : error),
      );
    expect(outcome).toBe(expected);
  });
});
