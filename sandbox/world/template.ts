import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { STACK } from './synth';
import { isRecord, Json, parseJson, record, string, strings } from '../aws/core/json';

/** A template as JSON that a test changes before the local cloud reads it. */
export interface Template {
  readonly Resources: Record<string, TemplateResource>;
}

export interface TemplateResource {
  readonly Type: string;
  readonly Properties: Record<string, unknown>;
  DependsOn?: unknown;
}

export type Mutate = (template: Template) => void;

/** The template that was synthesized into this directory. */
export function readTemplate(assembly: string): Template {
  const parsed = record(parseJson(readFileSync(file(assembly), 'utf8'), file(assembly)), 'template');
  const resources = Object.entries(record(parsed.Resources, 'Resources'))
    .map(([id, value]): [string, TemplateResource] => {
      const { Type, Properties = {}, ...more } = record(value, id);
      return [
        id,
        { ...more, Type: string(Type, `${id}.Type`), Properties: { ...record(Properties, `${id}.Properties`) } },
      ];
    });
  return { ...parsed, Resources: Object.fromEntries(resources) };
}

/** Changes the synthesized template in place. */
export function mutate(assembly: string, change: Mutate): string {
  const template = readTemplate(assembly);
  change(template);
  writeFileSync(file(assembly), JSON.stringify(template, undefined, 1));
  return assembly;
}

/** The resource of a type whose logical id begins so; a type with one resource needs no prefix. */
export function find(template: Template, type: string, prefix = ''): TemplateResource & { readonly id: string } {
  const found = Object.entries(template.Resources)
    .filter(([id, resource]) => resource.Type === type && id.startsWith(prefix));
  const [[id, resource] = ['', undefined]] = found;
  if (!resource || found.length !== 1) {
    throw new Error(`expected one ${type} whose id begins with "${prefix}", `
      + `got ${found.map(([each]) => each).join(', ') || 'none'}`);
  }
  return { id, ...resource };
}

/** Removes a resource and every DependsOn on it. */
export function removeResource(template: Template, id: string): void {
  delete template.Resources[id];
  for (const resource of Object.values(template.Resources)) {
    if (resource.DependsOn === undefined) { continue; }
    resource.DependsOn = strings(resource.DependsOn, 'DependsOn').filter(other => other !== id);
  }
}

/** Sets what stands below a path of keys, for example `Code`, `S3Key`. Objects on the way are made. */
export function setIn(target: Record<string, unknown>, path: readonly string[], value: unknown): void {
  const [key, ...rest] = path;
  if (key === undefined) { throw new Error('setIn: expected a path of at least one key'); }
  if (rest.length === 0) {
    target[key] = value;
    return;
  }
  const inner = isRecord(target[key]) ? { ...target[key] } : {};
  setIn(inner, rest, value);
  target[key] = inner;
}

/** Returns the value at a path of keys; undefined if the path leads nowhere. */
export function getIn(target: Json, path: readonly string[]): unknown {
  return path.reduce<unknown>((value, key) => isRecord(value) ? value[key] : undefined, target);
}

function file(assembly: string): string {
  return join(assembly, `${STACK}.template.json`);
}
