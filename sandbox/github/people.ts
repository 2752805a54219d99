/** Where GitHub says that things are. */
export interface Site {
  /** `https://api.github.com` of the real one; this server's URL with its prefix. */
  readonly api: string;
  readonly html: string;
}

/** The organization behind the stand-in. */
export interface Organization {
  readonly id: number;
  /** Display case. */
  readonly login: string;
}

/** A user or organization as it appears as owner, author and sender. */
export function simpleUser(
  site: Site,
  login: string,
  id: number,
  type: 'User' | 'Organization',
): Record<string, unknown> {
  const url = `${site.api}/users/${login}`;
  return {
    login,
    id,
    node_id: nodeId(type, id),
    avatar_url: `https://avatars.githubusercontent.com/u/${id}?v=4`,
    gravatar_id: '',
    url,
    html_url: `${site.html}/${login}`,
    followers_url: `${url}/followers`,
    following_url: `${url}/following{/other_user}`,
    gists_url: `${url}/gists{/gist_id}`,
    starred_url: `${url}/starred{/owner}{/repo}`,
    subscriptions_url: `${url}/subscriptions`,
    organizations_url: `${url}/orgs`,
    repos_url: `${url}/repos`,
    events_url: `${url}/events{/privacy}`,
    received_events_url: `${url}/received_events`,
    type,
    user_view_type: 'public',
    site_admin: false,
  };
}

export function owner(site: Site, organization: Organization): Record<string, unknown> {
  return simpleUser(site, organization.login, organization.id, 'Organization');
}

/** The `organization` of a webhook payload. */
export function organizationOfPayload(site: Site, { login, id }: Organization): Record<string, unknown> {
  const url = `${site.api}/orgs/${login}`;
  return {
    login,
    id,
    node_id: nodeId('Organization', id),
    url,
    repos_url: `${url}/repos`,
    events_url: `${url}/events`,
    hooks_url: `${url}/hooks`,
    issues_url: `${url}/issues`,
    members_url: `${url}/members{/member}`,
    public_members_url: `${url}/public_members{/member}`,
    avatar_url: `https://avatars.githubusercontent.com/u/${id}?v=4`,
    description: null,
  };
}

const LINKS = [
  'forks',
  'keys{/key_id}',
  'collaborators{/collaborator}',
  'teams',
  'hooks',
  'issues/events{/number}',
  'events',
  'assignees{/user}',
  'branches{/branch}',
  'tags',
  'git/blobs{/sha}',
  'git/tags{/sha}',
  'git/refs{/sha}',
  'git/trees{/sha}',
  'statuses/{sha}',
  'languages',
  'stargazers',
  'contributors',
  'subscribers',
  'subscription',
  'commits{/sha}',
  'git/commits{/sha}',
  'comments{/number}',
  'issues/comments{/number}',
  'contents/{+path}',
  'compare/{base}...{head}',
  'merges',
  '{archive_format}{/ref}',
  'downloads',
  'issues{/number}',
  'pulls{/number}',
  'milestones{/number}',
  'notifications{?since,all,participating}',
  'labels{/name}',
  'releases{/id}',
  'deployments',
];

/** The names that GitHub derives differently from the path. */
const LINK_NAMES: Readonly<Record<string, string>> = {
  'issues/events': 'issue_events',
  'git/blobs': 'blobs',
  'git/tags': 'git_tags',
  'git/refs': 'git_refs',
  'git/trees': 'trees',
  'git/commits': 'git_commits',
  'issues/comments': 'issue_comment',
  '': 'archive',
};

/** A repository as REST lists it beside a package. */
export function minimalRepository(site: Site, organization: Organization, name: string): Record<string, unknown> {
  const fullName = `${organization.login}/${name}`;
  const url = `${site.api}/repos/${fullName}`;
  const id = idOf(fullName);
  const links = LINKS.map(path => {
    const base = path.replace(/\/?\{.*$/, '').replace(/\/$/, '');
    return [`${LINK_NAMES[base] ?? base}_url`, `${url}/${path}`];
  });
  return {
    id,
    node_id: nodeId('Repository', id),
    name,
    full_name: fullName,
    private: true,
    owner: owner(site, organization),
    html_url: `${site.html}/${fullName}`,
    description: null,
    fork: false,
    url,
    ...Object.fromEntries(links),
  };
}

/** A repository as webhook payloads carry it. */
export function repositoryOfPayload(
  site: Site,
  organization: Organization,
  name: string,
  at: string,
): Record<string, unknown> {
  const html = `${site.html}/${organization.login}/${name}`;
  return {
    ...minimalRepository(site, organization, name),
    created_at: at,
    updated_at: at,
    pushed_at: at,
    git_url: `${html.replace(/^https?/, 'git')}.git`,
    ssh_url: `git@github.com:${organization.login}/${name}.git`,
    clone_url: `${html}.git`,
    svn_url: html,
    homepage: null,
    size: 512,
    stargazers_count: 0,
    watchers_count: 0,
    language: 'Go',
    has_issues: true,
    has_projects: true,
    has_downloads: true,
    has_wiki: true,
    has_pages: false,
    has_discussions: false,
    forks_count: 0,
    mirror_url: null,
    archived: false,
    disabled: false,
    open_issues_count: 0,
    license: null,
    allow_forking: true,
    is_template: false,
    web_commit_signoff_required: false,
    topics: [],
    visibility: 'private',
    forks: 0,
    open_issues: 0,
    watchers: 0,
    default_branch: 'main',
    custom_properties: {},
  };
}

function nodeId(type: string, id: number): string {
  return Buffer.from(`${String(type.length).padStart(3, '0')}:${type}${id}`).toString('base64');
}

/** The same id for the same name, without a registry of ids. */
function idOf(name: string): number {
  return [...name].reduce((hash, letter) => (hash * 31 + letter.charCodeAt(0)) % 900_000_007, 7) + 100_000_000;
}
