import { requireHooks } from './auth';
import type { Deliveries, Delivery } from './deliveries';
import { ApiError, notFound, validationFailed } from './errors';
import { Hook, HookConfig, Hooks, HookSettings } from './hooks';
import { linkHeader } from './packages-api';
import { cursorPage, page } from './pages';
import { iso } from './payload';
import type { Organization, Site } from './people';
import type { ApiRequest, ApiResponse, Route } from './routes';

export interface HooksContext {
  readonly hooks: Hooks;
  readonly deliveries: Deliveries;
  readonly organization: Organization;
  readonly site: Site;
  readonly pageSizeCap: number;
  /** Whether lists of deliveries know the parameter `status`. */
  readonly deliveryStatusFilter: boolean;
  /** Sends a hook its ping, in the background. */
  ping(hook: Hook): void;
  /** Sends a delivery again, in the background. */
  redeliver(hook: Hook, delivery: Delivery): void;
}

type Handler = (context: HooksContext, request: ApiRequest, hook: () => Hook) => ApiResponse;

/** https://docs.github.com/rest/orgs/webhooks */
export function hookRoutes(context: HooksContext): readonly Route[] {
  const route = (method: Route['method'], path: string, anchor: string, handler: Handler): Route => {
    const access = method === 'GET' ? 'read' : 'write';
    return {
      method,
      path: path.split('/'),
      access: `${access} hooks`,
      docs: `https://docs.github.com/rest/orgs/webhooks#${anchor}`,
      handle: request => {
        requireHooks(request.token, access, context.organization.login);
        return handler(context, request, () => context.hooks.get(number(request.parameters.id)));
      },
    };
  };
  return [
    route('GET', 'hooks', 'list-organization-webhooks', list),
    route('POST', 'hooks', 'create-an-organization-webhook', create),
    route('GET', 'hooks/:id', 'get-an-organization-webhook', (_, _request, hook) => shown(context, hook())),
    route('PATCH', 'hooks/:id', 'update-an-organization-webhook', update),
    route('DELETE', 'hooks/:id', 'delete-an-organization-webhook', remove),
    route('GET', 'hooks/:id/config', 'get-a-webhook-configuration-for-an-organization', (_, _request, hook) => ({
      status: 200,
      body: restConfig(hook()),
    })),
    route('PATCH', 'hooks/:id/config', 'update-a-webhook-configuration-for-an-organization', updateConfig),
    route('POST', 'hooks/:id/pings', 'ping-an-organization-webhook', ping),
    route('GET', 'hooks/:id/deliveries', 'list-deliveries-for-an-organization-webhook', listDeliveries),
    route('GET', 'hooks/:id/deliveries/:delivery', 'get-a-webhook-delivery-for-an-organization-webhook', getDelivery),
    route(
      'POST',
      'hooks/:id/deliveries/:delivery/attempts',
      'redeliver-a-delivery-for-an-organization-webhook',
      redeliver,
    ),
  ];
}

const list: Handler = (context, { url }) => {
  const { items, link } = page(context.hooks.list(), url, context.pageSizeCap);
  return { status: 200, body: items.map(hook => restHook(context, hook)), headers: linkHeader(link) };
};

const create: Handler = (context, request) => {
  const input = json(request);
  if (input.name === undefined) { throw notSupplied('name'); }
  if (input.name !== 'web') { throw validationFailed({ resource: 'Hook', field: 'name', code: 'invalid' }); }
  if (input.config === undefined) { throw notSupplied('config'); }
  const hook = context.hooks.create(settings(input, { events: ['push'], active: true }));
  context.ping(hook);
  return { status: 201, body: restHook(context, hook), headers: { location: hookUrl(context, hook) } };
};

const update: Handler = (context, request, find) => {
  const hook = find();
  context.hooks.change(hook, settings(json(request), hook.settings()));
  return shown(context, hook);
};

/** Unlike the update of the hook, this one keeps what it isn't given. */
const updateConfig: Handler = (context, request, find) => {
  const hook = find();
  const current = hook.settings();
  context.hooks.change(hook, { ...current, config: { ...current.config, ...given(json(request)) } });
  return { status: 200, body: restConfig(hook) };
};

const remove: Handler = (context, _, find) => {
  context.hooks.delete(find());
  return { status: 204 };
};

const ping: Handler = (context, _, find) => {
  context.ping(find());
  return { status: 204 };
};

const listDeliveries: Handler = (context, { url }, find) => {
  const status = context.deliveryStatusFilter ? url.searchParams.get('status') : null;
  const shownOnes = context.deliveries.shown(find().id).filter(({ statusCode }) => hasStatus(statusCode, status));
  const { items, link } = cursorPage(shownOnes, url, context.pageSizeCap);
  return { status: 200, body: items.map(restDelivery), headers: linkHeader(link) };
};

/**
 * GitHub's classes leave out what nothing answered.
 * https://docs.github.com/en/rest/orgs/webhooks#list-deliveries-for-an-organization-webhook
 */
function hasStatus(statusCode: number, status: string | null): boolean {
  switch (status) {
    case null: return true;
    case 'success': return statusCode >= 200 && statusCode < 400;
    case 'failure': return statusCode >= 400 && statusCode < 600;
    default: throw new ApiError(422, `Invalid request.\n\n"${status}" is not a member of "success", "failure".`);
  }
}

const getDelivery: Handler = (context, { parameters }, find) => {
  const delivery = context.deliveries.get(find().id, number(parameters.delivery));
  return {
    status: 200,
    body: { ...restDelivery(delivery), url: delivery.url, request: delivery.request, response: delivery.response },
  };
};

const redeliver: Handler = (context, { parameters }, find) => {
  const hook = find();
  context.redeliver(hook, context.deliveries.get(hook.id, number(parameters.delivery)));
  return { status: 202, body: {} };
};

/** The hook as a request wants it. A given `config` replaces the whole one: without `secret`, the secret is gone. */
function settings(
  input: Record<string, unknown>,
  current: Omit<HookSettings, 'config'> & Partial<HookSettings>,
): HookSettings {
  const { events = current.events, active = current.active } = input;
  if (!Array.isArray(events) || !events.every(event => typeof event === 'string')) {
    throw wrongType('events', events, 'array');
  }
  if (typeof active !== 'boolean') { throw wrongType('active', active, 'boolean'); }
  const kept = input.config === undefined ? current.config : undefined;
  return {
    events,
    active,
    config: kept ?? { url: '', contentType: 'form', insecureSsl: '0', ...given(record(input.config, 'config')) },
  };
}

/** The parts of a configuration that a request gives. */
function given(
  { url, content_type: contentType, insecure_ssl: insecureSsl, secret }: Record<string, unknown>,
): Partial<HookConfig> {
  return {
    ...url !== undefined && { url: string(url, 'url') },
    ...contentType !== undefined && { contentType: string(contentType, 'content_type') },
    // GitHub takes "0", "1", 0 and 1.
    ...insecureSsl !== undefined && { insecureSsl: string(insecureSsl, 'insecure_ssl') },
    ...secret !== undefined && secret !== '' && { secret: string(secret, 'secret') },
  };
}

function shown(context: HooksContext, hook: Hook): ApiResponse {
  return { status: 200, body: restHook(context, hook) };
}

/** A hook as GitHub shows it, in answers and in pings: never with its secret. */
export function restHook(context: Pick<HooksContext, 'site' | 'organization'>, hook: Hook): Record<string, unknown> {
  const url = hookUrl(context, hook);
  return {
    type: 'Organization',
    id: hook.id,
    name: 'web',
    active: hook.active,
    events: [...hook.events],
    config: restConfig(hook),
    updated_at: iso(hook.updatedAt),
    created_at: iso(hook.createdAt),
    url,
    ping_url: `${url}/pings`,
    deliveries_url: `${url}/deliveries`,
  };
}

function restConfig(hook: Hook): Record<string, string> {
  return {
    content_type: hook.contentType,
    insecure_ssl: hook.insecureSsl,
    ...hook.hasSecret && { secret: '********' },
    url: hook.url,
  };
}

function restDelivery(delivery: Delivery): Record<string, unknown> {
  const { id, guid, deliveredAt, redelivery, duration, status, statusCode, event, action, repositoryId } = delivery;
  return {
    id,
    guid,
    delivered_at: new Date(deliveredAt).toISOString(),
    redelivery,
    duration,
    status,
    status_code: statusCode,
    event,
    action,
    installation_id: null,
    repository_id: repositoryId,
    throttled_at: null,
  };
}

function hookUrl({ site, organization }: Pick<HooksContext, 'site' | 'organization'>, hook: Hook): string {
  return `${site.api}/orgs/${organization.login}/hooks/${hook.id}`;
}

function json({ body }: ApiRequest): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(body.toString() || '{}');
  } catch {
    throw new ApiError(400, 'Problems parsing JSON');
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new ApiError(400, 'Body should be a JSON object');
  }
  return value as Record<string, unknown>;
}

function record(value: unknown, name: string): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) { throw wrongType(name, value, 'object'); }
  return value as Record<string, unknown>;
}

function string(value: unknown, name: string): string {
  if (typeof value !== 'string' && typeof value !== 'number') { throw wrongType(name, value, 'string'); }
  return String(value);
}

function number(text: string): number {
  if (!/^\d+$/.test(text)) { throw notFound(); }
  return Number(text);
}

function notSupplied(name: string): ApiError {
  return new ApiError(422, `Invalid request.\n\n"${name}" wasn't supplied.`);
}

function wrongType(name: string, value: unknown, type: string): ApiError {
  return new ApiError(
    422,
    `Invalid request.\n\nFor '${name}', ${JSON.stringify(value)} is not `
      + `${type === 'array' || type === 'object' ? 'an' : 'a'} ${type}.`,
  );
}
