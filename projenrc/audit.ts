import { readFileSync } from 'node:fs';

interface Vulnerability {
  readonly name: string;
  readonly severity: 'info' | 'low' | 'moderate' | 'high' | 'critical';
}

/**
 * What `npm audit --json` writes: vulnerable packages by name, or, when the registry answers no audit, the status of
 * its answer.
 */
export interface AuditReport {
  readonly vulnerabilities?: Readonly<Record<string, Vulnerability>>;
  readonly statusCode?: number;
  readonly message?: string;
}

export type Verdict =
  | { readonly kind: 'clean' | 'unanswered'; readonly text: string }
  | { readonly kind: 'vulnerable'; readonly text: string };

/**
 * Statuses of a registry that has no audit at all. Any other failure may be ours, or pass, and must not look like a
 * clean report.
 */
const NO_AUDIT: readonly number[] = [400, 403, 404, 405, 410, 501];

/**
 * Judges npm's report.
 *
 * @param report what `npm audit --json` wrote
 * @param bundled names of the packages that are in the programs: there, each vulnerability counts
 * @throws when the report has neither vulnerabilities nor the answer of a registry without audits
 */
export function judge(report: AuditReport, bundled: ReadonlySet<string>): Verdict {
  if (report.vulnerabilities === undefined) { return unanswered(report); }
  const serious = Object.values(report.vulnerabilities)
    .filter(({ name, severity }) => bundled.has(name) || severity === 'high' || severity === 'critical');
  return serious.length === 0
    ? {
      kind: 'clean',
      text: `No known vulnerability in ${bundled.size} bundled packages, and no high one in the others.`,
    }
    : { kind: 'vulnerable', text: serious.map(vulnerability => line(vulnerability, bundled)).join('\n') };
}

function line({ name, severity }: Vulnerability, bundled: ReadonlySet<string>): string {
  const place = bundled.has(name) ? ', in a program' : '';
  return `${name}: ${severity}${place}. Raise it: npm audit fix, or npx projen upgrade.`;
}

function unanswered({ statusCode, message }: AuditReport): Verdict {
  if (statusCode === undefined || !NO_AUDIT.includes(statusCode)) {
    throw new Error(`npm audit failed (${statusCode ?? 'no status'}: ${message ?? 'no message'}), expected a report. `
      + 'Try again; whether there are vulnerabilities is not known.');
  }
  return {
    kind: 'unanswered',
    text: `This package registry answers no audit (${statusCode}): NOT checked here for known vulnerabilities. `
      + 'GitHub\'s workflow "check" does.',
  };
}

function bundledPackages(files: readonly string[]): Set<string> {
  const components = files.flatMap(file =>
    (JSON.parse(readFileSync(file, 'utf8')) as { components: { group?: string; name: string }[] }).components);
  return new Set(components.map(({ group, name }) => group === undefined ? name : `${group}/${name}`));
}

if (require.main === module) {
  const [report = '', ...boms] = process.argv.slice(2);
  const { kind, text } = judge(JSON.parse(readFileSync(report, 'utf8')) as AuditReport, bundledPackages(boms));
  process.stdout.write(`${text}\n`);
  process.exitCode = kind === 'vulnerable' ? 1 : 0;
}
