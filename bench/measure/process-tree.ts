import { readdirSync, readFileSync } from 'node:fs';

/** Parent and resident bytes of every process, as /proc has them. */
interface Entry { readonly parent: number; readonly bytes: number }

const PAGE_BYTES = 4096;

/** Highest sum of resident memory over a process and its descendants, seen in samples. Pages that processes share count in each. */
export class MemoryWatch {
  private readonly timer: NodeJS.Timeout;
  private peak = 0;

  /** @param root false leaves the process itself out: only its descendants count */
  constructor(private readonly pid: number, private readonly root = true, intervalMs = 100) {
    this.sample();
    this.timer = setInterval(() => this.sample(), intervalMs);
  }

  /** Ends the watch. @returns bytes */
  public stop(): number {
    clearInterval(this.timer);
    return this.peak;
  }

  private sample(): void {
    const processes = table();
    const children = new Map<number, number[]>();
    for (const [pid, { parent }] of processes) {
      const siblings = children.get(parent);
      if (siblings) { siblings.push(pid); } else { children.set(parent, [pid]); }
    }
    const total = (pid: number): number =>
      (processes.get(pid)?.bytes ?? 0) + (children.get(pid) ?? []).reduce((sum, child) => sum + total(child), 0);
    this.peak = Math.max(this.peak, total(this.pid) - (this.root ? 0 : processes.get(this.pid)?.bytes ?? 0));
  }
}

function table(): Map<number, Entry> {
  const found = new Map<number, Entry>();
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) { continue; }
    try {
      const text = readFileSync(`/proc/${name}/stat`, 'latin1');
      // The program's name, in parentheses, may hold anything: https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html
      const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
      found.set(Number(name), { parent: Number(fields[1]), bytes: Number(fields[21]) * PAGE_BYTES });
    } catch {
      // It ended between the two calls.
    }
  }
  return found;
}
