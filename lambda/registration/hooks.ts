import { createGitHubClient, GitHubClient, GitHubClientOptions } from '../shared/github-client';

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
  readonly id: number;
  /** X-GitHub-Delivery: the same for every attempt at one event. */
  readonly guid: string;
  readonly event: string;
  /** ISO 8601 */
  readonly deliveredAt: string;
  /** `OK`, or what went wrong in words */
  readonly status: string;
  /** 0 when nothing answered. */
  readonly statusCode: number;
  /** Whether somebody asked for this attempt; the first one is GitHub's own. */
  readonly redelivery: boolean;
}

export interface DeliveryLog {
  readonly deliveries: readonly HookDelivery[];
  /** Whether every failed attempt since the time asked for is there. */
  readonly complete: boolean;
}

/** The organization's hooks in GitHub. */
export interface OrganizationHooks {
  list(): Promise<Hook[]>;
  create(settings: HookSettings): Promise<Hook>;
  update(id: number, settings: HookSettings): Promise<Hook>;
  remove(id: number): Promise<void>;
  ping(id: number): Promise<void>;
  /** Deliveries, newest first: the newest 100, or all since a time (milliseconds since the epoch), at most 1,000. */
  deliveries(id: number, since?: number): Promise<readonly HookDelivery[]>;
  /**
   * The attempts since a time, all of them or, of a long log, those that failed and those that
   * succeeded as far as pages are read.
   */
  recentDeliveries(id: number, since: number): Promise<DeliveryLog>;
  /** Has GitHub send an event again, which it does for three days, and soon after its answer. */
  redeliver(id: number, deliveryId: number): Promise<void>;
}

/**
 * The whole of a hook. GitHub's defaults are of no use (form encoding, push events), and an update without the secret
 * would remove it: so create and update both send everything.
 *
 * @see https://docs.github.com/en/rest/orgs/webhooks
 */
export function hookRequest({ url, secret, active }: HookSettings) {
  return { active, events: ['package'], config: { url, content_type: 'json', secret, insecure_ssl: '0' } };
}

/** Pages of 100 that are read at most. GitHub keeps three days; a busy organization has thousands a day. */
const DELIVERY_PAGES = { all: 10, unfiltered: 3, filtered: 10 };

/**
 * GitHub classifies attempts by their status: 200-399 is success, 400-599 failure. GitHub Enterprise Server may not
 * know the parameter, and then answers with all of them.
 * https://docs.github.com/en/rest/orgs/webhooks#list-deliveries-for-an-organization-webhook
 */
type DeliveryStatus = 'success' | 'failure';

/** @param signal ends what is under way */
export function organizationHooks(org: string, options: GitHubClientOptions, signal?: AbortSignal): OrganizationHooks {
  const client = createGitHubClient(options);
  client.hook.before('request', request => { request.request = { ...request.request, signal }; });
  return {
    list: async () => (await client.paginate('GET /orgs/{org}/hooks', { org, per_page: 100 })).map(fromRest),
    create: async settings =>
      fromRest((await client.request('POST /orgs/{org}/hooks', { org, name: 'web', ...hookRequest(settings) })).data),
    update: async (hook_id, settings) =>
      fromRest(
        (await client.request('PATCH /orgs/{org}/hooks/{hook_id}', { org, hook_id, ...hookRequest(settings) })).data,
      ),
    remove: async hook_id => { await client.request('DELETE /orgs/{org}/hooks/{hook_id}', { org, hook_id }); },
    ping: async hook_id => { await client.request('POST /orgs/{org}/hooks/{hook_id}/pings', { org, hook_id }); },
    deliveries: async (hook_id, since) => (await readLog(client, org, hook_id, since, DELIVERY_PAGES.all)).deliveries,
    recentDeliveries: (hook_id, since) => readRecent(client, org, hook_id, since),
    redeliver: async (hook_id, delivery_id) => {
      await client.request(
        'POST /orgs/{org}/hooks/{hook_id}/deliveries/{delivery_id}/attempts',
        { org, hook_id, delivery_id },
      );
    },
  };
}

/** Newest first: the first page without a time, or else at most so many pages. */
async function readLog(
  client: GitHubClient,
  org: string,
  hook_id: number,
  since: number | undefined,
  maxPages: number,
  status?: DeliveryStatus,
): Promise<DeliveryLog> {
  let pages = 0;
  let complete = true;
  const query = { org, hook_id, per_page: 100, ...status && { status } };
  const log = await client.paginate('GET /orgs/{org}/hooks/{hook_id}/deliveries', query, ({ data, headers }, done) => {
    requireComplete(Array.isArray(data));
    const last = data.at(-1);
    const reached = since === undefined || !last || Date.parse(last.delivered_at) < since;
    if (reached || ++pages >= maxPages) {
      complete = reached || !/rel="next"/.test(headers.link ?? '');
      done();
    }
    return data.map(fromRestDelivery);
  });
  return {
    deliveries: since === undefined ? log : log.filter(({ deliveredAt }) => Date.parse(deliveredAt) >= since),
    complete,
  };
}

/**
 * The whole log where it is short, because the filter leaves out an attempt that nothing
 * answered, or that was redirected.
 */
async function readRecent(client: GitHubClient, org: string, hook_id: number, since: number): Promise<DeliveryLog> {
  const newest = await readLog(client, org, hook_id, since, DELIVERY_PAGES.unfiltered);
  if (newest.complete) { return newest; }
  const failures = await readLog(client, org, hook_id, since, DELIVERY_PAGES.filtered, 'failure');
  const successes = failures.deliveries.length === 0
    ? failures
    : await readLog(client, org, hook_id, since, DELIVERY_PAGES.filtered, 'success');
  const byId = new Map(
    [...newest.deliveries, ...failures.deliveries, ...successes.deliveries].map(delivery => [delivery.id, delivery]),
  );
  return { deliveries: [...byId.values()].sort((one, other) => other.id - one.id), complete: failures.complete };
}

interface RestDelivery {
  /** The client reads a number beyond what JavaScript counts exactly as bigint; GitHub is far from there. */
  readonly id: number | bigint;
  readonly guid: string;
  readonly event: string;
  readonly delivered_at: string;
  readonly status: string;
  readonly status_code: number;
  readonly redelivery: boolean;
}

function fromRestDelivery(
  { id, guid, event, delivered_at, status, status_code, redelivery }: RestDelivery,
): HookDelivery {
  return { id: Number(id), guid, event, deliveredAt: delivered_at, status, statusCode: status_code, redelivery };
}

interface RestHook {
  readonly id: number;
  readonly active: boolean;
  readonly events: readonly string[];
  readonly config: {
    readonly url?: string;
    readonly content_type?: string;
    readonly insecure_ssl?: string | number;
    readonly secret?: string;
  };
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
  if (!complete) {
    throw new Error('GitHub\'s answer to a webhook request was incomplete: the connection broke. Deploy again.');
  }
}
