import { references } from './intrinsics';
import { Json, onlyKeys, optionalRecord, optionalString, record, string, strings } from './json';

const FILE = 'core/template.ts';
const SECTIONS = [
  'AWSTemplateFormatVersion', 'Description', 'Metadata', 'Parameters', 'Mappings', 'Conditions', 'Rules', 'Resources',
  'Outputs',
];
const RESOURCE_KEYS = [
  'Type', 'Properties', 'DependsOn', 'Condition', 'Metadata', 'DeletionPolicy', 'UpdateReplacePolicy',
];

export interface ResourceDefinition {
  readonly logicalId: string;
  readonly type: string;
  readonly properties: Json;
  readonly dependsOn: readonly string[];
  readonly condition?: string;
  readonly deletionPolicy: string;
  readonly updateReplacePolicy: string;
}

export interface OutputDefinition {
  readonly value: unknown;
  readonly condition?: string;
}

export interface Template {
  readonly parameters: Json;
  readonly mappings: Json;
  readonly conditions: Json;
  readonly resources: ReadonlyMap<string, ResourceDefinition>;
  readonly outputs: ReadonlyMap<string, OutputDefinition>;
}

/** Reads a template strictly: a section or attribute that nothing here acts on is refused. */
export function parseTemplate(value: unknown): Template {
  const template = record(value, 'Template');
  onlyKeys(template, SECTIONS, 'Template', FILE);
  const resources = Object.entries(record(template.Resources, 'Resources'))
    .map(([id, body]) => [id, parseResource(id, body)] as const);
  const outputs = Object.entries(optionalRecord(template.Outputs, 'Outputs'))
    .map(([id, body]) => [id, parseOutput(id, body)] as const);
  return {
    parameters: optionalRecord(template.Parameters, 'Parameters'),
    mappings: optionalRecord(template.Mappings, 'Mappings'),
    conditions: optionalRecord(template.Conditions, 'Conditions'),
    resources: new Map(resources),
    outputs: new Map(outputs),
  };
}

function parseResource(logicalId: string, value: unknown): ResourceDefinition {
  const where = `Resources.${logicalId}`;
  const body = record(value, where);
  onlyKeys(body, RESOURCE_KEYS, where, FILE);
  const deletionPolicy = policy(body.DeletionPolicy, `${where}.DeletionPolicy`);
  return {
    logicalId,
    type: string(body.Type, `${where}.Type`),
    properties: optionalRecord(body.Properties, `${where}.Properties`),
    dependsOn: body.DependsOn === undefined ? [] : strings(body.DependsOn, `${where}.DependsOn`),
    condition: optionalString(body.Condition, `${where}.Condition`),
    deletionPolicy,
    updateReplacePolicy: policy(body.UpdateReplacePolicy, `${where}.UpdateReplacePolicy`),
  };
}

function policy(value: unknown, where: string): string {
  const text = optionalString(value, where) ?? 'Delete';
  if (!['Delete', 'Retain', 'RetainExceptOnCreate'].includes(text)) {
    throw new Error(`${where}: got '${text}', expected Delete, Retain or RetainExceptOnCreate; `
      + `add it in sandbox/aws/${FILE}`);
  }
  return text;
}

function parseOutput(id: string, value: unknown): OutputDefinition {
  const body = record(value, `Outputs.${id}`);
  onlyKeys(body, ['Value', 'Description', 'Condition', 'Export'], `Outputs.${id}`, FILE);
  return { value: body.Value, condition: optionalString(body.Condition, `Outputs.${id}.Condition`) };
}

/** Logical ids in an order in which each comes after what it refers to. */
export function creationOrder(template: Template): readonly string[] {
  const order: string[] = [];
  const state = new Map<string, 'open' | 'done'>();
  const visit = (id: string, path: readonly string[]): void => {
    if (state.get(id) === 'done') { return; }
    if (state.get(id) === 'open') {
      throw new Error(`Circular dependency between resources: ${[...path.slice(path.indexOf(id)), id].join(' -> ')}`);
    }
    state.set(id, 'open');
    dependencies(template, id).forEach(other => visit(other, [...path, id]));
    state.set(id, 'done');
    order.push(id);
  };
  [...template.resources.keys()].forEach(id => visit(id, []));
  return order;
}

/** Returns the logical ids that a resource waits for: those in DependsOn, and every reference in its properties. */
export function dependencies(template: Template, id: string): readonly string[] {
  const definition = template.resources.get(id);
  if (!definition) { throw new Error(`Template: no resource '${id}'`); }
  for (const other of definition.dependsOn) {
    if (!template.resources.has(other)) {
      throw new Error(`Resources.${id}.DependsOn: the template has no resource '${other}'`);
    }
  }
  const named = [...references(definition.properties)].filter(other => template.resources.has(other));
  return [...new Set([...definition.dependsOn, ...named])];
}
