import type { Access, Token } from './auth';

export interface ApiRequest {
  readonly url: URL;
  readonly token: Token | undefined;
  /** Decoded values of the route's `:name` segments. */
  readonly parameters: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

export interface ApiResponse {
  readonly status: number;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

/** One endpoint below `/orgs/{org}`. */
export interface Route {
  readonly method: 'GET' | 'POST' | 'PATCH' | 'DELETE';
  /** Segments; `:name` takes one encoded segment, so that `%2F` is part of a name and `/` is not. */
  readonly path: readonly string[];
  /** For the headers that say what a token would need. */
  readonly access: Access;
  /** `documentation_url` of its errors. */
  readonly docs: string;
  handle(request: ApiRequest): ApiResponse;
}

export interface Match { readonly route: Route; readonly parameters: Readonly<Record<string, string>> }

/** The route of a path, and what its parameters are. */
export function match(routes: readonly Route[], method: string, segments: readonly string[]): Match | undefined {
  for (const route of routes) {
    if (route.method !== method || route.path.length !== segments.length) { continue; }
    const pairs = route.path.map((part, index) => [part, segments[index]] as const);
    if (!pairs.every(([part, segment]) => part.startsWith(':') ? segment !== '' : part === segment)) { continue; }
    const parameters = pairs.filter(([part]) => part.startsWith(':'))
      .map(([part, segment]) => [part.slice(1), decodeURIComponent(segment)]);
    return { route, parameters: Object.fromEntries(parameters) };
  }
  return undefined;
}
