import type { DeliveryLog, HookDelivery } from './hooks';
import { isPackageEvent } from '../shared/package-event';

/** Deliveries that failed for the same cause. */
export interface FailedDeliveries {
  /** Status that GitHub saw, 0 when nothing answered, and GitHub's words for it. */
  readonly cause: string;
  readonly count: number;
  readonly newest: Pick<HookDelivery, 'guid' | 'event' | 'deliveredAt'>;
}

/**
 * Attempts that GitHub could not deliver, by cause: an outage fails thousands of deliveries for one reason. A delivery
 * that somebody sent again with success is delivered.
 *
 * @param deliveries newest first
 */
export function failuresByCause(deliveries: readonly HookDelivery[]): FailedDeliveries[] {
  const byCause = new Map<string, HookDelivery[]>();
  for (const delivery of undelivered(deliveries)) {
    const cause = `${delivery.statusCode} ${delivery.status}`;
    byCause.set(cause, [...byCause.get(cause) ?? [], delivery]);
  }
  return [...byCause].map(([cause, group]) => {
    const [{ guid, event, deliveredAt }] = group;
    return { cause, count: group.length, newest: { guid, event, deliveredAt } };
  });
}

/** What is done about the deliveries that failed. */
export type Healing =
  | { readonly kind: 'nothing' }
  /** One attempt of each event. */
  | { readonly kind: 'redeliver'; readonly deliveries: readonly HookDelivery[] }
  /** They are too many: a full reconcile finds what they were about. */
  | { readonly kind: 'reconcile'; readonly failed: number };

export const HEALING = {
  /** The log is read this far back, always: nothing is remembered between two looks. */
  windowMs: 30 * 60_000,
  /** Longer than the pause between two looks, so that each failure is fresh in one of them at least. */
  freshMs: 15 * 60_000,
  /** Beside the first. */
  maxAttempts: 3,
  /** Six looks an hour stay below the 500 requests that GitHub allows for such purposes. */
  maxRedeliveries: 50,
};

/**
 * Decides by the log alone. An event whose first attempt is older than the window is left to the schedule: what the
 * window shows of its attempts would not be all of them. Many failures ask for a reconcile only while some are fresh,
 * because a look before has asked already for the others.
 *
 * @param now milliseconds since the epoch
 */
export function planHealing({ deliveries, complete }: DeliveryLog, now: number): Healing {
  const failed = eventsToHeal(
    deliveries.filter(({ deliveredAt }) => Date.parse(deliveredAt) >= now - HEALING.windowMs),
  );
  if (failed.length === 0) { return { kind: 'nothing' }; }
  if (complete && failed.length <= HEALING.maxRedeliveries) {
    return { kind: 'redeliver', deliveries: failed.map(([newest]) => newest) };
  }
  const isFresh = ({ redelivery, deliveredAt }: HookDelivery): boolean => !redelivery
    && Date.parse(deliveredAt) >= now - HEALING.freshMs;
  return failed.some(attempts => attempts.some(isFresh))
    ? { kind: 'reconcile', failed: failed.length }
    : { kind: 'nothing' };
}

/** Attempts of each event that did not get through and may be tried again, newest first. */
function eventsToHeal(deliveries: readonly HookDelivery[]): HookDelivery[][] {
  const byGuid = new Map<string, HookDelivery[]>();
  for (const delivery of undelivered(deliveries).filter(({ event }) => isPackageEvent(event))) {
    byGuid.set(delivery.guid, [...byGuid.get(delivery.guid) ?? [], delivery]);
  }
  return [...byGuid.values()].filter(attempts =>
    attempts.some(({ redelivery }) => !redelivery)
      && attempts.filter(({ redelivery }) => redelivery).length < HEALING.maxAttempts);
}

/** Attempts at events of which none has got through. */
function undelivered(deliveries: readonly HookDelivery[]): HookDelivery[] {
  const delivered = new Set(
    deliveries.filter(({ statusCode }) => statusCode >= 200 && statusCode < 300).map(({ guid }) => guid),
  );
  return deliveries.filter(({ guid }) => !delivered.has(guid));
}
