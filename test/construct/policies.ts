import type { Template } from 'aws-cdk-lib/assertions';

type Json = Readonly<Record<string, unknown>>;

export interface TemplateResource {
  readonly Type: string;
  readonly Properties: Json;
  readonly DependsOn?: readonly string[];
}

export function resources(template: Template): Readonly<Record<string, TemplateResource>> {
  return (template.toJSON() as { Resources: Record<string, TemplateResource> }).Resources;
}

/** Intrinsic functions as text: `{Queue.Arn}`, `{AWS::Region}`. Hashes of logical ids are left out. */
export function text(value: unknown): string {
  if (typeof value === 'string') { return value; }
  const [[name, argument]] = Object.entries(value as Json);
  switch (name) {
    case 'Ref': return `{${readable(String(argument))}}`;
    case 'Fn::GetAtt': return `{${(argument as string[]).map(readable).join('.')}}`;
    case 'Fn::Join': return (argument as [string, unknown[]])[1].map(text).join((argument as [string, unknown[]])[0]);
    case 'Fn::Sub': return String(argument).replace(/\$\{/g, '{');
    default: throw new Error(`no text for ${JSON.stringify(value)}`);
  }
}

function readable(logicalId: string): string {
  return logicalId.replace(/[0-9A-F]{8}$/, '');
}

/** Returns a role's permissions as sorted lines of "action resource"; conditions follow in brackets. */
export function permissions(template: Template, role: string): string[] {
  const all = Object.entries(resources(template));
  const [id] = all.find(([logicalId, { Type }]) => Type === 'AWS::IAM::Role' && readable(logicalId) === role) ?? [];
  if (id === undefined) { throw new Error(`no role ${role}; there are: ${roles(template).join(', ')}`); }
  const policies = all.filter(([, { Type, Properties }]) => Type === 'AWS::IAM::Policy'
    && (Properties.Roles as { Ref: string }[]).some(({ Ref }) => Ref === id));
  return policies.flatMap(([, { Properties }]) => lines(Properties.PolicyDocument)).sort();
}

export function roles(template: Template): string[] {
  return Object.entries(resources(template))
    .filter(([, { Type }]) => Type === 'AWS::IAM::Role')
    .map(([id]) => readable(id))
    .sort();
}

interface Statement {
  readonly Effect: string;
  readonly Action: unknown;
  readonly Resource: unknown;
  readonly Condition?: unknown;
}

function lines(document: unknown): string[] {
  return (document as { Statement: Statement[] }).Statement.flatMap(({ Effect, Action, Resource, Condition }) => {
    const condition = Condition === undefined ? '' : ` [${JSON.stringify(Condition)}]`;
    const effect = Effect === 'Allow' ? '' : `${Effect} `;
    return list(Action)
      .flatMap(action => list(Resource).map(resource => `${effect}${text(action)} ${text(resource)}${condition}`));
  });
}

export function list(value: unknown): unknown[] {
  return Array.isArray(value) ? value : [value];
}
