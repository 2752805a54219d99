import fc from 'fast-check';
import { InvalidManifest } from '../../../lambda/sync/registry/errors';
import { MANIFEST_LIMITS, ParsedManifest, parseManifest } from '../../../lambda/sync/registry/manifest';
import { hostileJson, mutated } from '../inputs/json';
import { MANIFESTS } from '../inputs/manifests';
import { jumbledHeader } from '../inputs/text';
import { FuzzTarget, require, requireOwnError } from '../target';

interface Served {
  readonly bytes: Uint8Array;
  readonly contentType: string;
}

const DIGEST = /^sha256:[0-9a-f]{64}$/;

const contentType = fc.oneof(
  fc.constantFrom(
    'application/vnd.oci.image.manifest.v1+json',
    'application/vnd.oci.image.index.v1+json; charset=utf-8',
    'application/json',
    '',
  ),
  jumbledHeader('application/', 'json', ';', 'vnd.oci.image.index.v1+json', ' ', ',', '\n'),
);

/** More entries than the limits, of one of the lists. */
const crowded = fc
  .tuple(fc.constantFrom('layers', 'manifests'), fc.nat(MANIFEST_LIMITS.layers + 2))
  .map(([name, length]) =>
    Buffer.from(JSON.stringify({ [name]: Array(length).fill({ digest: `sha256:${'1'.repeat(64)}`, size: 1 }) })),
  );

export function manifests(): FuzzTarget<Served> {
  return {
    name: 'manifests',
    share: 320,
    input: fc.record({
      bytes: fc.oneof(
        { weight: 800, arbitrary: mutated(MANIFESTS.map(({ document }) => document)) },
        { weight: 60, arbitrary: hostileJson.map(text => Buffer.from(text)) },
        { weight: 40, arbitrary: fc.uint8Array({ maxLength: 60 }) },
        { weight: 1, arbitrary: crowded },
      ),
      contentType,
    }),
    check({ bytes, contentType: type }) {
      let parsed: ParsedManifest;
      try {
        parsed = parseManifest(bytes, type);
      } catch (error) {
        requireOwnError(error, InvalidManifest, 600);
        return 'refused';
      }
      requireTrusted(parsed);
      return parsed.children === undefined ? 'read as manifest' : 'read as index';
    },
    mustSee: ['refused', 'read as manifest', 'read as index'],
    timed: true,
  };
}

function requireTrusted({ mediaType, children = [], blobs, subject }: ParsedManifest): void {
  const digests = [...children, ...blobs.map(({ digest }) => digest), ...(subject === undefined ? [] : [subject])];
  require(digests.every(digest => DIGEST.test(digest)), () => `a digest is none: ${JSON.stringify(digests)}`);
  require(blobs.every(({ size }) => Number.isSafeInteger(size) && size >= 0), () =>
    `a size is none: ${JSON.stringify(blobs)}`);
  require(mediaType === '' || /^[\w.+!#$&^-]+\/[\w.+!#$&^-]+$/.test(mediaType), () =>
    `a media type is none: ${JSON.stringify(mediaType)}`);
  require(children.length <= MANIFEST_LIMITS.children && blobs.length <= MANIFEST_LIMITS.layers + 1, () =>
    'more entries than the limits');
}
