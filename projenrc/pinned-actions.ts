import { github } from 'projen';

interface Pin {
  /** Full hash of the commit that the version's tag points to. */
  readonly commit: string;
  readonly version: string;
}

/**
 * Commits of the actions that projen's workflows use, by the reference that projen gives: a tag can be moved, a commit
 * can't. When projen raises an action, synthesis fails until the new commit is here. Take it from the action's
 * repository: `git ls-remote https://github.com/OWNER/NAME refs/tags/VERSION^{} refs/tags/VERSION`.
 */
const PINS: Readonly<Record<string, Pin>> = {
  [github.ActionRefs.ACTIONS_CHECKOUT]: { version: 'v7.0.1', commit: '3d3c42e5aac5ba805825da76410c181273ba90b1' },
  [github.ActionRefs.ACTIONS_CREATE_GITHUB_APP_TOKEN]: {
    version: 'v3.2.0',
    commit: 'bcd2ba49218906704ab6c1aa796996da409d3eb1',
  },
  [github.ActionRefs.ACTIONS_DOWNLOAD_ARTIFACT]: {
    version: 'v8.0.1',
    commit: '3e5f45b2cfb9172054b4087a40e8e0b5a5461e7c',
  },
  [github.ActionRefs.ACTIONS_SETUP_DOTNET]: { version: 'v6.0.0', commit: 'a98b56852c35b8e3190ac28c8c2271da59106c68' },
  [github.ActionRefs.ACTIONS_SETUP_GO]: { version: 'v7.0.0', commit: 'b7ad1dad31e06c5925ef5d2fc7ad053ef454303e' },
  [github.ActionRefs.ACTIONS_SETUP_JAVA]: { version: 'v6.0.0', commit: 'dd06d9cba3e5552c54d9f8ea23572deb30010f7c' },
  [github.ActionRefs.ACTIONS_SETUP_NODE]: { version: 'v7.0.0', commit: '820762786026740c76f36085b0efc47a31fe5020' },
  [github.ActionRefs.ACTIONS_SETUP_PYTHON]: { version: 'v7.0.0', commit: '5fda3b95a4ea91299a34e894583c3862153e4b97' },
  [github.ActionRefs.ACTIONS_UPLOAD_ARTIFACT]: {
    version: 'v7.0.1',
    commit: '043fb46d1a93c77aae656e7c1c64a875d1fc6a0a',
  },
  [github.ActionRefs.AMANNN_ACTION_SEMANTIC_PULL_REQUEST]: {
    version: 'v6.1.1',
    commit: '48f256284bd46cdaab1048c3721360e808335d50',
  },
  [github.ActionRefs.PETER_EVANS_CREATE_PULL_REQUEST]: {
    version: 'v8.1.1',
    commit: '5f6978faf089d4d20b00c7766989d076bb2fc7f1',
  },
};

/**
 * Replaces each action's reference in a workflow by its commit, with the version in a comment, as updaters read it.
 *
 * @param text the workflow, as YAML
 * @throws when an action has no pin
 */
export function pinActions(text: string): string {
  return text.replace(/^(\s*(?:- )?uses: )(\S+).*$/gm, (_, start: string, reference: string) => {
    const pin = PINS[reference];
    if (pin === undefined) {
      throw new Error(`The workflows use ${reference}, expected an action with a commit in `
        + 'projenrc/pinned-actions.ts: add it there.');
    }
    return `${start}${reference.split('@')[0]}@${pin.commit} # ${pin.version}`;
  });
}
