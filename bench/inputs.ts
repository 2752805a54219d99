import { image, index, layer, Layer, Manifest } from '../sandbox/registry/images';

export const KIB = 1024;
export const MIB = 1024 * KIB;

/** The images that a scenario mirrors. The same numbers give the same bytes. */
export interface InputShape {
  readonly seed: number;
  readonly packages: number;
  /** Of each package. */
  readonly tags: number;
  /** Of each package; the tags are spread over them. @default as many as tags */
  readonly digests?: number;
  /** `linux/amd64`; several give an index. */
  readonly platforms: readonly string[];
  /**
   * Random bytes of the layers: one that all packages share, one that a package's images share, one of
   * each image. 0 = no such layer.
   */
  readonly layerBytes: { readonly shared: number; readonly ofPackage: number; readonly own: number };
}

export interface InputImage {
  readonly package: string;
  readonly tags: readonly [string, ...string[]];
  readonly manifest: Manifest;
}

/** Generates images one after the other, oldest first: nobody has to hold them all. */
export function* generate(shape: InputShape): Generator<InputImage> {
  for (let at = 0; at < shape.packages; at++) {
    for (let number = 0; number < digestsOf(shape); number++) { yield imageOf(shape, at, number); }
  }
}

/** One more image of a package, as a push that comes later. @param number from 1: each has another digest */
export function newImage(shape: InputShape, packageNumber: number, number: number): InputImage {
  return { ...imageOf(shape, packageNumber, digestsOf(shape) + number), tags: [`pushed-later-${number}`] };
}

export function packageNames({ packages }: Pick<InputShape, 'packages'>): string[] {
  return Array.from({ length: packages }, (_, at) => packageName(at));
}

/** Every tag of an input, by name. */
export function imageNames(shape: InputShape): { package: string; tag: string }[] {
  const numbers = Array.from({ length: digestsOf(shape) }, (_, number) => number);
  return packageNames(shape)
    .flatMap(name => numbers.flatMap(number => tagsOf(shape, number).map(tag => ({ package: name, tag }))));
}

export function describeInput(shape: InputShape): string {
  const { packages, tags, platforms, layerBytes: { shared, ofPackage, own } } = shape;
  const layers = [[shared, 'shared by all'], [ofPackage, 'shared by a package'], [own, 'of its own']] as const;
  return `${packages} packages x ${tags} tags on ${digestsOf(shape)} digests, `
    + `platforms ${platforms.join(' and ')}, layers each: `
    + `${layers.filter(([bytes]) => bytes > 0).map(([bytes, what]) => `${kibibytes(bytes)} ${what}`).join(', ')}; seed `
    + `${shape.seed}`;
}

function digestsOf({ digests, tags }: InputShape): number {
  return digests ?? tags;
}

function imageOf(shape: InputShape, packageNumber: number, number: number): InputImage {
  const children = shape.platforms.map(platform => {
    const seeds = ['shared', `package ${packageNumber}`, `image ${packageNumber} ${number}`];
    const { shared, ofPackage, own } = shape.layerBytes;
    const layers = [shared, ofPackage, own]
      .flatMap((bytes, at) => bytes === 0 ? [] : [cachedLayer(`${shape.seed} ${seeds[at]} ${platform}`, bytes)]);
    return image({ seed: `${shape.seed} ${packageNumber} ${number}`, platform, layers });
  });
  const [first] = children;
  return {
    package: packageName(packageNumber),
    tags: tagsOf(shape, number),
    manifest: children.length === 1 ? first : index(children),
  };
}

/** The tags of a digest: dealt out in turn. */
function tagsOf(shape: InputShape, number: number): [string, ...string[]] {
  const others = Array.from({ length: shape.tags }, (_, at) => at)
    .filter(at => at % digestsOf(shape) === number && at !== number);
  return [`1.${number}.0`, ...others.map(at => `1.${at}.0`)];
}

function packageName(at: number): string {
  return `app-${String(at).padStart(4, '0')}`;
}

const layers = new Map<string, Layer>();

/** Layers that several images share are made once; the map stays small, because the oldest are dropped. */
function cachedLayer(seed: string, layerBytes: number): Layer {
  const made = layers.get(seed) ?? layer({ seed, layerBytes });
  layers.delete(seed);
  layers.set(seed, made);
  if (layers.size > 16) { layers.delete([...layers.keys()][0]); }
  return made;
}

function kibibytes(bytes: number): string {
  return bytes < KIB ? `${bytes} B` : bytes < MIB ? `${bytes / KIB} KiB` : `${bytes / MIB} MiB`;
}
