import type { Received } from '../../../lambda/dispatch/received';
import { parseMessage, SyncMessage } from '../../../src/contract/messages';
import { MAX_RECEIVES } from '../../../src/contract/patience';

interface Message {
  readonly id: string;
  readonly body: string;
  readonly sentAt: number;
  visibleAt: number;
  receiveCount: number;
}

/** SQS lets no more messages be received before some are deleted. */
const IN_FLIGHT_LIMIT = 120_000;
const RETENTION_MS = 14 * 24 * 3_600_000;
const VISIBILITY_MS = 30 * 60_000;
const MAX_DELAY_S = 900;
const MAX_VISIBILITY_S = 43_200;

/** What the queue did, for the figures. */
export interface QueueStatistics {
  sent: number;
  receives: number;
  /** Messages that were handed out a second time although they were deleted, or still hidden. */
  duplicates: number;
  mostInFlight: number;
}

/**
 * A standard queue, as strict as SQS: at least once, in no order, with visibility timeouts, receive counts, a
 * dead-letter queue, retention,
 * and a limit of messages in flight.
 */
export class SizeQueue {
  public readonly deadLetters: string[] = [];
  public readonly expired: string[] = [];
  public readonly statistics: QueueStatistics = { sent: 0, receives: 0, duplicates: 0, mostInFlight: 0 };
  private readonly messages = new Map<string, Message>();
  private count = 0;

  constructor(private readonly now: () => number, private readonly random: () => number) {}

  public get size(): number {
    return this.messages.size;
  }

  public send(message: SyncMessage, delaySeconds = 0): void {
    if (!Number.isInteger(delaySeconds) || delaySeconds < 0 || delaySeconds > MAX_DELAY_S) {
      throw new Error(`SQS accepts no delay of ${delaySeconds} s`);
    }
    const id = `m${++this.count}`;
    this.statistics.sent++;
    const sent = {
      id,
      body: JSON.stringify(message),
      sentAt: this.now(),
      visibleAt: this.now() + delaySeconds * 1000,
      receiveCount: 0,
    };
    this.messages.set(id, sent);
    // At least once: now and then a copy of a message comes, too.
    if (this.random() < 0.01) {
      this.statistics.duplicates++;
      this.messages.set(`${id}-copy`, { ...sent, id: `${id}-copy` });
    }
  }

  /** Hides up to `max` visible messages and hands them out, in no order. */
  public receive(max: number): Received[] {
    const now = this.now();
    const visible = this.visible(now);
    const inFlight = this.inFlight(now);
    this.statistics.mostInFlight = Math.max(this.statistics.mostInFlight, inFlight);
    const allowed = Math.max(0, Math.min(max, IN_FLIGHT_LIMIT - inFlight));
    return this.drawn(visible, allowed).map(message => {
      message.receiveCount++;
      message.visibleAt = now + VISIBILITY_MS;
      this.statistics.receives++;
      return {
        id: message.id,
        message: parseMessage(message.body),
        receiveCount: message.receiveCount,
        sentAt: message.sentAt,
      };
    });
  }

  public hide(id: string, seconds: number): void {
    if (!Number.isInteger(seconds) || seconds < 0 || seconds > MAX_VISIBILITY_S) {
      throw new Error(`SQS accepts no visibility timeout of ${seconds} s`);
    }
    const message = this.messages.get(id);
    if (message) { message.visibleAt = this.now() + seconds * 1000; }
  }

  public delete(id: string): void {
    this.messages.delete(id);
  }

  /** When the next message becomes visible. */
  public nextVisible(): number {
    let next = Infinity;
    for (const { visibleAt } of this.messages.values()) { next = Math.min(next, visibleAt); }
    return next;
  }

  private visible(now: number): Message[] {
    const visible: Message[] = [];
    for (const message of this.messages.values()) {
      if (message.visibleAt > now) { continue; }
      if (now - message.sentAt > RETENTION_MS) {
        this.expired.push(message.body);
        this.messages.delete(message.id);
      } else if (message.receiveCount >= MAX_RECEIVES) {
        this.deadLetters.push(message.body);
        this.messages.delete(message.id);
      } else {
        visible.push(message);
      }
    }
    return visible;
  }

  private inFlight(now: number): number {
    let count = 0;
    for (const { visibleAt, receiveCount } of this.messages.values()) {
      if (visibleAt > now && receiveCount > 0) { count++; }
    }
    return count;
  }

  private drawn(visible: Message[], count: number): Message[] {
    for (let at = 0; at < Math.min(count, visible.length); at++) {
      const other = at + Math.floor(this.random() * (visible.length - at));
      [visible[at], visible[other]] = [visible[other], visible[at]];
    }
    return visible.slice(0, count);
  }
}
