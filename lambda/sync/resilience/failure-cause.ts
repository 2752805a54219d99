/** Why a step of a copy failed. */
export type FailureCause =
  /** GHCR serves a manifest some seconds after it announced it: "unknown" means "late" until it lasts. */
  | 'lag'
  | 'throttled'
  /** The registry fails itself, as it does under load: 5xx. */
  | 'overloaded'
  | 'network'
  | 'expired'
  /** Not allowed, or the login ended: the answer does not tell which, a new login does. */
  | 'login'
  | 'denied'
  /** The tag may not be moved. */
  | 'conflict'
  /** ECR lacks a blob or a child that it said it had. */
  | 'missing'
  | 'unsupported'
  /** The manifest breaks the specification, or has more entries than any image. No other program shall try it. */
  | 'invalid'
  /** The registry wants the login, or the content, to go where it must not. */
  | 'untrusted'
  | 'unknown';

/** An error whose thrower knows the cause. Registries and skopeo have subclasses of their own. */
export abstract class CausedError extends Error {
  public abstract readonly failureCause: FailureCause;

  /** How long the other side asks to wait, if it does. */
  public readonly retryAfterMs: number | undefined = undefined;
}

/** Whether fewer requests would help. A registry that can't be reached is no sign of load. */
export function asksToSlowDown(cause: FailureCause): boolean {
  return cause === 'throttled' || cause === 'overloaded';
}

const DENIED = 'The packages token may not pull this package, or the project\'s role may not push to this repository: '
  + 'the message says which registry refused.';

const FIXES: Readonly<Record<FailureCause, string>> = {
  lag: 'GHCR does not serve this manifest: it was deleted, or GHCR lags behind. The next run tries again.',
  throttled: 'The registry asks to slow down. The next run tries again; if this lasts, '
    + 'lower `putImageRate` or raise the quota.',
  overloaded: 'The registry failed again and again. The next run tries again.',
  network: 'The connection failed again and again. The next run tries again.',
  expired: 'The registry\'s login expired twice. The next run logs in anew.',
  login: DENIED,
  denied: DENIED,
  conflict: 'The repository lets no tag be moved. Delete the tag in ECR, or make the repository mutable.',
  missing: 'ECR has lost blobs or manifests that it had a moment ago: a lifecycle policy may be at work. '
    + 'The next run copies them again.',
  unsupported: 'ECR does not accept this kind of manifest.',
  invalid: 'The mirror copies no such manifest: look at who pushed it, and push the image anew.',
  untrusted: 'Nothing was sent there: check `registryHost`, and who answers for that host.',
  unknown: 'The next run tries again.',
};

/** What a person can do about it. */
export function fixOf(cause: FailureCause): string {
  return FIXES[cause];
}
