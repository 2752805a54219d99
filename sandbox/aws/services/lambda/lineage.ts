import { createHash } from 'node:crypto';
import { randomText } from '../../core/naming';

/**
 * How often a function may be invoked in one chain of requests; the next invocation is dropped ("approximately 16
 * times").
 * @see https://docs.aws.amazon.com/lambda/latest/dg/invocation-recursion.html
 */
export const MAXIMUM_CHAIN = 16;

/** How often the function was invoked in the chain that this trace header comes from. */
export function chainLength(header: string | undefined, functionName: string): number {
  return lineageOf(header).get(keyOf(functionName)) ?? 0;
}

/**
 * The trace header of an invocation. It goes on with the chain of whatever caused it, and begins one when nothing did.
 */
export function traceHeader(
  cause: string | undefined,
  functionName: string,
  now: number,
  random: () => number,
): string {
  const root =
    /(?:^|;)Root=([^;]+)/.exec(cause ?? '')?.[1] ??
    `1-${Math.floor(now / 1000).toString(16)}-${randomText(random, 24, '0123456789abcdef')}`;
  const lineage = lineageOf(cause).set(keyOf(functionName), chainLength(cause, functionName) + 1);
  const text = [...lineage].map(([key, count]) => `${key}:${count}`).join('|');
  return `Root=${root};Parent=${randomText(random, 16, '0123456789abcdef')};Sampled=0;Lineage=${text}`;
}

/** AWS documents neither the key nor the layout of `Lineage`, only that X-Ray's header carries it. */
function lineageOf(header: string | undefined): Map<string, number> {
  const [, text = ''] = /(?:^|;)Lineage=([^;]*)/.exec(header ?? '') ?? [];
  const entries = text.split('|').map(entry => /^([0-9a-f]{8}):(\d+)$/.exec(entry));
  return new Map(entries.flatMap(entry => (entry ? [[entry[1], Number(entry[2])]] : [])));
}

function keyOf(functionName: string): string {
  return createHash('sha256').update(functionName).digest('hex').slice(0, 8);
}
