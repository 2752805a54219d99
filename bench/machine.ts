import { availableParallelism, cpus, loadavg, totalmem } from 'node:os';
import type { Programs } from './rivals/install';

/** The machine and the versions that the numbers depend on. */
export interface Machine {
  readonly date: string;
  readonly cpu: string;
  readonly cpus: number;
  readonly memoryGiB: number;
  /** Before the run: above the number of CPUs, others compete for the machine. */
  readonly load: number;
  readonly node: string;
  readonly skopeo: string;
  readonly regsync: string;
  readonly crane: string;
}

export function describeMachine({ regsync, crane, skopeo }: Programs): Machine {
  return {
    date: new Date().toISOString().slice(0, 16).replace('T', ' '),
    cpu: cpus()[0]?.model ?? 'unknown',
    cpus: availableParallelism(),
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    load: Number(loadavg()[0].toFixed(1)),
    node: process.version,
    skopeo: skopeo.version,
    regsync: regsync.version,
    crane: crane.version,
  };
}

export function machineLine({ date, cpu, cpus: count, memoryGiB, load, ...versions }: Machine): string {
  const { node, skopeo, regsync, crane } = versions;
  return `${date} UTC, ${count} x ${cpu}, ${memoryGiB} GiB, load ${load}, Node ${node}, skopeo ${skopeo}, `
    + `regsync ${regsync}, crane ${crane}`;
}
