import type { AnyTarget, Opening } from './target';
import { challenges } from './targets/challenges';
import { copier } from './targets/copier';
import { gitHubLists } from './targets/github-lists';
import { lines } from './targets/lines';
import { manifests } from './targets/manifest';
import { messages } from './targets/messages';
import { packageEvents } from './targets/package-events';
import { registration } from './targets/registration';
import { registryErrors } from './targets/registry-errors';
import { requested } from './targets/requested-packages';
import { secrets } from './targets/secrets';
import { skopeoErrors } from './targets/skopeo-errors';
import { tagFilters } from './targets/tag-filters';
import { webhook } from './targets/webhook';

const opening =
  (open: () => unknown): Opening =>
    async () =>
      (await open()) as AnyTarget;

/** By the name that `--only` takes. */
export const TARGETS: Readonly<Record<string, Opening>> = {
  'manifests': opening(manifests),
  'challenges': opening(challenges),
  'registry-errors': opening(registryErrors),
  'skopeo-errors': opening(skopeoErrors),
  'package-events': opening(packageEvents),
  'queue-messages': opening(messages),
  'secrets': opening(secrets),
  'tag-filters': opening(tagFilters),
  'log-lines': opening(lines),
  'requested-packages': opening(requested),
  'webhook': opening(webhook),
  'github-lists': opening(gitHubLists),
  'copier': opening(copier),
  'registration': opening(registration),
};
