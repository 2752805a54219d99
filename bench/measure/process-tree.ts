import { readdirSync, readFileSync } from 'node:fs';

/** How often memory is looked at. Each look costs some milliseconds of CPU, which every contestant pays alike. */
export const MEMORY_SAMPLE_MS = 200;

/**
 * Highest proportional set size (PSS) of a process and its descendants, seen in samples: a page that several processes
 * share counts once, in parts. Resident memory would count a program's code once for each of its processes.
 *
 * @see https://docs.kernel.org/filesystems/proc.html (smaps_rollup)
 */
export class MemoryWatch {
  private readonly timer: NodeJS.Timeout;
  private peak = 0;

  /** @param root false leaves the process itself out: only its descendants count */
  constructor(private readonly pid: number, private readonly root = true) {
    this.sample();
    this.timer = setInterval(() => this.sample(), MEMORY_SAMPLE_MS);
  }

  /** Ends the watch. @returns bytes */
  public stop(): number {
    clearInterval(this.timer);
    return this.peak;
  }

  private sample(): void {
    const tree = descendants(this.pid, parents());
    const processes = this.root ? [this.pid, ...tree] : tree;
    this.peak = Math.max(this.peak, processes.reduce((sum, pid) => sum + proportionalBytes(pid), 0));
  }
}

/** Children, grandchildren and so on of a process. @param parentOf the parent of every process */
export function descendants(pid: number, parentOf: ReadonlyMap<number, number>): number[] {
  const children = new Map<number, number[]>();
  for (const [child, parent] of parentOf) { children.set(parent, [...children.get(parent) ?? [], child]); }
  const below = (parent: number): number[] => (children.get(parent) ?? []).flatMap(child => [child, ...below(child)]);
  return below(pid);
}

/** Bytes that `/proc/PID/smaps_rollup` gives as Pss. */
export function parsePss(rollup: string): number {
  return Number(/^Pss:\s+(\d+) kB$/m.exec(rollup)?.[1] ?? 0) * 1024;
}

function proportionalBytes(pid: number): number {
  return parsePss(read(`/proc/${pid}/smaps_rollup`) ?? '');
}

function parents(): Map<number, number> {
  const found = new Map<number, number>();
  for (const name of readdirSync('/proc')) {
    const text = /^\d+$/.test(name) ? read(`/proc/${name}/stat`) : undefined;
    // The program's name, in parentheses, may hold anything: https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html
    if (text !== undefined) { found.set(Number(name), Number(text.slice(text.lastIndexOf(')') + 2).split(' ')[1])); }
  }
  return found;
}

/** undefined when the process ended meanwhile. */
function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return undefined;
  }
}
