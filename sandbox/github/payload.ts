import { Organization, organizationOfPayload, owner, repositoryOfPayload, simpleUser, Site } from './people';
import type { Package, Version } from './store';
import type { ManifestPut } from '../registry/front';

export type { ManifestPut };

export interface PushedVersion {
  readonly action: 'published' | 'updated';
  readonly package: Package;
  readonly version: Version;
  /** The one tag that the event names; empty for an untagged child. */
  readonly tag: string;
  readonly put: ManifestPut;
}

export interface PayloadContext {
  readonly site: Site;
  readonly organization: Organization;
  readonly registryHost: string;
}

export const SENDER = { login: 'release-bot', id: 9_000_001 } as const;

/** Payload of `package` and `registry_package`: the same content under the key of the event's name. */
export function packagePayload(
  key: 'package' | 'registry_package',
  pushed: PushedVersion,
  context: PayloadContext,
): Record<string, unknown> {
  const { site, organization } = context;
  const repository = pushed.package.repository === undefined
    ? undefined
    : repositoryOfPayload(site, organization, pushed.package.repository, iso(pushed.package.createdAt));
  return {
    action: pushed.action,
    [key]: {
      ...packagePart(pushed, context),
      package_version: versionPart(pushed, context, repository),
      registry: registryPart(organization),
    },
    ...repository && { repository },
    organization: organizationOfPayload(site, organization),
    sender: simpleUser(site, SENDER.login, SENDER.id, 'User'),
  };
}

function packagePart(pushed: PushedVersion, { site, organization }: PayloadContext): Record<string, unknown> {
  const { id, name, createdAt, updatedAt } = pushed.package;
  return {
    id,
    name,
    namespace: organization.login.toLowerCase(),
    description: '',
    ecosystem: 'CONTAINER',
    package_type: 'CONTAINER',
    html_url: `${site.html}/orgs/${organization.login}/packages/container/package/${encodeURIComponent(name)}`,
    created_at: iso(createdAt),
    updated_at: iso(updatedAt),
    owner: owner(site, organization),
  };
}

function versionPart(
  pushed: PushedVersion,
  context: PayloadContext,
  repository: Record<string, unknown> | undefined,
): Record<string, unknown> {
  const { version, tag, put } = pushed;
  const reference = `${context.registryHost}/${put.repository}:${tag}`;
  return {
    id: version.id,
    version: version.name,
    name: version.name,
    description: '',
    summary: '',
    ...repository && { body: bodyPart(repository), target_commitish: 'main', target_oid: version.name.slice(7, 47) },
    manifest: '',
    html_url: `${context.site.html}/orgs/${context.organization.login}/packages/container/`
      + `${encodeURIComponent(pushed.package.name)}/${version.id}`,
    // What GitHub sends for container versions, whenever they were made.
    created_at: '0001-01-01T00:00:00Z',
    updated_at: '0001-01-01T00:00:00Z',
    metadata: [],
    container_metadata: containerMetadata(pushed),
    package_files: [],
    author: simpleUser(context.site, SENDER.login, SENDER.id, 'User'),
    installation_command: `docker pull ${reference}`,
    package_url: reference,
  };
}

function bodyPart(repository: Record<string, unknown>): Record<string, unknown> {
  return {
    repository: { repository },
    info: {
      type: 'blob',
      oid: '8b137891791fe96927ad78e64b0aad7bded08bdc',
      mode: 33188,
      name: 'README.md',
      path: 'README.md',
      size: null,
      collection: true,
    },
    attributes: {},
    _formatted: true,
  };
}

function registryPart({ login }: Organization): Record<string, unknown> {
  return {
    about_url: 'https://docs.github.com/packages/learn-github-packages/introduction-to-github-packages',
    name: 'GitHub CONTAINER registry',
    type: 'CONTAINER',
    url: `https://CONTAINER.pkg.github.com/${login.toLowerCase()}`,
    vendor: 'GitHub Inc',
  };
}

interface Descriptor {
  readonly mediaType?: string;
  readonly digest?: string;
  readonly size?: number;
  readonly platform?: { readonly architecture?: string; readonly os?: string; readonly variant?: string };
}

interface Manifest {
  readonly config?: Descriptor;
  readonly layers?: readonly Descriptor[];
  readonly manifests?: readonly Descriptor[];
  readonly annotations?: Readonly<Record<string, string>>;
}

/** An index has neither config nor layers here: GitHub sends empty ones, and its platforms as a label of its own. */
function containerMetadata({ tag, put, version }: PushedVersion): Record<string, unknown> {
  const manifest = JSON.parse(put.bytes.toString()) as Manifest;
  return {
    tag: { name: tag, digest: version.name },
    labels: labels(manifest),
    manifest: {
      digest: put.digest,
      media_type: put.mediaType,
      uri: `repositories/${put.repository}/manifests/${put.digest}`,
      size: put.bytes.length,
      config: descriptor(manifest.config ?? {}),
      layers: (manifest.layers ?? []).map(descriptor),
    },
  };
}

function labels(manifest: Manifest): Record<string, unknown> {
  const annotation = (name: string): string => manifest.annotations?.[`org.opencontainers.image.${name}`] ?? '';
  const platforms = manifest.manifests?.map(({ digest, platform }) => ({
    digest,
    architecture: platform?.architecture ?? '',
    os: platform?.os ?? '',
    ...platform?.variant !== undefined && { variant: platform.variant },
  }));
  return {
    description: annotation('description'),
    source: annotation('source'),
    revision: annotation('revision'),
    image_url: annotation('url'),
    licenses: annotation('licenses'),
    all_labels: { ...manifest.annotations, ...platforms && { 'github.internal.platforms': JSON.stringify(platforms) } },
  };
}

function descriptor({ digest = '', mediaType = '', size = 0 }: Descriptor): Record<string, unknown> {
  return { digest, media_type: mediaType, size };
}

/** GitHub's times have seconds. */
export function iso(at: number): string {
  return `${new Date(at).toISOString().slice(0, 19)}Z`;
}
