import { readFileSync, writeFileSync } from 'node:fs';
import { App, Stack } from 'aws-cdk-lib';
import { WHY } from './permission-reasons';
import { GhcrMirror } from '../src';
import { VARIANTS } from '../test/construct/variants';

/**
 * Writes the table of permissions between two marks in README.md, from the template of a mirror: a permission that is
 * added without a reason fails here, and one that is added without the table fails in
 * test/package/permissions-table.test.ts.
 */
const START = '<!-- permissions: written by `npx projen permissions-table` -->';
const END = '<!-- /permissions -->';

type Json = Readonly<Record<string, unknown>>;

interface Resource { readonly Type: string; readonly Properties: Json }

interface Statement {
  readonly Effect: string;
  readonly Action: string | readonly string[];
  readonly Resource: unknown;
  readonly Condition?: Readonly<Record<string, Json>>;
}

/** One line of the table: what a role may do with one resource, for one reason. */
interface Permission {
  readonly role: string;
  readonly service: string;
  readonly actions: readonly string[];
  readonly resource: string;
  readonly condition: string;
}

function template(): Readonly<Record<string, Resource>> {
  const app = new App({ analyticsReporting: false });
  const stack = new Stack(app, 'Images');
  new GhcrMirror(stack, 'Mirror', VARIANTS.default(stack));
  return (app.synth().getStackByName('Images').template as { Resources: Record<string, Resource> }).Resources;
}

function permissions(resources: Readonly<Record<string, Resource>>): Permission[] {
  return Object.values(resources).filter(({ Type }) => Type === 'AWS::IAM::Policy').flatMap(({ Properties }) => {
    const [role] = (Properties.Roles as { Ref: string }[]).map(({ Ref }) => own(Ref).replace(/Role$/, ''));
    const { Statement: statements } = Properties.PolicyDocument as { Statement: Statement[] };
    return statements.flatMap(statement => lines(role ?? '', statement));
  });
}

function lines(role: string, { Effect, Action, Resource, Condition }: Statement): Permission[] {
  if (Effect !== 'Allow') {
    throw new Error(`A statement of ${role} has the effect ${Effect}, expected Allow: teach this table to show it.`);
  }
  const actions = typeof Action === 'string' ? [Action] : Action;
  return [...new Set(actions.map(action => action.split(':')[0] ?? ''))].map(service => ({
    role,
    service,
    actions: actions.filter(action => action.startsWith(`${service}:`)).map(action => action.slice(service.length + 1)),
    resource: [Resource].flat().map(resource => shortArn(text(resource))).join(', '),
    condition: Object.entries(Condition ?? {})
      .flatMap(([operator, keys]) =>
        Object.entries(keys).map(([key, value]) => `${operator} ${key} ${[value].flat().map(text).join(', ')}`))
      .join('; '),
  }));
}

/**
 * `arn:{AWS::Partition}:ecr:{AWS::Region}:{AWS::AccountId}:repository/my-org/*` says no more than
 * `repository/my-org/*`.
 */
function shortArn(arn: string): string {
  return arn.replace(/^arn:\{AWS::Partition\}:[\w-]+:(\{AWS::Region\})?:(\{AWS::AccountId\})?:/, '');
}

/** Intrinsic functions as text: `{Queue.Arn}`. Hashes of logical ids and of assets are left out. */
function text(value: unknown): string {
  if (typeof value === 'string') { return value.replace(/\$\{/g, '{').replace(/\b[0-9a-f]{64}\b/g, 'HASH'); }
  const { 'Ref': reference, 'Fn::GetAtt': attribute, 'Fn::Join': join, 'Fn::Sub': sub } = value as Json;
  if (Array.isArray(join)) { return (join[1] as unknown[]).map(text).join(String(join[0])); }
  if (Array.isArray(attribute)) { return `{${attribute.map(part => own(String(part))).join('.')}}`; }
  return text(sub ?? (reference === undefined ? JSON.stringify(value) : `{${own(String(reference))}}`));
}

/** A logical id below the mirror, without its hash. */
function own(logicalId: string): string {
  return logicalId.replace(/[0-9A-F]{8}$/, '').replace(/^Mirror/, '');
}

function row({ role, service, actions, resource, condition }: Permission): string {
  const where = `\`${resource}\`${condition === '' ? '' : `, if ${condition}`}`;
  return `| ${role} | ${service} | ${actions.join(', ')} | ${where} | ${why(role, service, actions)} |`;
}

/** @throws when an action has no reason, or a reason is given for an action that the role hasn't */
function why(role: string, service: string, actions: readonly string[]): string {
  const reasons = actions.map(action => {
    const reason = WHY[role]?.[`${service}:${action}`];
    if (reason === undefined) {
      throw new Error(`The role ${role} may ${service}:${action}, expected a reason in projenrc/permission-reasons.ts: `
        + 'say there what it needs it for, and run `npx projen permissions-table`.');
    }
    return reason;
  });
  return [...new Set(reasons)].join('; ');
}

/** Reasons for what no role may any more. */
function staleReasons(all: readonly Permission[]): string[] {
  return Object.entries(WHY).flatMap(([role, reasons]) => Object.keys(reasons)
    .filter(action => !all.some(permission => permission.role === role
      && permission.actions.some(name => `${permission.service}:${name}` === action)))
    .map(action => `${role}: ${action}`));
}

/** The README with the table of today. */
export function withTable(readme: string): string {
  const all = permissions(template());
  const stale = staleReasons(all);
  if (stale.length > 0) {
    throw new Error(`projenrc/permission-reasons.ts has reasons for ${stale.join(', ')}, `
      + 'which no role may. Remove them.');
  }
  const [before, after] = [readme.indexOf(START), readme.indexOf(END)];
  if (before === -1 || after === -1) {
    throw new Error(`README.md lacks the marks ${START} and ${END}, `
      + 'between which the table of permissions is written.');
  }
  const table = [
    '| role of | service | actions | resource, condition | why |',
    '|---|---|---|---|---|',
    ...all.map(row),
  ].join('\n');
  return `${readme.slice(0, before)}${START}\n\n${table}\n\n${readme.slice(after)}`;
}

if (require.main === module) { writeFileSync('README.md', withTable(readFileSync('README.md', 'utf8'))); }
