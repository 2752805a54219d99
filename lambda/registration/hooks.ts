import { createGitHubClient, GitHubClientOptions } from '../shared/github-client';

/** An organization's hook, as GitHub shows it: its secret is masked. */
export interface Hook {
  readonly id: number;
  readonly active: boolean;
  readonly events: readonly string[];
  readonly url: string;
  readonly contentType: string;
  readonly insecureSsl: string;
}

/** What a hook of ours is. */
export interface HookSettings {
  readonly url: string;
  readonly secret: string;
  readonly active: boolean;
}

export interface HookDelivery {
  readonly guid: string;
  readonly event: string;
  /** ISO 8601 */
  readonly deliveredAt: string;
  /** `OK`, or what went wrong in words */
  readonly status: string;
  /** 0 when nothing answered. */
  readonly statusCode: number;
}

/** The organization's hooks in GitHub. */
export interface OrganizationHooks {
  list(): Promise<Hook[]>;
  create(settings: HookSettings): Promise<Hook>;
  update(id: number, settings: HookSettings): Promise<Hook>;
  remove(id: number): Promise<void>;
  ping(id: number): Promise<void>;
  /** The newest deliveries, at most 100. */
  deliveries(id: number): Promise<HookDelivery[]>;
}

/**
 * The whole of a hook. GitHub's defaults are of no use (form encoding, push events), and an update without the secret would
 * remove it: so create and update both send everything.
 *
 * @see https://docs.github.com/en/rest/orgs/webhooks
 */
export function hookRequest({ url, secret, active }: HookSettings) {
  return { active, events: ['package'], config: { url, content_type: 'json', secret, insecure_ssl: '0' } };
}

export function organizationHooks(org: string, options: GitHubClientOptions): OrganizationHooks {
  const client = createGitHubClient(options);
  return {
    list: async () => (await client.paginate('GET /orgs/{org}/hooks', { org, per_page: 100 })).map(fromRest),
    create: async settings => fromRest((await client.request('POST /orgs/{org}/hooks', { org, name: 'web', ...hookRequest(settings) })).data),
    update: async (hook_id, settings) =>
      fromRest((await client.request('PATCH /orgs/{org}/hooks/{hook_id}', { org, hook_id, ...hookRequest(settings) })).data),
    remove: async hook_id => { await client.request('DELETE /orgs/{org}/hooks/{hook_id}', { org, hook_id }); },
    ping: async hook_id => { await client.request('POST /orgs/{org}/hooks/{hook_id}/pings', { org, hook_id }); },
    deliveries: async hook_id => {
      const { data } = await client.request('GET /orgs/{org}/hooks/{hook_id}/deliveries', { org, hook_id, per_page: 100 });
      return data.map(({ guid, event, delivered_at, status, status_code }) => ({
        guid, event, deliveredAt: delivered_at, status, statusCode: status_code,
      }));
    },
  };
}

interface RestHook {
  readonly id: number;
  readonly active: boolean;
  readonly events: readonly string[];
  readonly config: { readonly url?: string; readonly content_type?: string; readonly insecure_ssl?: string };
}

function fromRest({ id, active, events, config }: RestHook): Hook {
  return { id, active, events, url: config.url ?? '', contentType: config.content_type ?? '', insecureSsl: String(config.insecure_ssl ?? '') };
}
