import fc from 'fast-check';
import { plan } from '../../../lambda/shared/plan';
import type { SyncDependencies } from '../../../lambda/sync/context';
import { blobMover } from '../../../lambda/sync/copy/blobs';
import { Registry } from '../../../lambda/sync/registry/client';
import { sourceRegistry } from '../../../lambda/sync/registry/source';
import { targetBlobs } from '../../../lambda/sync/registry/target';
import type { Report } from '../../../lambda/sync/report';
import { TokenBucket } from '../../../lambda/sync/resilience/token-bucket';
import { sync } from '../../../lambda/sync/sync';
import type { Manifest } from '../../../sandbox/registry/images';
import { CopyEngine } from '../../../src/contract/copy-engine';
import { FakeTime } from '../../unit/shared/fake-time';
import { mutated } from '../inputs/json';
import { MANIFESTS } from '../inputs/manifests';
import {
  digestOf,
  RegistryConnections,
  Served,
  SOURCE,
  StrictStore,
  TARGET,
  Trouble,
} from '../inputs/registry-world';
import { asHeader, hostileText } from '../inputs/text';
import { FuzzTarget, require } from '../target';

interface Pushed {
  readonly bytes: Buffer;
  readonly troubles: readonly Trouble[];
  readonly text: string;
}

const REPOSITORY = 'my-org/app';

const trouble = fc.oneof(
  { weight: 6, arbitrary: fc.constant<Trouble>('none') },
  {
    weight: 1,
    arbitrary: fc.constantFrom<Trouble>(
      'status',
      'other bytes',
      'cut',
      'redirect',
      'redirect to http',
      'foreign realm',
      'hostile Content-Type',
      'error page',
    ),
  },
);

/** The sync of one package whose manifest an enemy has written, from a registry that has troubles of its own. */
export function copier(): FuzzTarget<Pushed> {
  return {
    name: 'copier',
    share: 30,
    input: fc.record({
      bytes: mutated(MANIFESTS.map(({ document }) => document)),
      troubles: fc.array(trouble, { maxLength: 12 }),
      text: hostileText.map(asHeader),
    }),
    check,
    mustSee: ['copied', 'failed'],
    timed: false,
  };
}

const CONTENT: ReadonlyMap<string, Served> = new Map(MANIFESTS.flatMap(({ manifest }) => contentOf(manifest)));

async function check({ bytes, troubles, text }: Pushed): Promise<string> {
  const digest = digestOf(bytes);
  const connections = new RegistryConnections(
    new Map([...CONTENT, [digest, { bytes, contentType: '' }]]),
    digest,
    troubles,
    text,
  );
  const store = new StrictStore(connections.uploaded);
  const lines: string[] = [];
  const report = await sync(['app'], dependencies(digest, connections, store, lines));
  connections.sent.forEach(({ url, authorized }) => requireInside(url, authorized));
  requireHonest(report, store, digest);
  return report.copied === 1 ? 'copied' : report.refused === 1 ? 'refused' : 'failed';
}

function requireInside(url: URL, authorized: boolean): void {
  const { origin, hostname, pathname, searchParams } = url;
  // A token server may have another port of the registry's host.
  const isRegistry = hostname === SOURCE || hostname === TARGET;
  require(isRegistry || !authorized, () => `the login went to ${origin}`);
  require(url.protocol === 'https:', () => `a request went to ${origin}`);
  if (!isRegistry) {
    return;
  }
  // Where on its host a registry gives tokens is its own to say.
  const isToken = searchParams.get('scope') === `repository:${REPOSITORY}:pull`;
  require(isToken || pathname.startsWith(`/v2/${REPOSITORY}/`) || !authorized, () =>
    `a request with the login went to ${pathname}`);
}

/** A copy that counts is there, under its tag and its digest. The other way round, the check after the put may fail. */
function requireHonest(report: Report, store: StrictStore, digest: string): void {
  const { copied, failed, refused, tagged } = report;
  require(copied + failed + refused + tagged === 1, () => `the report counts ${JSON.stringify(report)}`);
  const there = store.manifests.has(digest) && store.tags.get('latest') === digest;
  require(there || copied + tagged === 0, () => 'the report says copied, and the image is not there');
}

function dependencies(
  digest: string,
  connections: RegistryConnections,
  store: StrictStore,
  lines: string[],
): SyncDependencies {
  const time = new FakeTime();
  const sleep = (ms: number): Promise<void> => time.sleep(ms);
  const print = (line: string): void => {
    lines.push(line);
  };
  const login = (host: string) => () => ({ host, user: 'user', password: 'password' });
  const source = sourceRegistry(new Registry({ connections, login: login(SOURCE) }));
  const target = targetBlobs(new Registry({ connections, login: login(TARGET), basic: true }));
  const planned = plan(REPOSITORY, [{ digest, tags: ['latest'] }], undefined);
  return {
    organization: 'My-Org',
    registryHost: SOURCE,
    plan: async () => ({
      package: 'app',
      plan: planned,
      listed: new Set([digest]),
      present: new Set(),
      presentTags: new Set(),
    }),
    target: {
      ensureRepository: async () => `${TARGET}/${REPOSITORY}`,
      manifest: async (_, own) => store.manifest(own),
      put: async (_, { bytes }, own, tag) => store.put(bytes, own, tag),
      list: async () => ({ tags: store.tags }),
    },
    source,
    blobs: blobMover(source, target, print),
    skopeo: {
      inspect: () => Promise.reject(new Error('this skopeo can do no better')),
      copy: async (from, to) => {
        const reference = /^([^@]+)@sha256:[0-9a-f]{64}$/;
        require(reference.exec(from)?.[1] === `${SOURCE}/${REPOSITORY}` &&
          reference.exec(to)?.[1] === `${TARGET}/${REPOSITORY}`, () => `skopeo copies ${from} to ${to}`);
        throw new Error('this skopeo can do no better');
      },
    },
    engine: async () => CopyEngine.DIRECT,
    concurrentProcesses: 8,
    renewLogins: async () => undefined,
    putImages: new TokenBucket(1_000_000, () => time.now(), sleep),
    deadline: { stopStarting: time.now() + 86_400_000, stop: time.now() + 86_400_000 },
    dryRun: false,
    print,
    sleep,
    random: () => 0,
    now: () => time.now(),
    requests: () => ({}),
  };
}

function contentOf({ digest, bytes, mediaType, blobs, children }: Manifest): [string, Served][] {
  const own = blobs.map(({ digest: blob, bytes: content }): [string, Served] => [
    blob,
    { bytes: content, contentType: 'application/octet-stream' },
  ]);
  return [[digest, { bytes, contentType: mediaType }], ...own, ...children.flatMap(contentOf)];
}
