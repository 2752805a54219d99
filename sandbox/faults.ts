import type { IncomingMessage } from 'node:http';

/** A fault of one HTTP exchange. */
export type Fault =
  | {
    readonly kind: 'status';
    readonly status: number;
    readonly headers?: Record<string, string>;
    readonly body?: string;
  }
  /** The connection is reset before any answer. */
  | { readonly kind: 'reset' }
  /** The answer is cut after so many body bytes, and the connection is reset. */
  | { readonly kind: 'truncate'; readonly afterBytes: number }
  /** The body trickles. */
  | { readonly kind: 'slow'; readonly bytesPerSecond: number }
  /** No answer ever comes, and the connection stays open. */
  | { readonly kind: 'hang' }
  /** The answer starts late. */
  | { readonly kind: 'delay'; readonly ms: number };

export interface FaultRule {
  readonly method?: string;
  /** Matched against the request's path with its query. */
  readonly path?: RegExp;
  /** AWS operation, the part behind the dot of X-Amz-Target: `PutImage`. */
  readonly operation?: string;
  /** Matched against the request's headers, by lower-case name. A header that is absent is empty. */
  readonly headers?: Readonly<Record<string, RegExp>>;
  readonly fault: Fault;
  /** How many matching requests pass before the first fault. @default 0 */
  readonly skip?: number;
  /** How many times the fault strikes; `Infinity` for always. @default 1 */
  readonly times?: number;
  /** Chance of striking, drawn from the seed. @default 1 */
  readonly probability?: number;
}

interface ArmedRule extends FaultRule { seen: number; struck: number }

/**
 * Faults of one server: scripted rules in their order, then random ones from the seed, and a
 * round-trip time for every exchange.
 */
export class Faults {
  /** The injected faults, for assertions and for the report of a failing seed. */
  public readonly injected: { readonly method: string; readonly path: string; readonly fault: Fault }[] = [];
  /** Added before every answer, milliseconds: the distance of the network. */
  public roundTripMs = 0;
  private readonly rules: ArmedRule[] = [];
  private readonly random: () => number;

  constructor(public readonly seed: number = 1) {
    this.random = seededRandom(seed);
  }

  public add(...rules: FaultRule[]): this {
    this.rules.push(...rules.map(rule => ({ ...rule, seen: 0, struck: 0 })));
    return this;
  }

  public clear(): this {
    this.rules.length = 0;
    return this;
  }

  /** The fault that strikes this request, if any. */
  public next(request: IncomingMessage): Fault | undefined {
    for (const rule of this.rules) {
      if (!matches(rule, request) || rule.seen++ < (rule.skip ?? 0) || rule.struck >= (rule.times ?? 1)) { continue; }
      if (rule.probability !== undefined && this.random() >= rule.probability) { continue; }
      rule.struck++;
      this.injected.push({ method: request.method ?? '', path: request.url ?? '', fault: rule.fault });
      return rule.fault;
    }
    return undefined;
  }
}

function matches(rule: FaultRule, request: IncomingMessage): boolean {
  const operation = String(request.headers['x-amz-target'] ?? '').split('.').pop();
  return (rule.method === undefined || rule.method === request.method)
    && (rule.path === undefined || rule.path.test(request.url ?? ''))
    && (rule.operation === undefined || rule.operation === operation)
    && Object.entries(rule.headers ?? {}).every(([name, pattern]) => pattern.test(String(request.headers[name] ?? '')));
}

/** Lehmer's generator: good enough for tests, and the same on every machine. */
export function seededRandom(seed: number): () => number {
  const modulus = 2_147_483_647;
  let state = Math.abs(Math.trunc(seed)) % (modulus - 1) + 1;
  const next = (): number => {
    state = state * 48_271 % modulus;
    return (state - 1) / (modulus - 1);
  };
  // Neighbouring seeds begin alike: let them part.
  for (let warmUp = 0; warmUp < 4; warmUp++) { next(); }
  return next;
}
