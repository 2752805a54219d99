import type { HookDelivery } from './hooks';

/** Deliveries that failed for the same cause. */
export interface FailedDeliveries {
  /** Status that GitHub saw, 0 when nothing answered, and GitHub's words for it. */
  readonly cause: string;
  readonly count: number;
  readonly newest: Pick<HookDelivery, 'guid' | 'event' | 'deliveredAt'>;
}

/**
 * What GitHub could not deliver, by cause: an outage fails thousands of deliveries for one reason. A delivery that somebody sent again
 * with success is delivered.
 *
 * @param deliveries newest first
 */
export function failedDeliveries(deliveries: readonly HookDelivery[]): FailedDeliveries[] {
  const delivered = new Set(deliveries.filter(({ statusCode }) => statusCode >= 200 && statusCode < 300).map(({ guid }) => guid));
  const byCause = new Map<string, HookDelivery[]>();
  for (const delivery of deliveries) {
    if (delivered.has(delivery.guid)) { continue; }
    const cause = `${delivery.statusCode} ${delivery.status}`;
    byCause.set(cause, [...byCause.get(cause) ?? [], delivery]);
  }
  return [...byCause].map(([cause, group]) => {
    const [{ guid, event, deliveredAt }] = group;
    return { cause, count: group.length, newest: { guid, event, deliveredAt } };
  });
}
