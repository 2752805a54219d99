import { parseRange } from '../../../sandbox/registry/blobs';
import { digestAlgorithm } from '../../../sandbox/registry/digest';
import { parseScopes } from '../../../sandbox/registry/ghcr-tokens';
import { paginate } from '../../../sandbox/registry/listings';
import { readManifest } from '../../../sandbox/registry/manifest-content';
import { isRepositoryName, isTag, parseRoute } from '../../../sandbox/registry/route';

describe('parseRoute', () => {
  it.each([
    ['/v2/', 'ping', '', ''],
    ['/v2', 'ping', '', ''],
    ['/v2/a/b/manifests/v1', 'manifest', 'a/b', 'v1'],
    ['/v2/manifests/manifests/v1', 'manifest', 'manifests', 'v1'],
    ['/v2/a/tags/tags/list', 'tags', 'a/tags', ''],
    ['/v2/a/blobs/uploads/', 'upload', 'a', ''],
    ['/v2/a/blobs/uploads', 'upload', 'a', ''],
    ['/v2/a/blobs/uploads/id', 'upload', 'a', 'id'],
    ['/v2/a/blobs/sha256:1', 'blob', 'a', 'sha256:1'],
    ['/v2/a/tags/list', 'tags', 'a', ''],
    ['/v2/a/referrers/sha256:1', 'referrers', 'a', 'sha256:1'],
    ['/v2/_catalog', 'other', '', ''],
    ['/v2/a/manifests/', 'other', '', ''],
    ['/v2/a/tags/other', 'other', '', ''],
  ])('takes %s for %s of "%s", "%s"', (path, kind, repository, reference) => {
    expect(parseRoute(path)).toEqual({ kind, repository, reference });
  });
});

describe('isRepositoryName', () => {
  it.each(['a', 'org/app', 'a/b/c/d', 'a.b_c__d-e--f', '0/1'])('accepts %s', name => {
    expect(isRepositoryName(name)).toBe(true);
  });
  it.each(['', 'A', 'a/', '/a', 'a//b', 'a..b', 'a___b', '-a', 'a-', '.', '..', 'a/../b', '_blobs', 'ä'])(
    'rejects %s',
    name => {
      expect(isRepositoryName(name)).toBe(false);
    },
  );
});

describe('isTag', () => {
  it.each(['v1', '1.0.0', '_x', 'A-B_c.d', 'sha256-00.sig', 'x'.repeat(128)])('accepts %s', tag => {
    expect(isTag(tag)).toBe(true);
  });
  it.each(['', '.a', '-a', 'a b', 'a:b', 'a/b', 'x'.repeat(129)])('rejects %s', tag => {
    expect(isTag(tag)).toBe(false);
  });
});

describe('digestAlgorithm', () => {
  it.each([[`sha256:${'a'.repeat(64)}`, 'sha256'], [`sha512:${'0'.repeat(128)}`, 'sha512']])(
    'accepts %s',
    (digest, algorithm) => {
      expect(digestAlgorithm(digest)).toBe(algorithm);
    },
  );
  it.each([
    'v1', 'sha256:', `sha256:${'a'.repeat(63)}`, `sha256:${'A'.repeat(64)}`, `md5:${'a'.repeat(32)}`,
    `sha256:${'a'.repeat(64)}:x`, `sha256:${'../'.repeat(21)}a`,
  ])('rejects %s', digest => {
    expect(digestAlgorithm(digest)).toBeUndefined();
  });
});

describe('parseRange', () => {
  it.each<[string | undefined, ReturnType<typeof parseRange>]>([
    [undefined, undefined],
    ['bytes=0-', { start: 0, end: 99 }],
    ['bytes=10-19', { start: 10, end: 19 }],
    ['bytes=90-1000', { start: 90, end: 99 }],
    ['bytes=-30', { start: 70, end: 99 }],
    ['bytes=-300', { start: 0, end: 99 }],
    ['bytes=100-', 'unsatisfiable'],
    ['bytes=-0', 'unsatisfiable'],
    ['bytes=20-10', undefined],
    ['bytes=0-1,5-6', undefined],
    ['bytes=-', undefined],
    ['lines=0-1', undefined],
  ])('reads %s of 100 bytes', (header, expected) => {
    expect(parseRange(header, 100)).toEqual(expected);
  });
  it('finds nothing in a blob of no bytes', () => {
    expect(parseRange('bytes=0-0', 0)).toBe('unsatisfiable');
  });
});

describe('paginate', () => {
  it.each<[string, string[] | undefined, string | undefined]>([
    ['', ['a', 'b', 'c'], undefined],
    ['n=2', ['a', 'b'], 'n=2&last=b'],
    ['n=2&last=b', ['c'], undefined],
    ['n=3', ['a', 'b', 'c'], undefined],
    ['n=0', [], undefined],
    ['last=a', ['b', 'c'], undefined],
    ['last=bb', ['c'], undefined],
    ['n=1&last=z', [], undefined],
    ['n=-1', undefined, undefined],
    ['n=x', undefined, undefined],
  ])('answers ?%s', (query, items, next) => {
    const page = paginate(['a', 'b', 'c'], new URLSearchParams(query));

    expect([page?.items, page?.next?.toString()]).toEqual([items, next]);
  });
});

describe('parseScopes', () => {
  it.each([
    [['repository:a/b:pull'], [{ repository: 'a/b', actions: ['pull'] }]],
    [['repository:a:pull,push'], [{ repository: 'a', actions: ['pull', 'push'] }]],
    [['repository:a:*'], [{ repository: 'a', actions: ['pull', 'push', 'delete'] }]],
    [['repository:a:pull repository:b:push'],
      [{ repository: 'a', actions: ['pull'] }, { repository: 'b', actions: ['push'] }]],
    [['registry:catalog:*'], []],
    [['repository:a', ''], []],
  ])('reads %j', (parameters, expected) => {
    expect(parseScopes(parameters)).toEqual(expected);
  });
});

describe('readManifest', () => {
  const read = (document: unknown): unknown => readManifest(Buffer.from(JSON.stringify(document)));

  it('finds config, layers and subject', () => {
    expect(read({ config: { digest: 'c', mediaType: 't' }, layers: [{ digest: 'l' }], subject: { digest: 's' } }))
      .toMatchObject({ blobs: ['c', 'l'], children: [], subject: 's', artifactType: 't' });
  });
  it('prefers artifactType to the config\'s type', () => {
    expect(read({ config: { digest: 'c', mediaType: 't' }, artifactType: 'a' })).toMatchObject({ artifactType: 'a' });
  });
  it('finds the children of an index', () => {
    expect(read({ manifests: [{ digest: 'a' }, { digest: 'b' }] })).toMatchObject({ blobs: [], children: ['a', 'b'] });
  });
  it.each([
    { mediaType: 'application/vnd.docker.image.rootfs.foreign.diff.tar.gzip' },
    { mediaType: 'application/vnd.oci.image.layer.nondistributable.v1.tar+gzip' },
    { mediaType: 'application/vnd.oci.image.layer.v1.tar+gzip', urls: ['https://example.com'] },
  ])('asks for no foreign layer: %j', foreign => {
    expect(read({ layers: [{ ...foreign, digest: 'f' }] })).toMatchObject({ blobs: [] });
  });
  it.each([{}, { config: null, layers: 'x', manifests: [1, null], subject: [] }])(
    'takes %j for a manifest of nothing',
    document => {
      expect(read(document)).toMatchObject({ blobs: [], children: [] });
    },
  );
  it.each(['', '[]', 'null', '{"a":', '\u0000'])('rejects %j', text => {
    expect(readManifest(Buffer.from(text))).toBeUndefined();
  });
});
