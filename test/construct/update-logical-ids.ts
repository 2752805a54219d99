/**
 * Writes the logical ids of today into logical-ids.json, unless a user would lose something: `npx tsx
 * test/construct/update-logical-ids.ts`.
 */
import { commit, committed, losses, synthesized } from './logical-ids';
import bundleWhenNeeded from '../setup/bundle-when-needed';

bundleWhenNeeded({ testPathPatterns: { patterns: [] } });
const now = synthesized();
const lost = Object.entries(committed()).flatMap(([mirror, before]) => losses(before, now[mirror] ?? {}));
if (lost.length > 0) {
  console.error(`logical-ids.json stays as it is:\n${lost.join('\n')}`);
  process.exitCode = 1;
} else {
  commit(now);
}
