import { describe, isRecord, Json, list, record, string } from './json';

/** Stands for `AWS::NoValue`: whoever holds it drops it. */
export const NO_VALUE = Symbol('AWS::NoValue');

/** Values that the references of a template resolve to. */
export interface Scope {
  /** `AWS::Region` and its like. */
  readonly pseudo: Readonly<Record<string, string>>;
  readonly mappings: Json;
  /** A resource's physical id or a parameter's value; undefined when the template has no such name. */
  ref(name: string): unknown;
  /** @throws when the resource or its attribute doesn't exist */
  getAtt(logicalId: string, attribute: string): unknown;
  /** @throws when the template has no such condition */
  condition(name: string): boolean;
}

type Resolver = (argument: unknown, scope: Scope, where: string) => unknown;

const FUNCTIONS: Readonly<Record<string, Resolver>> = {
  'Ref': (name, scope, where) => resolveRef(string(name, where), scope, where),
  'Fn::GetAtt': (argument, scope, where) => resolveGetAtt(argument, scope, where),
  'Fn::Join': (argument, scope, where) => join(argument, scope, where),
  'Fn::Sub': (argument, scope, where) => substitute(argument, scope, where),
  'Fn::Select': (argument, scope, where) => select(argument, scope, where),
  'Fn::Split': (argument, scope, where) => split(argument, scope, where),
  'Fn::Base64': (argument, scope, where) =>
    Buffer.from(text(resolve(argument, scope, where), where)).toString('base64'),
  'Fn::FindInMap': (argument, scope, where) => findInMap(argument, scope, where),
  'Fn::If': (argument, scope, where) => {
    const [name, then, otherwise] = tuple(argument, 3, where);
    return resolve(scope.condition(string(name, where)) ? then : otherwise, scope, where);
  },
  'Fn::ImportValue': (_, __, where) => {
    throw new Error(`${where}: Fn::ImportValue needs another stack; the local cloud runs one stack alone`);
  },
};

/** Replaces every intrinsic function in a value. Objects and lists are copied. */
export function resolve(value: unknown, scope: Scope, where: string): unknown {
  if (typeof value === 'string') { return refuseDynamicReference(value, where); }
  if (Array.isArray(value)) {
    return value.map((item, index) => resolve(item, scope, `${where}[${index}]`)).filter(item => item !== NO_VALUE);
  }
  if (!isRecord(value)) { return value; }
  const name = intrinsicName(value, where);
  if (name !== undefined) {
    const resolver = FUNCTIONS[name];
    if (!resolver) {
      throw new Error(`${where}: the local cloud doesn't know the function ${name}; `
        + 'add it in sandbox/aws/core/intrinsics.ts');
    }
    const result = resolver(value[name], scope, `${where}.${name}`);
    return typeof result === 'string' ? refuseDynamicReference(result, where) : result;
  }
  const entries = Object.entries(value).map(([key, item]) => [key, resolve(item, scope, `${where}.${key}`)] as const);
  return Object.fromEntries(entries.filter(([, item]) => item !== NO_VALUE));
}

/** Evaluates the body of a condition. */
export function evaluateCondition(value: unknown, scope: Scope, where: string): boolean {
  const body = record(value, where);
  const [name, ...rest] = Object.keys(body);
  if (name === undefined || rest.length > 0) {
    throw new Error(`${where}: expected one condition function, got ${describe(value)}`);
  }
  const all = (): boolean[] =>
    list(body[name], where).map((item, index) => evaluateCondition(item, scope, `${where}.${name}[${index}]`));
  switch (name) {
    case 'Condition': return scope.condition(string(body.Condition, where));
    case 'Fn::And': return all().every(Boolean);
    case 'Fn::Or': return all().some(Boolean);
    case 'Fn::Not': return !all()[0];
    case 'Fn::Equals': {
      const [left, right] = tuple(body[name], 2, where).map(item => text(resolve(item, scope, where), where));
      return left === right;
    }
    default: throw new Error(`${where}: the local cloud doesn't know the condition function ${name}; `
      + 'add it in sandbox/aws/core/intrinsics.ts');
  }
}

/** Names that a value refers to through Ref, Fn::GetAtt and Fn::Sub. */
export function references(value: unknown): ReadonlySet<string> {
  const names = new Set<string>();
  const visit = (item: unknown): void => {
    if (Array.isArray(item)) { item.forEach(visit); }
    if (!isRecord(item)) { return; }
    if (typeof item.Ref === 'string') { names.add(item.Ref); }
    const attribute = item['Fn::GetAtt'];
    if (attribute !== undefined) {
      names.add(Array.isArray(attribute) ? String(attribute[0]) : String(attribute).split('.')[0] ?? '');
    }
    const sub = item['Fn::Sub'];
    const template: unknown = Array.isArray(sub) ? sub[0] : sub;
    if (typeof template === 'string') { placeholders(template).forEach(name => names.add(name.split('.')[0] ?? '')); }
    Object.values(item).forEach(visit);
  };
  visit(value);
  return names;
}

function intrinsicName(value: Json, where: string): string | undefined {
  const keys = Object.keys(value);
  const name = keys.find(key => key.startsWith('Fn::') || (key === 'Ref' && keys.length === 1));
  if (name !== undefined && keys.length > 1) {
    throw new Error(`${where}: ${name} stands beside other keys (${keys.join(', ')})`);
  }
  return name;
}

function resolveRef(name: string, scope: Scope, where: string): unknown {
  if (name === 'AWS::NoValue') { return NO_VALUE; }
  const value = scope.pseudo[name] ?? scope.ref(name);
  if (value === undefined) { throw new Error(`${where}: nothing is called '${name}' in this template`); }
  return value;
}

function resolveGetAtt(argument: unknown, scope: Scope, where: string): unknown {
  const [id, ...path] = typeof argument === 'string'
    ? argument.split('.')
    : list(argument, where).map(item => text(resolve(item, scope, where), where));
  if (id === undefined || path.length === 0) {
    throw new Error(`${where}: expected [resource, attribute], got ${describe(argument)}`);
  }
  return scope.getAtt(id, path.join('.'));
}

function join(argument: unknown, scope: Scope, where: string): string {
  const [delimiter, parts] = tuple(argument, 2, where);
  return list(resolve(parts, scope, where), where)
    .map((part, index) => text(part, `${where}[${index}]`))
    .join(string(delimiter, where));
}

function split(argument: unknown, scope: Scope, where: string): string[] {
  const [delimiter, source] = tuple(argument, 2, where);
  return text(resolve(source, scope, where), where).split(string(delimiter, where));
}

function select(argument: unknown, scope: Scope, where: string): unknown {
  const [index, source] = tuple(argument, 2, where);
  const items = list(resolve(source, scope, where), where);
  const at = Number(text(resolve(index, scope, where), where));
  if (!(at in items)) { throw new Error(`${where}: index ${at} is outside of a list of ${items.length}`); }
  return items[at];
}

function findInMap(argument: unknown, scope: Scope, where: string): unknown {
  const path = tuple(argument, 3, where).map(item => text(resolve(item, scope, where), where));
  const found = path.reduce<unknown>((at, key) => isRecord(at) ? at[key] : undefined, scope.mappings);
  if (found === undefined) { throw new Error(`${where}: the template's Mappings have no ${path.join('.')}`); }
  return found;
}

function substitute(argument: unknown, scope: Scope, where: string): string {
  const [template, extra] = Array.isArray(argument) ? tuple(argument, 2, where) : [argument, {}];
  const variables = record(extra, where);
  return string(template, where).replace(/\$\{([^}]*)\}/g, (_, inner: string) => {
    if (inner.startsWith('!')) { return `\${${inner.slice(1)}}`; }
    const name = inner.trim();
    if (name in variables) { return text(resolve(variables[name], scope, where), where); }
    const value = name.includes('.') ? resolveGetAtt(name, scope, where) : resolveRef(name, scope, where);
    return text(value, where);
  });
}

function placeholders(template: string): string[] {
  return [...template.matchAll(/\$\{([^}!][^}]*)\}/g)].map(match => (match[1] ?? '').trim());
}

function tuple(argument: unknown, length: number, where: string): readonly unknown[] {
  const items = list(argument, where);
  if (items.length !== length) { throw new Error(`${where}: expected ${length} arguments, got ${items.length}`); }
  return items;
}

/** Text of a scalar; CloudFormation joins and compares numbers and booleans as strings. */
function text(value: unknown, where: string): string {
  if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') { return String(value); }
  throw new Error(`${where}: expected a string, got ${typeof value === 'symbol' ? 'AWS::NoValue' : describe(value)}`);
}

function refuseDynamicReference(value: string, where: string): string {
  // CloudFormation would read the secret while deploying and put it into the resource, where everybody who may
  // read that resource reads it too.
  if (/\{\{resolve:[a-z-]+:/.test(value)) {
    throw new Error(`${where}: dynamic reference in '${value.slice(0, 80)}'. The local cloud refuses them: `
      + "pass the secret's ARN and read it in the program");
  }
  return value;
}
