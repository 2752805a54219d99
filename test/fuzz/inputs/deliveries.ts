import { fixture } from '../../unit/shared/samples';

const version = {
  version: `sha256:${'a'.repeat(64)}`,
  container_metadata: { tag: { name: 'latest', digest: `sha256:${'a'.repeat(64)}` } },
};

/** Payloads of package events: GitHub's own, and the least that is accepted, which more of the mutations hit. */
export const DELIVERIES: readonly unknown[] = [
  {
    action: 'published',
    package: { name: 'app', package_type: 'CONTAINER', package_version: version },
    organization: { login: 'My-Org' },
  },
  { action: 'updated', registry_package: { name: 'team/tool', ecosystem: 'container', namespace: 'my-org' } },
  { action: 'published', package: { name: 'app', namespace: 'my-org', registry: { type: 'CONTAINER' } } },
  fixture('package-published-index'),
];
