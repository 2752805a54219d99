/** Lets a mirror without hook keep its identity. */
export const NO_HOOK = 'none';

/** Stands for a hook whose id nobody could tell: it is known by its URL. */
export const UNKNOWN_HOOK = 'unknown';

const IDENTITY = /^([A-Za-z0-9-]+)\/(none|unknown|\d+)$/;

/** Identity of the custom resource: `<organization>/<hook id>`. */
export function physicalId(organization: string, hookId: number | typeof NO_HOOK | typeof UNKNOWN_HOOK): string {
  return `${organization.toLowerCase()}/${hookId}`;
}

/**
 * Hook id in an identity of ours; undefined when it is unknown, and in an identity that a
 * failed or interrupted Create left.
 */
export function hookIdIn(id: string): number | typeof NO_HOOK | undefined {
  const [, , hook] = IDENTITY.exec(id) ?? [];
  if (hook === undefined || hook === UNKNOWN_HOOK) { return undefined; }
  return hook === NO_HOOK ? NO_HOOK : Number(hook);
}

/** Organization in an identity of ours. */
export function organizationIn(id: string): string | undefined {
  return IDENTITY.exec(id)?.[1];
}
