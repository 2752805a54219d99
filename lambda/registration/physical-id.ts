/** Lets a mirror without hook keep its identity. */
export const NO_HOOK = 'none';

/** Identity of the custom resource: `<organization>/<hook id>`. */
export function physicalId(organization: string, hookId: number | typeof NO_HOOK): string {
  return `${organization.toLowerCase()}/${hookId}`;
}

/** Hook id in an identity of ours; undefined in one that a failed or interrupted Create left. */
export function hookIdIn(id: string): number | typeof NO_HOOK | undefined {
  const match = /^[^/]+\/(none|\d+)$/.exec(id);
  if (!match) { return undefined; }
  return match[1] === NO_HOOK ? NO_HOOK : Number(match[1]);
}
