import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Stack } from '../../sandbox/aws/core/stack';

/** Waits until nothing was busy for `settleMs`. @returns when it became quiet, by `performance.now()` */
export async function quiet(busy: () => boolean, settleMs: number): Promise<number> {
  let since = performance.now();
  while (performance.now() - since < settleMs) {
    if (busy()) { since = performance.now(); }
    await sleep(5);
  }
  return since;
}

/** ARN of the one role whose logical id matches. */
export function roleArn(stack: Stack, logicalId: RegExp): string {
  const roles = stack.byType('AWS::IAM::Role').filter(role => logicalId.test(role.logicalId));
  const arn = roles[0]?.attributes?.Arn;
  if (roles.length !== 1 || typeof arn !== 'string') {
    throw new Error(`${roles.length} roles of the stack match ${String(logicalId)}, expected one: `
      + `${stack.byType('AWS::IAM::Role').map(role => role.logicalId).join(', ')}`);
  }
  return arn;
}

/** Children of a process whose command line holds a text. */
export function childProcesses(parent: number, commandText: string): number[] {
  return readdirSync('/proc').filter(name => /^\d+$/.test(name)).map(Number).filter(pid => {
    try {
      const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
      return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]) === parent
        && readFileSync(`/proc/${pid}/cmdline`, 'latin1').includes(commandText);
    } catch {
      // It ended between the two calls.
      return false;
    }
  });
}
