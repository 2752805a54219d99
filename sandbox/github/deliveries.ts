import { notFound } from './errors';
import type { Hook } from './hooks';
import type { GitHubClock } from './options';
import { Outcome, post } from './post';
import { signatureHeaders } from './signature';

/** One line of the delivery log. */
export interface Delivery {
  readonly id: number;
  /** X-GitHub-Delivery: the same for every attempt at one event. */
  readonly guid: string;
  readonly hookId: number;
  readonly event: string;
  readonly action: string | null;
  readonly deliveredAt: number;
  /** Seconds. */
  readonly duration: number;
  readonly status: string;
  readonly statusCode: number;
  readonly redelivery: boolean;
  readonly repositoryId: number | null;
  readonly url: string;
  readonly request: { readonly headers: Readonly<Record<string, string>>; readonly payload: unknown };
  readonly response: Pick<Outcome, 'headers' | 'payload'>;
}

/** An event to deliver. */
export interface Message {
  readonly hook: Hook;
  readonly event: string;
  /** A Buffer goes out byte for byte, anything else as GitHub would write it. */
  readonly payload: object | Buffer;
  /** @default a new one */
  readonly guid?: string;
  readonly redelivery?: boolean;
  /** Overrides; undefined leaves a header out. */
  readonly headers?: Readonly<Record<string, string | undefined>>;
}

export type ReleaseOrder = 'arrival' | 'reversed' | 'shuffled';

export interface DeliverySettings {
  readonly clock: GitHubClock;
  readonly random: () => number;
  readonly organizationId: number;
  readonly delayMs: number | readonly [number, number];
  readonly timeoutMs: number;
  /** Where a URL's host really is: what DNS would tell. */
  readonly resolveUrl: (url: string) => string;
  duplicates: number;
}

/** How long GitHub keeps deliveries, and lets one redeliver. */
const KEPT_MS = 3 * 24 * 3_600_000;

/** Sends signed deliveries, each once, and keeps the log of them. */
export class Deliveries {
  /** In order of completion. */
  public readonly log: Delivery[] = [];
  private readonly underWay = new Set<Promise<unknown>>();
  private readonly closing = new AbortController();
  private held?: (() => Promise<unknown>)[];
  private lastId = 180_000_000_000;

  constructor(private readonly settings: DeliverySettings) {}

  /** Sends now, or when the hold is released. */
  public async send(message: Message): Promise<Delivery> {
    const guid = message.guid ?? this.guid();
    const once = (): Promise<Delivery> => this.attempt({ ...message, guid });
    const twice = this.settings.random() < this.settings.duplicates;
    const first = this.start(once);
    if (twice) { this.start(once).catch(reportFault); }
    return first;
  }

  /** Sends for nobody who waits: only `idle` and the log tell of it. */
  public sendInBackground(message: Message): void {
    this.send(message).catch(reportFault);
  }

  /** Attempts of a hook that GitHub still shows, newest first. */
  public shown(hookId: number): readonly Delivery[] {
    const oldest = this.settings.clock.now() - KEPT_MS;
    return this.log.filter(delivery => delivery.hookId === hookId && delivery.deliveredAt > oldest)
      .sort((a, b) => b.id - a.id);
  }

  public get(hookId: number, id: number): Delivery {
    const delivery = this.shown(hookId).find(candidate => candidate.id === id);
    if (!delivery) { throw notFound(); }
    return delivery;
  }

  /**
   * The message that sends a delivery again: with the same guid and payload, to the hook's present address, signed with
   * its present secret.
   */
  public redelivery(hook: Hook, { guid, event, request }: Delivery): Message {
    const payload = typeof request.payload === 'object' && request.payload !== null
      ? request.payload
      : Buffer.from(String(request.payload));
    return { hook, guid, event, payload, redelivery: true };
  }

  /** Lets deliveries pile up. */
  public hold(): void {
    this.held ??= [];
  }

  /** Sends what piled up, one after the other in this order. */
  public async release(order: ReleaseOrder = 'arrival'): Promise<void> {
    const held = this.held ?? [];
    this.held = undefined;
    if (order === 'reversed') { held.reverse(); }
    if (order === 'shuffled') { shuffle(held, this.settings.random); }
    for (const start of held) { await start(); }
  }

  /** Counts work as under way, for `idle`. */
  public track<T>(work: Promise<T>): Promise<T> {
    this.underWay.add(work);
    const done = (): void => { this.underWay.delete(work); };
    work.then(done, done);
    return work;
  }

  /** Resolves when nothing is under way. What is held is not. */
  public async idle(): Promise<void> {
    while (this.underWay.size > 0) { await Promise.allSettled(this.underWay); }
  }

  /** Ends attempts under way and waits for them. */
  public async close(): Promise<void> {
    this.held = undefined;
    this.closing.abort();
    await this.idle();
  }

  /** Waits on the clock, shorter when the server closes. */
  public wait(ms: number): Promise<void> {
    return this.settings.clock.sleep(ms, this.closing.signal);
  }

  private start(once: () => Promise<Delivery>): Promise<Delivery> {
    const held = this.held;
    if (!held) { return this.track(once()); }
    return new Promise((resolve, reject) => held.push(() => {
      const running = this.track(once());
      running.then(resolve, reject);
      return running;
    }));
  }

  private async attempt(message: Message & { readonly guid: string }): Promise<Delivery> {
    const { hook, event, payload, guid } = message;
    const { clock, timeoutMs, resolveUrl } = this.settings;
    await this.wait(this.delay());
    const id = ++this.lastId;
    const url = hook.url;
    const body = render(hook, payload);
    const headers = this.headers(message, body);
    const began = performance.now();
    const outcome = await post({
      url: resolveUrl(url),
      headers,
      body,
      timeoutMs,
      insecure: hook.insecureSsl === '1',
      clock,
      signal: this.closing.signal,
    });
    const shown = payload instanceof Buffer ? parsed(payload) : payload;
    const delivery: Delivery = {
      id,
      guid,
      hookId: hook.id,
      event,
      action: text(shown, 'action'),
      deliveredAt: clock.now(),
      duration: Math.round(performance.now() - began) / 1000,
      status: outcome.status,
      statusCode: outcome.statusCode,
      redelivery: message.redelivery ?? false,
      repositoryId: repositoryId(shown),
      url,
      request: { headers, payload: shown },
      response: { headers: outcome.headers, payload: outcome.payload },
    };
    this.log.push(delivery);
    return delivery;
  }

  private headers(
    { hook, event, guid, headers = {} }: Message & { readonly guid: string },
    body: Buffer,
  ): Record<string, string> {
    const all: Record<string, string | undefined> = {
      'Accept': '*/*',
      'Content-Type': hook.contentType === 'json' ? 'application/json' : 'application/x-www-form-urlencoded',
      'User-Agent': 'GitHub-Hookshot/0a1b2c3',
      'X-GitHub-Delivery': guid,
      'X-GitHub-Event': event,
      'X-GitHub-Hook-ID': String(hook.id),
      'X-GitHub-Hook-Installation-Target-ID': String(this.settings.organizationId),
      'X-GitHub-Hook-Installation-Target-Type': 'organization',
      ...hook.withSecret(secret => signatureHeaders(secret, body)),
      ...headers,
    };
    return Object.fromEntries(Object.entries(all).filter((entry): entry is [string, string] => entry[1] !== undefined));
  }

  private delay(): number {
    const { delayMs, random } = this.settings;
    return typeof delayMs === 'number' ? delayMs : delayMs[0] + random() * (delayMs[1] - delayMs[0]);
  }

  private guid(): string {
    const hex = (length: number): string =>
      Array.from({ length }, () => Math.floor(this.settings.random() * 16).toString(16)).join('');
    return `${hex(8)}-${hex(4)}-11f0-${hex(4)}-${hex(12)}`;
  }
}

/** Anything but `json` is sent as a form, as GitHub does with `application/json`. */
function render(hook: Hook, payload: object | Buffer): Buffer {
  if (payload instanceof Buffer) { return payload; }
  const json = JSON.stringify(payload);
  return Buffer.from(hook.contentType === 'json' ? json : new URLSearchParams({ payload: json }).toString());
}

function parsed(payload: Buffer): unknown {
  try {
    return JSON.parse(payload.toString());
  } catch {
    // A test may send what is no JSON at all; the log then shows it as it is.
    return payload.toString();
  }
}

function text(payload: unknown, key: string): string | null {
  const value = (payload as Record<string, unknown> | null)?.[key];
  return typeof value === 'string' ? value : null;
}

function repositoryId(payload: unknown): number | null {
  return (payload as { readonly repository?: { readonly id?: number } } | null)?.repository?.id ?? null;
}

function shuffle(items: unknown[], random: () => number): void {
  for (let last = items.length - 1; last > 0; last--) {
    const other = Math.floor(random() * (last + 1));
    [items[last], items[other]] = [items[other], items[last]];
  }
}

function reportFault(error: unknown): void {
  process.stderr.write(`stand-in failed to deliver: ${String(error)}\n`);
}
