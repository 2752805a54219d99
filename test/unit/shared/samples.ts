import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { SourceVersion, TargetImages } from '../../../lambda/shared/plan';

/** Digest number `n`: easy to tell apart in a failure's output. */
export function digest(n: number): string {
  return `sha256:${n.toString(16).padStart(64, '0')}`;
}

export function version(n: number, ...tags: string[]): SourceVersion {
  return { digest: digest(n), tags };
}

/** A repository that holds these tags, and further digests without a tag. */
export function target(tags: Readonly<Record<string, number>>, ...untagged: number[]): TargetImages {
  const pairs = Object.entries(tags).map(([tag, n]) => [tag, digest(n)] as const);
  return { tags: new Map(pairs), digests: new Set([...pairs.map(([, held]) => held), ...untagged.map(digest)]) };
}

export type Payload = Record<string, unknown>;

/** A delivery's body as GitHub sends it. */
export function fixture(name: string): Payload {
  return JSON.parse(fixtureText(name)) as Payload;
}

export function fixtureText(name: string): string {
  return readFileSync(join(__dirname, '../../../sandbox/github/fixtures', `${name}.json`), 'utf8');
}
