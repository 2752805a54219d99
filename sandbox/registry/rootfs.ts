import { lstatSync, readdirSync, readFileSync, readlinkSync, Stats } from 'node:fs';
import { basename, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { digestOf } from './digest';
import { blob, image, ImageOptions, Layer, Manifest, OCI } from './images';
import { tar, TarEntry } from './tar';

type RootfsOptions = Pick<ImageOptions, 'platform' | 'config' | 'annotations'>;

/** An image of a root filesystem: everything below `directory`. */
export function imageOfDirectory(directory: string, options: RootfsOptions = {}): Manifest {
  return image({ platform: hostPlatform(), ...options, layers: [packed(entriesBelow(directory, ''))] });
}

/**
 * An image of one static binary, such as that of Debian's busybox-static.
 * @param names further names for it in /bin, as symbolic links: `sh`, `ls`
 */
export function imageOfBinary(path: string, names: readonly string[] = [], options: RootfsOptions = {}): Manifest {
  const name = basename(path);
  const entries: TarEntry[] = [
    { path: 'bin', kind: 'directory', mode: 0o755 },
    { path: `bin/${name}`, kind: 'file', mode: 0o755, content: readFileSync(path) },
    ...[...names].sort().map(link => ({ path: `bin/${link}`, kind: 'symlink' as const, mode: 0o777, target: name })),
    { path: 'tmp', kind: 'directory', mode: 0o1777 },
  ];
  return image({
    platform: hostPlatform(),
    config: { Entrypoint: [`/bin/${name}`], Env: ['PATH=/bin'] },
    ...options,
    layers: [packed(entries)],
  });
}

/** Real files shrink, so they are really compressed: digests may differ between versions of Node. */
function packed(entries: readonly TarEntry[]): Layer {
  const archive = tar(entries);
  return { ...blob(OCI.layerGzip, gzipSync(archive)), diffId: digestOf(archive) };
}

function entriesBelow(root: string, below: string): TarEntry[] {
  return readdirSync(join(root, below)).sort().flatMap(name => {
    const path = below === '' ? name : `${below}/${name}`;
    const stats = lstatSync(join(root, path));
    return [entry(root, path, stats), ...(stats.isDirectory() ? entriesBelow(root, path) : [])];
  });
}

function entry(root: string, path: string, stats: Stats): TarEntry {
  const mode = stats.mode % 0o10000;
  if (stats.isDirectory()) { return { path, kind: 'directory', mode }; }
  if (stats.isSymbolicLink()) { return { path, kind: 'symlink', mode, target: readlinkSync(join(root, path)) }; }
  if (stats.isFile()) { return { path, kind: 'file', mode, content: readFileSync(join(root, path)) }; }
  throw new Error(`"${join(root, path)}" is a device, socket or pipe; expected files, directories and symbolic links. `
    + 'Remove it from the directory.');
}

function hostPlatform(): string {
  const architectures: Partial<Record<string, string>> = { x64: 'amd64', ia32: '386' };
  return `linux/${architectures[process.arch] ?? process.arch}`;
}
