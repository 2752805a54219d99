import type { Faults } from '../faults';
import type { RateLimitOptions } from './rate-limit';

/** Time as this stand-in needs it; sandbox/aws/core/clock.ts fits. */
export interface GitHubClock {
  /** Milliseconds since the epoch. */
  now(): number;
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

export interface TokenOptions {
  readonly value: string;
  /** Classic PAT, fine-grained PAT or a GitHub App's installation token. */
  readonly kind: 'classic' | 'fine-grained' | 'app';
  /** Scopes of a classic PAT: `read:packages`, `admin:org_hook`. @default [] */
  readonly scopes?: readonly string[];
  /** Permissions of the other two kinds: `{ organization_hooks: 'write' }`. @default {} */
  readonly permissions?: Readonly<Record<string, 'read' | 'write'>>;
  /** Whether the user owns the organization, without which hooks do not exist for them. @default false */
  readonly owner?: boolean;
  /** Whether the user belongs to the organization; others see public packages only. @default true */
  readonly member?: boolean;
  /**
   * `required`: the organization enforces SAML and nobody authorized this token. Matters to classic PATs.
   *
   * @default 'authorized'
   */
  readonly sso?: 'authorized' | 'required';
  /** @default never */
  readonly expiresAt?: Date;
}

export interface GitHubOptions {
  /** Display case, `My-Org`; matched without case. */
  readonly organization: string;
  readonly tokens: readonly TokenOptions[];
  /** What `package_url` names. @default 'ghcr.io' */
  readonly registryHost?: string;
  readonly clock?: GitHubClock;
  /** Faults of the REST API. */
  readonly faults?: Faults;
  /** @default 0 (the system chooses) */
  readonly port?: number;
  /** `/api/v3` answers as GitHub Enterprise Server does. @default '' */
  readonly prefix?: '' | '/api/v3';
  /** Smaller pages than GitHub's 100, so that few versions already need several. @default 100 */
  readonly pageSizeCap?: number;
  /**
   * Whether the list of deliveries knows the parameter `status`; GitHub Enterprise Server
   * may not, and answers with all.
   *
   * @default true
   */
  readonly deliveryStatusFilter?: boolean;
  /** How long a delivery waits before it is sent: one number, or a range to draw from (which reorders). @default 0 */
  readonly deliveryDelayMs?: number | readonly [number, number];
  /** Tags of one digest that are pushed within this time share one delivery, which names the last. @default 50 */
  readonly tagWindowMs?: number;
  /** How long a receiver may take: 10 s on github.com, 30 s on GitHub Enterprise Server. @default by the prefix */
  readonly deliveryTimeoutMs?: number;
  /**
   * Where a hook's URL really leads, as DNS would tell: local cloud APIs have AWS's names.
   *
   * @default - the URL itself
   */
  readonly resolveUrl?: (url: string) => string;
  /** Chance from 0 to 1 that a delivery is sent twice, with the same X-GitHub-Delivery. @default 0 */
  readonly duplicateDeliveries?: number;
  /** `none`: pushed packages belong to no repository. @default 'first-segment' (my-org/app/cache -> repository app) */
  readonly linkRepositories?: 'first-segment' | 'none';
  /** `silent`: a package without repository delivers no event; nobody documents which it is. @default 'deliver' */
  readonly unlinkedPackages?: 'deliver' | 'silent';
  /** Visibility of a pushed package. @default 'private', as in GHCR */
  readonly visibility?: Visibility;
  /** Refuse hooks to loopback addresses, as github.com does and a local cloud can't. @default false */
  readonly refuseLoopback?: boolean;
  readonly rateLimit?: RateLimitOptions;
  /** How long GitHub thinks about a request, which then counts as concurrent. @default 0 */
  readonly latencyMs?: number;
  /** Draws for ids, delays and duplicates. @default seeded */
  readonly random?: () => number;
}

export type Visibility = 'public' | 'private' | 'internal';
