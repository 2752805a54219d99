import {
  attestationOf,
  buildxIndex,
  cosignSignature,
  helmChart,
  nestedIndex,
  referrer,
  referrersIndex,
} from '../../../sandbox/registry/artifacts';
import { foreignLayer, image, index, Manifest } from '../../../sandbox/registry/images';

export interface Base {
  readonly manifest: Manifest;
  readonly document: unknown;
}

const plain = image();

/** Each kind of manifest that registries hold: the mutations start from them. */
export const MANIFESTS: readonly Base[] = [
  plain,
  image({ docker: true, layers: 2 }),
  image({ zstd: true }),
  image({ docker: true, layers: [foreignLayer({ docker: true })] }),
  buildxIndex(),
  nestedIndex(),
  index([image({ docker: true })], { docker: true }),
  index([]),
  attestationOf(plain),
  cosignSignature(plain),
  helmChart(),
  referrer(plain),
  referrersIndex([referrer(plain)]),
].map(manifest => ({ manifest, document: JSON.parse(manifest.bytes.toString('utf8')) as unknown }));
