import { createHash, randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { Handler, readBody } from '../http-server';
import { Token, tokenHeaders, Tokens } from './auth';
import { ApiError, notFound } from './errors';
import type { Organization, Site } from './people';
import type { RateLimits } from './rate-limit';
import { ApiRequest, ApiResponse, match, Route } from './routes';

export interface ApiContext {
  readonly site: Site;
  readonly organization: Organization;
  readonly prefix: string;
  readonly tokens: Tokens;
  readonly rateLimits: RateLimits;
  readonly routes: readonly Route[];
  /** Passes while GitHub thinks about a request. */
  think(): Promise<void>;
}

/** Facts about an exchange that the headers of its answer depend on. */
interface Exchange { token?: Token; route?: Route; user: number }

/** The REST API: what every endpoint has in common. */
export function apiHandler(context: ApiContext): Handler {
  return async (request, response) => {
    const exchange: Exchange = { user: 0 };
    const body = await readBody(request);
    const answer = await respond(context, exchange, request, body);
    write(response, answer, { ...commonHeaders(exchange), ...context.rateLimits.headers(exchange.user) });
  };
}

async function respond(
  context: ApiContext,
  exchange: Exchange,
  request: IncomingMessage,
  body: Buffer,
): Promise<ApiResponse> {
  try {
    if (request.headers['user-agent'] === undefined) {
      throw new ApiError(
        403,
        'Request forbidden by administrative rules. Please make sure your request has a User-Agent header.',
      );
    }
    exchange.token = context.tokens.authenticate(request.headers.authorization);
    exchange.user = exchange.token?.userId ?? 0;
    if (isRateLimitPath(context, request)) { return { status: 200, body: context.rateLimits.describe(exchange.user) }; }
    return await counted(context, exchange.user, request, () => conditional(
      request,
      dispatch(context, exchange, request, body),
    ));
  } catch (error) {
    return errorResponse(error, exchange.route?.docs ?? 'https://docs.github.com/rest');
  }
}

/** Asking for the limit is free: https://docs.github.com/en/rest/rate-limit/rate-limit */
function isRateLimitPath({ prefix, site }: ApiContext, { method, url }: IncomingMessage): boolean {
  return method === 'GET' && new URL(url ?? '/', site.api).pathname === `${prefix}/rate_limit`;
}

/** Runs a request within the rate limits. A refused one counts, a 304 doesn't. */
async function counted(
  { rateLimits, think }: ApiContext,
  user: number,
  request: IncomingMessage,
  run: () => ApiResponse,
): Promise<ApiResponse> {
  rateLimits.start(user, request.method ?? 'GET');
  let status = 500;
  try {
    await think();
    const answer = run();
    status = answer.status;
    return answer;
  } finally {
    rateLimits.end(user, status);
  }
}

function dispatch(
  { site, prefix, organization, routes }: ApiContext,
  exchange: Exchange,
  request: IncomingMessage,
  body: Buffer,
): ApiResponse {
  const url = new URL(request.url ?? '/', site.api);
  const [, ...segments] = url.pathname.startsWith(`${prefix}/`) ? url.pathname.slice(prefix.length).split('/') : [];
  const [root, name, ...rest] = segments;
  const matched = match(routes, request.method ?? '', rest);
  exchange.route = matched?.route;
  if (!matched || root !== 'orgs' || decodeURIComponent(name).toLowerCase() !== organization.login.toLowerCase()) {
    throw notFound();
  }
  const call: ApiRequest = { url, token: exchange.token, parameters: matched.parameters, body };
  return matched.route.handle(call);
}

/** ETag, and 304 for who has it already. */
function conditional(request: IncomingMessage, answer: ApiResponse): ApiResponse {
  if (request.method !== 'GET' || answer.status !== 200) { return answer; }
  const hash = createHash('sha256').update(JSON.stringify(answer.body)).digest('hex');
  const headers = { ...answer.headers, 'etag': `W/"${hash}"`, 'cache-control': 'private, max-age=60, s-maxage=60' };
  return request.headers['if-none-match']?.includes(hash) ? { status: 304, headers } : { ...answer, headers };
}

function errorResponse(error: unknown, docs: string): ApiResponse {
  // Anything else is a bug in the stand-in, which http-server reports.
  if (!(error instanceof ApiError)) { throw error; }
  return { status: error.status, body: error.body(docs), headers: error.details.headers };
}

function commonHeaders({ token, route }: Exchange): Record<string, string> {
  return {
    'server': 'github.com',
    'x-github-media-type': 'github.v3; format=json',
    'x-github-request-id': randomUUID(),
    'x-github-api-version-selected': '2022-11-28',
    ...token && route && tokenHeaders(token, route.access),
  };
}

function write(response: ServerResponse, { status, body, headers }: ApiResponse, common: Record<string, string>): void {
  const bytes = body === undefined ? undefined : Buffer.from(JSON.stringify(body));
  response.writeHead(status, {
    ...common,
    ...headers,
    ...bytes && {
      'content-type': 'application/json; charset=utf-8',
      'content-length': String(bytes.length),
    },
  }).end(bytes);
}
