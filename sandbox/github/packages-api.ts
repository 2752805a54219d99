import { PackageAccess, requirePackages, Token } from './auth';
import { ApiError, notFound } from './errors';
import { page } from './pages';
import { iso } from './payload';
import { minimalRepository, Organization, owner, Site } from './people';
import type { ApiRequest, ApiResponse, Route } from './routes';
import { Package, PackageStore, PackageType, Version, versionsOf } from './store';

export interface PackagesContext {
  readonly store: PackageStore;
  readonly organization: Organization;
  readonly site: Site;
  readonly pageSizeCap: number;
}

const TYPES: readonly string[] = ['npm', 'maven', 'rubygems', 'docker', 'nuget', 'container'];

/** https://docs.github.com/rest/packages/packages */
export function packageRoutes(context: PackagesContext): readonly Route[] {
  const docs = (anchor: string): string => `https://docs.github.com/rest/packages/packages#${anchor}-for-an-organization`;
  return [
    {
      method: 'GET',
      path: ['packages'],
      access: 'packages',
      docs: docs('list-packages'),
      handle: request => list(context, request),
    },
    {
      method: 'GET',
      path: ['packages', ':type', ':name'],
      access: 'packages',
      docs: docs('get-a-package'),
      handle: request => ({ status: 200, body: restPackage(context, found(context, request, 'get a package')) }),
    },
    {
      method: 'GET',
      path: ['packages', ':type', ':name', 'versions'],
      access: 'packages',
      docs: docs('list-package-versions'),
      handle: request => versions(context, request),
    },
    {
      method: 'GET',
      path: ['packages', ':type', ':name', 'versions', ':id'],
      access: 'packages',
      docs: docs('get-a-package-version'),
      handle: request => version(context, request),
    },
  ];
}

function list(context: PackagesContext, { token, url }: ApiRequest): ApiResponse {
  const reader = requirePackages(token, 'list packages', context.organization.login);
  const type = packageType(url.searchParams.get('package_type'));
  const visibility = url.searchParams.get('visibility');
  const visible = context.store.list(type)
    .filter(candidate => sees(reader, candidate) && (visibility === null || candidate.visibility === visibility));
  const { items, link } = page(visible, url, context.pageSizeCap);
  return { status: 200, body: items.map(item => restPackage(context, item)), headers: linkHeader(link) };
}

function versions(context: PackagesContext, request: ApiRequest): ApiResponse {
  const target = found(context, request, "get a package's versions");
  const state = request.url.searchParams.get('state') ?? 'active';
  if (state !== 'active' && state !== 'deleted') {
    throw new ApiError(422, `Invalid request.\n\n${state} is not a member of ["active", "deleted"].`);
  }
  const { items, link } = page(versionsOf(target, state), request.url, context.pageSizeCap);
  return { status: 200, body: items.map(item => restVersion(context, target, item)), headers: linkHeader(link) };
}

function version(context: PackagesContext, request: ApiRequest): ApiResponse {
  const target = found(context, request, 'get a package version');
  const item = versionsOf(target).find(candidate => String(candidate.id) === request.parameters.id);
  if (!item) { throw notFound(); }
  return { status: 200, body: restVersion(context, target, item) };
}

function found(
  { store, organization }: PackagesContext,
  { token, parameters }: ApiRequest,
  access: PackageAccess,
): Package {
  const reader = requirePackages(token, access, organization.login);
  const target = store.find(packageType(parameters.type), parameters.name);
  if (!target || !sees(reader, target)) { throw notFound('Package not found.'); }
  return target;
}

function packageType(type: string | null): PackageType {
  if (type === null || type === '') { throw new ApiError(400, 'Invalid request.\n\n"package_type" wasn\'t supplied.'); }
  if (!TYPES.includes(type)) {
    throw new ApiError(400, `Invalid request.\n\n${type} is not a member of ${JSON.stringify(TYPES)}.`);
  }
  return type as PackageType;
}

function sees(reader: Token, { visibility }: Package): boolean {
  return reader.member || visibility === 'public';
}

function restPackage({ organization, site }: PackagesContext, item: Package): object {
  return {
    id: item.id,
    name: item.name,
    package_type: item.type,
    owner: owner(site, organization),
    version_count: versionsOf(item).length,
    visibility: item.visibility,
    url: apiUrl(site, organization, item),
    created_at: iso(item.createdAt),
    updated_at: iso(item.updatedAt),
    // Absent for a package that no repository is linked to.
    ...item.repository !== undefined && { repository: minimalRepository(site, organization, item.repository) },
    html_url: htmlUrl(site, organization, item),
  };
}

function restVersion(
  { organization, site }: PackagesContext,
  item: Package,
  { id, name, tags, createdAt, updatedAt, deletedAt }: Version,
): object {
  return {
    id,
    name,
    url: `${apiUrl(site, organization, item)}/versions/${id}`,
    package_html_url: htmlUrl(site, organization, item),
    created_at: iso(createdAt),
    updated_at: iso(updatedAt),
    ...deletedAt !== undefined && { deleted_at: iso(deletedAt) },
    html_url: `${site.html}/orgs/${organization.login}/packages/${item.type}/${encodeURIComponent(item.name)}/${id}`,
    metadata: { package_type: item.type, ...item.type === 'container' && { container: { tags: [...tags].reverse() } } },
  };
}

function apiUrl(site: Site, { login }: Organization, { type, name }: Package): string {
  return `${site.api}/orgs/${login}/packages/${type}/${encodeURIComponent(name)}`;
}

function htmlUrl(site: Site, { login }: Organization, { type, name }: Package): string {
  return `${site.html}/orgs/${login}/packages/${type}/package/${encodeURIComponent(name)}`;
}

export function linkHeader(link: string | undefined): Record<string, string> {
  return link === undefined ? {} : { link };
}
