/** Body of a message in the queue between the webhook and dispatch, as JSON. */
export type SyncMessage = OrganizationMessage | PackageMessage;

/**
 * Asks dispatch to reconcile every package of the organization. What is not done at once is left to one
 * `PackageMessage` for each package.
 */
export interface OrganizationMessage {
  readonly kind: 'organization';
}

/** Asks dispatch to reconcile one package. */
export interface PackageMessage {
  readonly kind: 'package';
  /** Package name without the organization; nested names contain `/`. */
  readonly package: string;
  /**
   * Digest that the delivery announced: dispatch reads the package's versions, newest first, until it has seen this
   * one.
   */
  readonly digest?: string;
  /** Header X-GitHub-Delivery of the delivery, by which one push can be followed through all logs. */
  readonly delivery?: string;
  /** A full reconcile asks, and no push: others go first. */
  readonly reconcile?: true;
}

export const ORGANIZATION_MESSAGE: OrganizationMessage = { kind: 'organization' };

/**
 * Parses the body of a queue message.
 *
 * @throws if it is no message of the mirror. The caller leaves such a message to the dead-letter queue, where a person
 * sees it.
 */
export function parseMessage(body: string): SyncMessage {
  const refuse = (why: string): Error => new Error(
    `Queue message ${why}, expected {"kind":"organization"} or {"kind":"package","package":"NAME"}. `
    + 'Only the mirror itself should send to this queue: look for another sender.');
  const message = parseObject(body);
  if (message === undefined) { throw refuse('is not a JSON object'); }
  if (message.kind === 'organization') { return ORGANIZATION_MESSAGE; }
  if (message.kind !== 'package') { throw refuse(`has ${shownKind(message.kind)}`); }
  if (typeof message.package !== 'string' || message.package === '') { throw refuse('names no package'); }
  return {
    kind: 'package',
    package: message.package,
    ...(typeof message.digest === 'string' ? { digest: message.digest } : {}),
    ...(typeof message.delivery === 'string' ? { delivery: message.delivery } : {}),
    ...(message.reconcile === true ? { reconcile: true } : {}),
  };
}

/** Somebody else's text goes into the message only if it is a plain word. */
function shownKind(kind: unknown): string {
  if (kind === undefined) { return 'kind undefined'; }
  return typeof kind === 'string' && /^[\w-]{1,50}$/.test(kind) ? `kind "${kind}"` : 'a kind that is no word';
}

function parseObject(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? value as Record<string, unknown>
      : undefined;
  } catch {
    return undefined;
  }
}
