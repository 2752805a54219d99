import { isObject } from './is-object';
import { shown } from './shown';
import { isDigest } from '../../src/image-name';

/**
 * GitHub's package events. `package` is what organization hooks deliver, `registry_package` what GitHub Apps get, and
 * `package_v2` (action `create`) is retired but still in some organizations' redeliveries. All have one shape.
 *
 * @see https://docs.github.com/en/webhooks/webhook-events-and-payloads#package
 */
const EVENTS: ReadonlyMap<string, readonly string[]> = new Map([
  ['package', ['published', 'updated']],
  ['registry_package', ['published', 'updated']],
  ['package_v2', ['create', 'published', 'updated']],
]);

/** Whether deliveries of this event, the value of X-GitHub-Event, are about packages. */
export function isPackageEvent(event: string): boolean {
  return EVENTS.has(event);
}

/** What a delivery means to the mirror. */
export type PackageEvent =
  | { readonly kind: 'changed'; readonly package: string; readonly digest?: string; readonly tag?: string }
  | { readonly kind: 'ignored'; readonly reason: string }
  | { readonly kind: 'malformed'; readonly reason: string };

type Json = Readonly<Record<string, unknown>>;

/**
 * Reads a package event. Only the organization and the package's name are relied upon: GitHub leaves every other field
 * out, or null, in some event.
 *
 * @param event value of X-GitHub-Event
 * @param payload the parsed JSON body
 * @param organization the organization that is mirrored; compared without case
 */
export function parsePackageEvent(event: string, payload: unknown, organization: string): PackageEvent {
  const actions = EVENTS.get(event);
  if (actions === undefined) { return ignored(`event ${shown(event)} is not about packages`); }
  if (!isObject(payload)) { return malformed('body is not a JSON object'); }
  const action = string(payload.action);
  if (action !== undefined && !actions.includes(action)) { return ignored(`action ${shown(action)} adds no image`); }
  const subject = object(payload.package) ?? object(payload.registry_package);
  if (subject === undefined) { return malformed('neither "package" nor "registry_package" is there'); }
  return parseSubject(subject, payload, organization);
}

function parseSubject(subject: Json, payload: Json, organization: string): PackageEvent {
  const type = otherType(subject);
  if (type !== undefined) { return ignored(`package type ${shown(type)} is not a container`); }
  const owner = string(object(payload.organization)?.login)
    ?? string(object(subject.owner)?.login)
    ?? string(subject.namespace);
  if (owner === undefined) {
    return malformed('no organization: "organization.login", "owner.login" and "namespace" are missing');
  }
  if (owner.toLowerCase() !== organization.toLowerCase()) {
    return ignored(`organization ${shown(owner)} is not mirrored here`);
  }
  const name = string(subject.name);
  if (name === undefined) { return malformed('the package has no "name"'); }
  const version = object(subject.package_version);
  const container = object(version?.container_metadata);
  const digest = firstDigest(
    version?.version,
    version?.name,
    object(container?.tag)?.digest,
    object(container?.manifest)?.digest,
  );
  const tag = string(object(container?.tag)?.name);
  return { kind: 'changed', package: name, ...(digest ? { digest } : {}), ...(tag ? { tag } : {}) };
}

/**
 * Why the package is no container, if no field says that it is one. GitHub's own samples of images contradict
 * themselves: `package_type` npm, `ecosystem` docker, `registry.type` CONTAINER, with `container_metadata`
 * (https://github.com/octokit/webhooks/tree/main/payload-examples/api.github.com/package).
 */
function otherType(subject: Json): string | undefined {
  const types = [subject.package_type, subject.ecosystem, object(subject.registry)?.type]
    .flatMap(type => string(type) ?? []);
  const container = types.some(type => type.toUpperCase() === 'CONTAINER')
    || object(object(subject.package_version)?.container_metadata) !== undefined;
  return container ? undefined : types[0];
}

function firstDigest(...candidates: unknown[]): string | undefined {
  return candidates.map(string).find(candidate => candidate !== undefined && isDigest(candidate));
}

function ignored(reason: string): PackageEvent {
  return { kind: 'ignored', reason };
}

function malformed(reason: string): PackageEvent {
  return { kind: 'malformed', reason };
}

function object(value: unknown): Json | undefined {
  return isObject(value) ? value : undefined;
}

/** A string with something in it: GitHub writes "" where it means none. */
function string(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}
