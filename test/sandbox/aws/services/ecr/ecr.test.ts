import { AwsError } from '../../../../../sandbox/aws/core/service';
import { createEcr, Ecr, EcrOptions } from '../../../../../sandbox/aws/services/ecr/ecr';
import { RegistryClient } from '../../../../../sandbox/registry/client';
import { image, index, Manifest } from '../../../../../sandbox/registry/images';
import { Registry, startRegistry } from '../../../../../sandbox/registry/registry';
import { Skopeo } from '../../../../../sandbox/registry/skopeo';
import { ADMINISTRATOR, TestContext } from '../../test-context';

const REPOSITORY = 'my-org/app';
const ARN = 'arn:aws:ecr:eu-west-1:111122223333:repository/my-org/app';

let context: TestContext;
let backing: Registry;
let ecr: Ecr;
let call: (operation: string, input?: object) => Promise<Record<string, unknown>>;

beforeEach(async () => {
  context = new TestContext();
  backing = await startRegistry();
  await restart({});
});

afterEach(async () => {
  await ecr.close?.();
  await backing.close();
  context.close();
});

async function restart(options: Partial<EcrOptions>): Promise<void> {
  await (ecr as Ecr | undefined)?.close?.();
  ecr = await createEcr(context, { backing, ...options });
  call = context.client(ecr.service);
}

/** A client that is logged in as the administrator. */
function client(): RegistryClient {
  return new RegistryClient({
    url: ecr.url,
    user: 'AWS',
    password: ecr.credentials(ADMINISTRATOR).slice('AWS:'.length),
  });
}

async function createRepository(more: object = {}): Promise<void> {
  await call('CreateRepository', { repositoryName: REPOSITORY, ...more });
}

async function pushed(top: Manifest, ...tags: string[]): Promise<Manifest> {
  await client().push(REPOSITORY, top, ...tags);
  return top;
}

function putImage(top: Manifest, more: object = {}): Promise<Record<string, unknown>> {
  return call(
    'PutImage',
    { repositoryName: REPOSITORY, imageManifest: top.bytes.toString(), imageManifestMediaType: top.mediaType, ...more },
  );
}

async function errorOf(action: Promise<unknown>): Promise<AwsError> {
  const error: unknown = await action.then(() => undefined, (reason: unknown) => reason);
  if (!(error instanceof AwsError)) { throw new Error(`expected an AwsError, got ${String(error)}`); }
  return error;
}

describe('repositories', () => {
  test('a repository lies at the host of the data plane', async () => {
    await createRepository({ imageScanningConfiguration: { scanOnPush: true } });
    expect(await call('DescribeRepositories', { repositoryNames: [REPOSITORY] })).toMatchObject({
      repositories: [{
        repositoryArn: ARN,
        repositoryUri: `${ecr.host}/my-org/app`,
        imageTagMutability: 'MUTABLE',
        imageScanningConfiguration: { scanOnPush: true },
      }],
    });
  });

  test('repositories come in pages', async () => {
    for (const name of ['aa', 'bb', 'cc']) { await call('CreateRepository', { repositoryName: name }); }
    const first = await call('DescribeRepositories', { maxResults: 2 });
    const second = await call('DescribeRepositories', { maxResults: 2, nextToken: first.nextToken });
    expect([first.repositories, second.repositories])
      .toMatchObject([[{ repositoryName: 'aa' }, { repositoryName: 'bb' }], [{ repositoryName: 'cc' }]]);
    expect(second.nextToken).toBeUndefined();
  });

  test.each([
    'a',
    'Upper/case',
    'double..dot',
    '-dash',
    'x'.repeat(257),
    'a//b',
    'double--hyphen',
    'double__underscore',
  ])('fails to create %p', async repositoryName => {
    expect((await errorOf(call('CreateRepository', { repositoryName }))).code).toBe('InvalidParameterException');
  });

  test.each([
    ['a repository twice', { repositoryName: REPOSITORY }, 'RepositoryAlreadyExistsException'],
    ['exclusion filters without exclusion',
      { repositoryName: 'other', imageTagMutabilityExclusionFilters: [{ filterType: 'WILDCARD', filter: 'v*' }] },
      'InvalidParameterException'],
    ['six exclusion filters',
      {
        repositoryName: 'other',
        imageTagMutability: 'IMMUTABLE_WITH_EXCLUSION',
        imageTagMutabilityExclusionFilters: Array.from({ length: 6 }, (_, n) => ({
          filterType: 'WILDCARD',
          filter: `${n}*`,
        })),
      },
      'InvalidParameterException'],
    ['a member that the stand-in would ignore', { repositoryName: 'other', colour: 'red' },
      'InvalidParameterException'],
  ])('fails to create %s', async (_what, input, code) => {
    await createRepository();
    expect((await errorOf(call('CreateRepository', input))).code).toBe(code);
  });

  test('fails to describe a repository that isn\'t there', async () => {
    const { code, message } = await errorOf(call('DescribeRepositories', { repositoryNames: ['none'] }));
    expect([code, message]).toEqual([
      'RepositoryNotFoundException',
      'The repository with name \'none\' does not exist in the registry with id \'111122223333\'',
    ]);
  });

  test('permissions are those of the repository, but for the token', async () => {
    await createRepository({ tags: [{ Key: 'a', Value: 'b' }] });
    await call('ListImages', { repositoryName: REPOSITORY });
    await call('GetAuthorizationToken');
    expect(context.checked).toEqual([
      `ecr:CreateRepository ${ARN}`,
      `ecr:TagResource ${ARN}`,
      `ecr:ListImages ${ARN}`,
      'ecr:GetAuthorizationToken *',
    ]);
  });
});

describe('the registry', () => {
  test('skopeo logs in with the token, pushes an index and pulls it', async () => {
    await createRepository();
    const top = index([image({ seed: 1 }), image({ seed: 2, platform: 'linux/arm64' })]);
    await new RegistryClient({ url: backing.url }).push('source', top, 'v1');
    const { authorizationData } = await call('GetAuthorizationToken') as {
      authorizationData: { authorizationToken: string }[];
    };
    const password = Buffer.from(authorizationData[0].authorizationToken, 'base64').toString().slice('AWS:'.length);
    const skopeo = new Skopeo([{ host: backing.host }, { host: ecr.host, user: 'AWS', password }]);
    try {
      expect(await skopeo.copy(`${backing.host}/source:v1`, `${ecr.host}/${REPOSITORY}:v1`)).toMatchObject({ code: 0 });
    } finally {
      skopeo.close();
    }
    expect(await client().manifestDigest(REPOSITORY, 'v1')).toBe(top.digest);
    expect(ecr.images(REPOSITORY).map(row => row.tag).filter(Boolean)).toEqual(['v1']);
    expect(ecr.putImageCount()).toBe(3);
  });

  test('a push and a pull need the permissions that AWS documents', async () => {
    await createRepository();
    const top = await pushed(image(), 'v1');
    await client().getManifest(REPOSITORY, 'v1');
    await client().getBlob(REPOSITORY, top.blobs[0].digest);
    expect(new Set(context.checked.slice(1))).toEqual(new Set([
      'BatchCheckLayerAvailability', 'InitiateLayerUpload', 'UploadLayerPart', 'CompleteLayerUpload', 'PutImage',
      'BatchGetImage', 'GetDownloadUrlForLayer',
    ].map(action => `ecr:${action} ${ARN}`)));
  });

  test.each([
    ['nobody', undefined, 401, 'Not Authorized'],
    ['somebody else', `Basic ${Buffer.from('AWS:wrong').toString('base64')}`, 401, 'Not Authorized'],
  ])('fails for %s', async (_who, authorization, status, body) => {
    const response = await fetch(`${ecr.url}/v2/`, { headers: authorization === undefined ? {} : { authorization } });
    expect([response.status, response.headers.get('www-authenticate'), await response.text()])
      .toEqual([status, `Basic realm="https://${ecr.host}/",service="ecr.amazonaws.com"`, expect.stringContaining(body) as string]);
  });

  test.each([
    ['are 12 hours old', () => context.clock.advance(12 * 3600_000)],
    ['were ended', () => ecr.expireTokens()],
  ])('fails with tokens that %s', async (_how, end) => {
    const known = client();
    await createRepository();
    end();
    await expect(known.getManifest(REPOSITORY, 'v1')).rejects.toThrow('Your authorization token has expired');
  });

  test('fails with the denied action in words', async () => {
    await createRepository();
    context.denied.add('ecr:InitiateLayerUpload');
    await expect(pushed(image(), 'v1')).rejects.toThrow(/DENIED.*not authorized to perform: ecr:InitiateLayerUpload on resource: arn:aws:ecr/);
  });

  test('fails for a repository that isn\'t there: a push creates none', async () => {
    await expect(pushed(image(), 'v1')).rejects.toThrow(/404.*NAME_UNKNOWN.*The repository with name 'my-org\/app' does not exist/);
  });

  test('fails for an index whose children are missing', async () => {
    await createRepository();
    await expect(client().putManifest(REPOSITORY, 'v1', index([image()]))).rejects.toThrow(/MANIFEST_BLOB_UNKNOWN.*Images with digests/);
  });

  test.each([[undefined, 202], [true, 201]])('blob mounting %p answers %p', async (blobMounting, status) => {
    await restart({ blobMounting });
    await createRepository();
    await call('CreateRepository', { repositoryName: 'other' });
    const { blobs } = await pushed(image(), 'v1');
    const response = await client()
      .send('POST', `/v2/other/blobs/uploads/?mount=${blobs[0].digest}&from=${REPOSITORY}`, {}, Buffer.alloc(0));
    expect(response.status).toBe(status);
  });

  test('lists tags in pages', async () => {
    await createRepository();
    await pushed(image(), 'v1', 'v2', 'v3');
    expect(await client().listTags(REPOSITORY, 2)).toEqual(['v1', 'v2', 'v3']);
  });
});

describe('immutable tags', () => {
  const immutable = { imageTagMutability: 'IMMUTABLE' };

  test('fails to move a tag over either plane', async () => {
    await createRepository(immutable);
    await pushed(image({ seed: 1 }), 'v1');
    await expect(pushed(image({ seed: 2 }), 'v1')).rejects.toThrow(/400.*TAG_INVALID.*cannot be overwritten because the tag is immutable/);
    const other = await pushed(image({ seed: 3 }));
    expect((await errorOf(putImage(other, { imageTag: 'v1' }))).code).toBe('ImageTagAlreadyExistsException');
  });

  test('fails to push the same image under its tag again, unlike PutImage, which says that it is there', async () => {
    await createRepository(immutable);
    const top = await pushed(image(), 'v1');
    await expect(pushed(top, 'v1')).rejects.toThrow('TAG_INVALID');
    expect((await errorOf(putImage(top, { imageTag: 'v1' }))).code).toBe('ImageAlreadyExistsException');
  });

  test('the same manifest can be pushed by digest again', async () => {
    await createRepository(immutable);
    const top = await pushed(image(), 'v1');
    await pushed(top);
    expect(ecr.images(REPOSITORY)).toHaveLength(1);
  });

  test.each([
    ['IMMUTABLE_WITH_EXCLUSION', 'latest-1', true],
    ['IMMUTABLE_WITH_EXCLUSION', 'v1', false],
    ['MUTABLE_WITH_EXCLUSION', 'latest-1', false],
    ['MUTABLE_WITH_EXCLUSION', 'v1', true],
    ['MUTABLE', 'v1', true],
  ])('%s lets %s move: %p', async (imageTagMutability, tag, moves) => {
    const filters = imageTagMutability === 'MUTABLE'
      ? {}
      : { imageTagMutabilityExclusionFilters: [{ filterType: 'WILDCARD', filter: 'lat*-*' }] };
    await createRepository({ imageTagMutability, ...filters });
    await pushed(image({ seed: 1 }), tag);
    const moved = pushed(image({ seed: 2 }), tag).then(() => true, () => false);
    expect(await moved).toBe(moves);
  });

  test('mutability can change', async () => {
    await createRepository(immutable);
    await pushed(image({ seed: 1 }), 'v1');
    await call('PutImageTagMutability', { repositoryName: REPOSITORY, imageTagMutability: 'MUTABLE' });
    await pushed(image({ seed: 2 }), 'v1');
    expect(ecr.images(REPOSITORY)).toHaveLength(2);
  });
});

describe('listing', () => {
  test('gives a row for each tag and each untagged image, in pages', async () => {
    await createRepository();
    await pushed(index([image({ seed: 1 }), image({ seed: 2 })]), 'v1', 'latest');
    const rows: object[] = [];
    let nextToken: unknown;
    do {
      const page = await call('ListImages', { repositoryName: REPOSITORY, maxResults: 3, nextToken });
      rows.push(...page.imageIds as object[]);
      nextToken = page.nextToken;
    } while (nextToken !== undefined);
    expect(rows.filter(row => 'imageTag' in row)).toHaveLength(2);
    expect(rows).toHaveLength(4);
    const tagged = await call('ListImages', { repositoryName: REPOSITORY, filter: { tagStatus: 'UNTAGGED' } });
    expect(tagged.imageIds).toHaveLength(2);
  });

  test('shows archived images only when asked for, and a push brings them back', async () => {
    await createRepository();
    const top = await pushed(image(), 'v1');
    ecr.archive(REPOSITORY, top.digest);
    const list = async (filter?: object): Promise<unknown> =>
      (await call('ListImages', { repositoryName: REPOSITORY, filter })).imageIds;
    expect(await list()).toEqual([]);
    expect(await list({ imageStatus: 'ANY' })).toEqual([{ imageDigest: top.digest, imageTag: 'v1' }]);
    expect(await client().getManifest(REPOSITORY, 'v1')).toBeUndefined();
    await pushed(top, 'v1');
    expect(await list()).toHaveLength(1);
  });

  test('describes images', async () => {
    await createRepository();
    const top = await pushed(image(), 'v1', 'v2');
    const { imageDetails } = await call(
      'DescribeImages',
      { repositoryName: REPOSITORY, imageIds: [{ imageTag: 'v2' }] },
    );
    expect(imageDetails).toMatchObject([{
      imageDigest: top.digest,
      imageTags: ['v1', 'v2'],
      imageManifestMediaType: top.mediaType,
      imageStatus: 'ACTIVE',
    }]);
  });

  test.each([
    ['list a repository that isn\'t there', 'ListImages', { repositoryName: 'none' }, 'RepositoryNotFoundException'],
    ['list more than 1000', 'ListImages', { maxResults: 1001 }, 'InvalidParameterException'],
    ['go on with a token of its own', 'ListImages', { nextToken: 'abc' }, 'InvalidParameterException'],
    ['describe an image that isn\'t there', 'DescribeImages', { imageIds: [{ imageTag: 'none' }] },
      'ImageNotFoundException'],
    ['ask another registry', 'ListImages', { registryId: '444455556666' }, 'InvalidParameterException'],
  ])('fails to %s', async (_what, operation, input, code) => {
    await createRepository();
    expect((await errorOf(call(operation, { repositoryName: REPOSITORY, ...input }))).code).toBe(code);
  });
});

describe('single images', () => {
  test('a tag is added without moving bytes', async () => {
    await createRepository();
    const top = await pushed(index([image()]), 'v1');
    const { images } = await call('BatchGetImage', {
      repositoryName: REPOSITORY,
      imageIds: [{ imageDigest: top.digest }],
    }) as { images: { imageManifest: string }[] };
    expect(images[0].imageManifest).toBe(top.bytes.toString());
    await putImage(top, { imageTag: 'v2', imageDigest: top.digest });
    expect(await client().manifestDigest(REPOSITORY, 'v2')).toBe(top.digest);
  });

  test('says why an image can\'t be had', async () => {
    await createRepository();
    const top = await pushed(image(), 'v1');
    const imageIds = [
      { imageTag: 'none' },
      {},
      { imageDigest: 'nonsense' },
      { imageDigest: top.digest, imageTag: 'v2' },
    ];
    const { failures } = await call('BatchGetImage', { repositoryName: REPOSITORY, imageIds }) as {
      failures: { failureCode: string }[];
    };
    expect(failures.map(failure => failure.failureCode))
      .toEqual(['ImageNotFound', 'MissingDigestAndTag', 'InvalidImageDigest', 'ImageTagDoesNotMatchDigest']);
  });

  test.each<[string, Manifest, object, string]>([
    ['layers are missing', image(), { imageTag: 'v1' }, 'LayersNotFoundException'],
    ['children are missing', index([image()]), { imageTag: 'v1' }, 'ReferencedImagesNotFoundException'],
    ['the digest is another', image(), { imageDigest: `sha256:${'0'.repeat(64)}` }, 'ImageDigestDoesNotMatchException'],
    ['the manifest is no JSON', image(), { imageManifest: '{' }, 'InvalidParameterException'],
    ['the tag is none', image(), { imageTag: 'a tag' }, 'InvalidParameterException'],
  ])('fails to put an image when %s', async (_what, top, more, code) => {
    await createRepository();
    expect((await errorOf(putImage(top, more))).code).toBe(code);
  });

  test('fails to put an image again when nothing changes', async () => {
    await createRepository();
    const top = await pushed(image(), 'v1');
    const { code, message } = await errorOf(putImage(top, { imageTag: 'v1' }));
    expect([code, message])
      .toEqual([
        'ImageAlreadyExistsException',
        `Image with digest '${top.digest}' and tag 'v1' already exists in the repository with name 'my-org/app' in `
          + "registry with id '111122223333'",
      ]);
  });

  test('deletes an image by its last tag, and no child of an index', async () => {
    await createRepository();
    const child = image();
    await pushed(index([child]), 'v1');
    const first = await call(
      'BatchDeleteImage',
      { repositoryName: REPOSITORY, imageIds: [{ imageDigest: child.digest }] },
    );
    expect(first.failures).toMatchObject([{ failureCode: 'ImageReferencedByManifestList' }]);
    await call('BatchDeleteImage', { repositoryName: REPOSITORY, imageIds: [{ imageTag: 'v1' }] });
    expect(await client().getManifest(REPOSITORY, 'v1')).toBeUndefined();
  });

  test('knows which layers are there', async () => {
    await createRepository();
    const { blobs } = await pushed(image(), 'v1');
    const layerDigests = [blobs[0].digest, `sha256:${'0'.repeat(64)}`];
    expect((await call('BatchCheckLayerAvailability', { repositoryName: REPOSITORY, layerDigests })).layers)
      .toMatchObject([
        { layerAvailability: 'AVAILABLE', layerSize: blobs[0].bytes.length },
        { layerAvailability: 'UNAVAILABLE' },
      ]);
  });
});

describe('PutImage rate', () => {
  test('fails beyond the rate, over both planes together, until time has passed', async () => {
    await restart({ putImagePerSecond: 3 });
    context.clock.freeze();
    await createRepository();
    const top = await pushed(index([image({ seed: 1 }), image({ seed: 2 })]), 'v1');
    expect((await errorOf(putImage(top, { imageTag: 'v2' }))).code).toBe('ThrottlingException');
    await expect(pushed(image({ seed: 3 }), 'v3')).rejects.toThrow(/429.*TOOMANYREQUESTS/);
    context.clock.advance(1000);
    await putImage(top, { imageTag: 'v2' });
    expect(await client().manifestDigest(REPOSITORY, 'v2')).toBe(top.digest);
  });
});
