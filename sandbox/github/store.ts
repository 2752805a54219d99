import type { Visibility } from './options';

export type PackageType = 'npm' | 'maven' | 'rubygems' | 'docker' | 'nuget' | 'container';

export interface Version {
  readonly id: number;
  /** The digest, for containers. */
  readonly name: string;
  readonly createdAt: number;
  updatedAt: number;
  deletedAt?: number;
  /** In the order in which they came. Empty for an untagged child of an index. */
  tags: string[];
}

export interface Package {
  readonly id: number;
  /** Without the organization; nested names contain `/`. */
  readonly name: string;
  readonly type: PackageType;
  readonly createdAt: number;
  updatedAt: number;
  visibility: Visibility;
  /** Name of the linked repository, without the organization. */
  repository?: string;
  /** Newest first, with the deleted ones. */
  readonly versions: Version[];
  /** The active version of each name. */
  readonly active: Map<string, Version>;
  /** The active version of each tag. */
  readonly tagged: Map<string, Version>;
}

/** One version per digest; a tag belongs to the last version that was pushed with it. */
export class PackageStore {
  private readonly all: Package[] = [];
  private packageId = 7_000_000;
  private versionId = 500_000_000;

  constructor(private readonly now: () => number) {}

  /** Packages of a type, newest first. */
  public list(type: PackageType): readonly Package[] {
    return this.all.filter(candidate => candidate.type === type).reverse();
  }

  public find(type: PackageType, name: string): Package | undefined {
    return this.all.find(candidate => candidate.type === type && candidate.name === name);
  }

  public add(type: PackageType, name: string, settings: { visibility: Visibility; repository?: string }): Package {
    const existing = this.find(type, name);
    if (existing) { return Object.assign(existing, settings); }
    const now = this.now();
    const added: Package = {
      id: ++this.packageId,
      name,
      type,
      createdAt: now,
      updatedAt: now,
      ...settings,
      versions: [],
      active: new Map(),
      tagged: new Map(),
    };
    this.all.push(added);
    return added;
  }

  /** Takes a pushed version, moving the tag from whichever version had it. */
  public push(target: Package, name: string, tag: string | undefined): { version: Version; isNew: boolean } {
    const now = this.now();
    const existing = target.active.get(name);
    const version = existing ?? { id: ++this.versionId, name, createdAt: now, updatedAt: now, tags: [] };
    if (!existing) {
      target.versions.unshift(version);
      target.active.set(name, version);
    }
    if (tag !== undefined) { this.moveTag(target, version, tag); }
    version.updatedAt = target.updatedAt = now;
    return { version, isNew: !existing };
  }

  public delete(target: Package): void {
    this.all.splice(this.all.indexOf(target), 1);
  }

  public deleteVersion(target: Package, version: Version): void {
    version.deletedAt = target.updatedAt = this.now();
    target.active.delete(version.name);
    version.tags.forEach(tag => target.tagged.delete(tag));
  }

  private moveTag(target: Package, version: Version, tag: string): void {
    const older = target.tagged.get(tag);
    if (older === version) { return; }
    if (older) {
      older.tags = older.tags.filter(candidate => candidate !== tag);
      older.updatedAt = this.now();
    }
    version.tags.push(tag);
    target.tagged.set(tag, version);
  }
}

/** Versions in a state, newest first. */
export function versionsOf(target: Package, state: 'active' | 'deleted' = 'active'): readonly Version[] {
  return target.versions.filter(version => (version.deletedAt === undefined) === (state === 'active'));
}
