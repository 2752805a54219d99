import { createGitHubClient, GitHubClientOptions } from '../shared/github-client';

/** An organization's hook, as GitHub shows it: its secret is masked. */
export interface Hook {
  readonly id: number;
  readonly active: boolean;
  readonly events: readonly string[];
  readonly url: string;
  readonly contentType: string;
  readonly insecureSsl: string;
  /** GitHub tells whether there is a secret, not which. */
  readonly hasSecret: boolean;
}

/** What a hook of ours is. */
export interface HookSettings {
  readonly url: string;
  readonly secret: string;
  readonly active: boolean;
}

/** One attempt of GitHub to deliver an event. */
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
  /** Deliveries, newest first: the newest 100, or all since a time (milliseconds since the epoch), at most 1,000. */
  deliveries(id: number, since?: number): Promise<HookDelivery[]>;
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

/** Pages of the delivery log that are read at most. GitHub keeps three days; a busy organization has thousands a day. */
const DELIVERY_PAGES = 10;

/** @param signal ends what is under way */
export function organizationHooks(org: string, options: GitHubClientOptions, signal?: AbortSignal): OrganizationHooks {
  const client = createGitHubClient(options);
  client.hook.before('request', request => { request.request = { ...request.request, signal }; });
  return {
    list: async () => (await client.paginate('GET /orgs/{org}/hooks', { org, per_page: 100 })).map(fromRest),
    create: async settings => fromRest((await client.request('POST /orgs/{org}/hooks', { org, name: 'web', ...hookRequest(settings) })).data),
    update: async (hook_id, settings) =>
      fromRest((await client.request('PATCH /orgs/{org}/hooks/{hook_id}', { org, hook_id, ...hookRequest(settings) })).data),
    remove: async hook_id => { await client.request('DELETE /orgs/{org}/hooks/{hook_id}', { org, hook_id }); },
    ping: async hook_id => { await client.request('POST /orgs/{org}/hooks/{hook_id}/pings', { org, hook_id }); },
    deliveries: async (hook_id, since) => {
      let pages = 0;
      const log = await client.paginate('GET /orgs/{org}/hooks/{hook_id}/deliveries', { org, hook_id, per_page: 100 }, ({ data }, done) => {
        requireComplete(Array.isArray(data));
        const last = data.at(-1);
        if (since === undefined || !last || Date.parse(last.delivered_at) < since || ++pages >= DELIVERY_PAGES) { done(); }
        return data.map(({ guid, event, delivered_at, status, status_code }) => ({
          guid, event, deliveredAt: delivered_at, status, statusCode: status_code,
        }));
      });
      return since === undefined ? log : log.filter(({ deliveredAt }) => Date.parse(deliveredAt) >= since);
    },
  };
}

interface RestHook {
  readonly id: number;
  readonly active: boolean;
  readonly events: readonly string[];
  readonly config: { readonly url?: string; readonly content_type?: string; readonly insecure_ssl?: string | number; readonly secret?: string };
}

function fromRest(hook: RestHook): Hook {
  requireComplete(typeof hook === 'object');
  const { id, active, events, config } = hook;
  return {
    id,
    active,
    events,
    url: config.url ?? '',
    contentType: config.content_type ?? '',
    insecureSsl: String(config.insecure_ssl ?? ''),
    hasSecret: config.secret !== undefined && config.secret !== '',
  };
}

/** The client takes an answer whose connection broke for text, without an error. */
function requireComplete(complete: boolean): void {
  if (!complete) { throw new Error('GitHub\'s answer to a webhook request was incomplete: the connection broke. Deploy again.'); }
}
