import { packageNames, imageNames, InputShape } from './inputs';
import type { BenchOptions } from './result';
import type { Entry, Work } from './rivals/contestant';
import { crane, craneImage } from './rivals/crane';
import { engines } from './rivals/ours';
import { regsync } from './rivals/regsync';
import { skopeo, skopeoImage } from './rivals/skopeo';

/** Everybody who copies images. */
export function copiers({ programs, quick }: BenchOptions): Entry[] {
  const entries = [...engines(), regsync(programs.regsync), crane(programs.crane), skopeo(programs.skopeo)];
  // One setting shows that the comparison works.
  return quick ? entries.map(entry => ({ ...entry, settings: [entry.settings[0]] })) : entries;
}

/**
 * Everybody who copies one image. The number of images at a time makes no difference then, except to regsync, which
 * also works in parallel inside of one.
 */
export function imageCopiers({ programs, quick }: BenchOptions): Entry[] {
  const sweep = regsync(programs.regsync);
  const rival: Entry = quick ? { ...sweep, settings: [sweep.settings[0]] } : sweep;
  return [...engines(), rival, craneImage(programs.crane), skopeoImage(programs.skopeo)];
}

/** All of an input. */
export function wholeInput(shape: InputShape): Work {
  return { packages: packageNames(shape), images: imageNames(shape) };
}
