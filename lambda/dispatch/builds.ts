import { createHash } from 'node:crypto';
import { MAX_VARIABLE_LENGTH } from '../../src/contract/environment';
import type { Purpose } from '../shared/github-budget';
import type { Plan } from '../shared/plan';

/** A package in which something is missing. */
export interface PendingPackage {
  readonly package: string;
  readonly plan: Plan;
  /** Counts the looks at this work: work that is still missing at a later look is a new request. */
  readonly look: number;
}

/** One build to start. */
export interface BuildRequest {
  readonly packages: readonly string[];
  /** Value of the PACKAGES variable. */
  readonly variable: string;
  readonly purpose: Purpose;
  /**
   * Same packages with the same work at the same look: same token, so CodeBuild answers a duplicate event, or the
   * SDK's second try, with
   * the build that it has.
   */
  readonly idempotencyToken: string;
}

/**
 * Distributes packages over as few builds as the length of an environment variable allows.
 *
 * @param project part of the token: tokens are the account's, and another mirror may have the same work
 */
export function buildRequests(
  pending: readonly PendingPackage[], project: string, purpose: Purpose, maxLength = MAX_VARIABLE_LENGTH,
): BuildRequest[] {
  const sorted = [...pending].sort((a, b) => a.package < b.package ? -1 : 1);
  const requests: BuildRequest[] = [];
  let chunk: PendingPackage[] = [];
  let length = 2;
  for (const item of sorted) {
    const added = JSON.stringify(item.package).length + 1;
    if (chunk.length > 0 && length + added > maxLength) {
      requests.push(request(chunk, project, purpose));
      chunk = [];
      length = 2;
    }
    chunk.push(item);
    length += added;
  }
  return chunk.length > 0 ? [...requests, request(chunk, project, purpose)] : requests;
}

function request(chunk: readonly PendingPackage[], project: string, purpose: Purpose): BuildRequest {
  const packages = chunk.map(item => item.package);
  const work = chunk.map(({ plan, look }) => [
    plan.repository,
    look,
    plan.actions.map(({ kind, digest, tags }) => [kind, digest, ...tags]),
  ]);
  return {
    packages,
    variable: JSON.stringify(packages),
    purpose,
    idempotencyToken: createHash('sha256').update(JSON.stringify([project, packages, work])).digest('hex'),
  };
}
