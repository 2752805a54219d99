import { Environment } from './assembly';
import { evaluateCondition, Scope } from './intrinsics';
import { isRecord } from './json';
import { Resource } from './service';
import { Template } from './template';

/** Where providers of resource types are; errors name it. */
export const PROVIDERS = 'sandbox/aws/services/';

export interface ScopeOptions {
  readonly template: Template;
  readonly environment: Environment;
  readonly stackName: string;
  readonly stackId: string;
  /** Values given at the deployment. */
  readonly parameters: Readonly<Record<string, string>>;
  /** The resources that were created so far, by logical id. */
  created(logicalId: string): { readonly type: string; readonly resource: Resource } | undefined;
}

/** Resolves a template's references in one deployment. */
export function createScope(options: ScopeOptions): Scope {
  const { template } = options;
  const conditions = new Map<string, boolean>();
  const scope: Scope = {
    pseudo: pseudoParameters(options),
    mappings: template.mappings,
    ref: name => name in template.parameters ? parameter(options, name) : reference(options, name),
    getAtt: (id, attribute) => getAttribute(options, id, attribute),
    condition: name => {
      const known = conditions.get(name);
      if (known !== undefined) { return known; }
      if (!(name in template.conditions)) { throw new Error(`the template has no condition '${name}'`); }
      const value = evaluateCondition(template.conditions[name], scope, `Conditions.${name}`);
      conditions.set(name, value);
      return value;
    },
  };
  return scope;
}

function pseudoParameters({ environment, stackId, stackName }: ScopeOptions): Record<string, string> {
  const { account, region, partition } = environment;
  return {
    'AWS::AccountId': account,
    'AWS::Partition': partition,
    'AWS::Region': region,
    'AWS::StackId': stackId,
    'AWS::StackName': stackName,
    'AWS::URLSuffix': partition === 'aws-cn' ? 'amazonaws.com.cn' : 'amazonaws.com',
  };
}

function parameter({ parameters, template }: ScopeOptions, name: string): string {
  const given = parameters[name];
  if (given !== undefined) { return given; }
  // A bootstrapped environment of a recent version: the template's rule only wants it to be at least 6.
  if (name === 'BootstrapVersion') { return '31'; }
  const value = template.parameters[name];
  const definition = isRecord(value) ? value : {};
  if (String(definition.Type).startsWith('AWS::SSM::')) {
    throw new Error(`parameter ${name} reads SSM (${String(definition.Default)}), which the local cloud doesn't have: `
      + 'pass its value in deploy({ parameters })');
  }
  if (definition.Default === undefined) {
    throw new Error(`parameter ${name} has no default: pass its value in deploy({ parameters })`);
  }
  return String(definition.Default);
}

function reference({ created, template }: ScopeOptions, name: string): string | undefined {
  const found = created(name);
  if (!found && template.resources.has(name)) {
    throw new Error(`resource ${name} is referred to but was not created (condition?)`);
  }
  return found?.resource.physicalId;
}

function getAttribute({ created }: ScopeOptions, id: string, attribute: string): string {
  const found = created(id);
  if (!found) { throw new Error(`Fn::GetAtt: no resource '${id}' was created`); }
  const value = found.resource.attributes[attribute];
  if (value === undefined) {
    const known = Object.keys(found.resource.attributes).join(', ') || 'none';
    throw new Error(`Fn::GetAtt: resource ${id} (${found.type}) has no attribute '${attribute}' (it has ${known}); `
      + `add it to the type's provider in ${PROVIDERS}`);
  }
  return value;
}
