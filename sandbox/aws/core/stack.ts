import { AssemblyStack } from './assembly';
import { CoreContext } from './context';
import { resolve, Scope } from './intrinsics';
import { isRecord, Json, record } from './json';
import { createScope, PROVIDERS } from './scope';
import { Resource, ResourceProvider, ResourceRequest } from './service';
import { creationOrder, ResourceDefinition } from './template';

/** A resource that failed to create but left something behind, which the rollback removes (custom resources). */
export class ResourceCreationError extends Error {
  constructor(message: string, public readonly left?: Resource) {
    super(message);
    this.name = 'ResourceCreationError';
  }
}

/** A deployment that ended in a rollback; `message` tells the cause. */
export class DeploymentError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'DeploymentError';
  }
}

interface Deployed {
  readonly definition: ResourceDefinition;
  readonly provider: ResourceProvider;
  readonly properties: Record<string, unknown>;
  readonly resource: Resource;
}

/** Work to be done later. */
type Step = () => Promise<void>;

/** Takes one change back; what it restores under another identity goes into `restored`. */
type Undo = (restored: Map<string, Deployed>) => Promise<void>;

/**
 * One CloudFormation stack: creates resources in dependency order, updates what changed, replaces what has no
 * update, removes what is gone, and undoes all of it in reverse when a step fails. It acts with administrator
 * rights: a deploy role isn't modelled.
 */
export class Stack {
  public outputs: Readonly<Record<string, string>> = {};
  public readonly stackId: string;
  private deployed = new Map<string, Deployed>();
  private order: readonly string[] = [];

  constructor(
    public readonly name: string,
    private readonly context: CoreContext,
    private readonly providers: readonly ResourceProvider[],
    private readonly parameters: Readonly<Record<string, string>>,
    /** Called before each deployment: the assembly's assets become reachable. */
    private readonly publish: (stack: AssemblyStack) => void,
    private readonly load: (assembly: string) => AssemblyStack,
  ) {
    const id = Array.from({ length: 8 }, () => Math.floor(context.random() * 16).toString(16)).join('');
    this.stackId = `arn:${context.partition}:cloudformation:${context.region}:${context.account}:stack/${name}/`
      + `${id}-0000-4000-a000-000000000000`;
  }

  public resource(logicalId: string): Resource {
    const found = this.deployed.get(logicalId);
    if (!found) {
      throw new Error(`Stack ${this.name} has no resource '${logicalId}'; `
        + `it has ${[...this.deployed.keys()].join(', ')}`);
    }
    return found.resource;
  }

  /** Resources of a type with their logical ids, in order of creation. */
  public byType(type: string): readonly (Resource & { readonly logicalId: string })[] {
    return this.order.flatMap(id => {
      const found = this.deployed.get(id);
      return found?.definition.type === type ? [{ logicalId: id, ...found.resource }] : [];
    });
  }

  /** Creates the stack, or brings it to what another synthesized assembly says. */
  public async update(assembly: string | AssemblyStack): Promise<this> {
    const target = typeof assembly === 'string' ? this.load(assembly) : assembly;
    this.publish(target);
    const creating = this.deployed.size === 0;
    this.say(creating ? 'CREATE_IN_PROGRESS' : 'UPDATE_IN_PROGRESS', this.name);
    const before = { deployed: new Map(this.deployed), order: this.order };
    const undo: Undo[] = [];
    const cleanup: Step[] = [];
    try {
      await this.apply(target, undo, cleanup);
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      this.say(creating ? 'ROLLBACK_IN_PROGRESS' : 'UPDATE_ROLLBACK_IN_PROGRESS', this.name, message);
      const restored = new Map<string, Deployed>();
      const problems = await this.rollBack(undo.map(step => () => step(restored)));
      this.deployed = new Map([...before.deployed, ...restored]);
      this.order = before.order;
      this.say(problems.length > 0 ? 'ROLLBACK_FAILED' : 'ROLLBACK_COMPLETE', this.name, problems.join('; '));
      throw new DeploymentError(
        [`Stack ${this.name}: ${message}`, ...problems.map(problem => `rollback: ${problem}`)].join('\n'),
        { cause: error },
      );
    }
    for (const step of cleanup) { await step(); }
    this.say(creating ? 'CREATE_COMPLETE' : 'UPDATE_COMPLETE', this.name);
    return this;
  }

  /** Deletes every resource, last created first. Retained ones stay. A failed deletion blocks the stack, as in AWS. */
  public async delete(): Promise<void> {
    this.say('DELETE_IN_PROGRESS', this.name);
    for (const id of [...this.order].reverse()) {
      const found = this.deployed.get(id);
      if (!found) { continue; }
      try {
        await this.remove(found, found.definition.deletionPolicy);
      } catch (error) {
        this.say('DELETE_FAILED', id, String(error));
        throw new DeploymentError(`Stack ${this.name}: resource ${id} could not be deleted: `
          + `${error instanceof Error ? error.message : String(error)}`, { cause: error });
      }
      this.deployed.delete(id);
    }
    this.order = [];
    this.outputs = {};
    this.say('DELETE_COMPLETE', this.name);
  }

  private async apply(target: AssemblyStack, undo: Undo[], cleanup: Step[]): Promise<void> {
    const { template } = target;
    const scope = this.scope(target);
    const wanted = creationOrder(template).filter(id => exists(template.resources.get(id), scope));
    const missing = wanted.flatMap(id => this.providerOf(template.resources.get(id))
      ? []
      : `${id} (${template.resources.get(id)?.type})`);
    if (missing.length > 0) {
      throw new Error(`the local cloud doesn't know the type of ${missing.join(', ')}; add a provider in ${PROVIDERS}`);
    }
    const previous = this.order;
    for (const id of wanted) {
      const definition = template.resources.get(id);
      if (definition) { await this.applyResource(definition, scope, undo, cleanup); }
    }
    // Removed only after everything else has succeeded, so that a rollback finds it in its place.
    for (const id of [...previous].reverse().filter(other => !wanted.includes(other))) {
      const gone = this.deployed.get(id);
      if (gone) { cleanup.push(() => this.remove(gone, gone.definition.deletionPolicy)); }
      cleanup.push(async () => { this.deployed.delete(id); });
    }
    this.order = wanted;
    this.outputs = resolveOutputs(target, scope);
  }

  private async applyResource(
    definition: ResourceDefinition,
    scope: Scope,
    undo: Undo[],
    cleanup: Step[],
  ): Promise<void> {
    const provider = this.providerOf(definition);
    const properties = this.properties(definition, scope);
    const existing = this.deployed.get(definition.logicalId);
    if (!provider) { throw new Error(`no provider of ${definition.type}`); }
    const next = (resource: Resource): void => {
      this.deployed.set(definition.logicalId, { definition, provider, properties, resource });
    };
    if (existing && existing.definition.type !== definition.type) {
      throw new Error('Update of resource type is not permitted. The new template modifies resource type of the '
        + `following resources: [${definition.logicalId}]`);
    }
    if (existing) {
      if (same(existing.properties, properties)) { return next(existing.resource); }
      if (provider.update) {
        undo.push(restored => this.revert(existing, properties, restored));
        next(await this.changeExisting(provider, definition, properties, existing, cleanup));
        return;
      }
    }
    next(await this.createNew(provider, definition, properties, undo));
    if (existing) { cleanup.push(() => this.remove(existing, existing.definition.updateReplacePolicy)); }
  }

  private async createNew(
    provider: ResourceProvider, definition: ResourceDefinition, properties: Record<string, unknown>, undo: Undo[],
  ): Promise<Resource> {
    const { logicalId } = definition;
    const request = this.request(definition, properties);
    this.say('CREATE_IN_PROGRESS', logicalId);
    const undoWith = (resource: Resource): void => {
      // RetainExceptOnCreate and Retain differ only here; CloudFormation removes what a failed
      // creation leaves unless it says Retain.
      undo.push(() => this.remove(
        { definition, provider, properties, resource },
        definition.deletionPolicy === 'Retain' ? 'Retain' : 'Delete',
      ));
    };
    try {
      const resource = await provider.create(request);
      undoWith(resource);
      this.say('CREATE_COMPLETE', logicalId, resource.physicalId);
      return resource;
    } catch (error) {
      if (error instanceof ResourceCreationError && error.left) { undoWith(error.left); }
      this.say('CREATE_FAILED', logicalId, String(error));
      throw new Error(
        `resource ${logicalId} (${definition.type}): ${error instanceof Error ? error.message : String(error)}`,
        { cause: error },
      );
    }
  }

  private async changeExisting(
    provider: ResourceProvider,
    definition: ResourceDefinition,
    properties: Record<string, unknown>,
    existing: Deployed,
    cleanup: Step[],
  ): Promise<Resource> {
    const { logicalId } = definition;
    this.say('UPDATE_IN_PROGRESS', logicalId);
    try {
      const resource = await provider.update?.(this.request(
        definition,
        properties,
      ), existing.resource, existing.properties) ?? existing.resource;
      if (resource.physicalId !== existing.resource.physicalId) {
        // Another identity is a replacement: the old one goes when everything else is done.
        cleanup.push(() => this.remove(existing, existing.definition.updateReplacePolicy));
      }
      this.say('UPDATE_COMPLETE', logicalId, resource.physicalId);
      return resource;
    } catch (error) {
      this.say('UPDATE_FAILED', logicalId, String(error));
      throw new Error(
        `resource ${logicalId} (${definition.type}): ${error instanceof Error ? error.message : String(error)}`,
        { cause: error },
      );
    }
  }

  /** Updates back to the former properties; if that gives another identity, what the failed update made is removed. */
  private async revert(
    existing: Deployed,
    failedProperties: Record<string, unknown>,
    restored: Map<string, Deployed>,
  ): Promise<void> {
    const { logicalId } = existing.definition;
    const current = this.deployed.get(logicalId) ?? existing;
    const request = this.request(existing.definition, existing.properties);
    const resource = await existing.provider.update?.(request, current.resource, failedProperties) ?? existing.resource;
    this.say('UPDATE_COMPLETE', logicalId, 'rolled back');
    if (resource.physicalId !== current.resource.physicalId) { await this.remove(current, 'Delete'); }
    restored.set(logicalId, { ...existing, resource });
  }

  private async rollBack(undo: readonly Step[]): Promise<string[]> {
    const problems: string[] = [];
    for (const step of [...undo].reverse()) {
      await step().catch((error: unknown) => {
        problems.push(error instanceof Error ? error.message : String(error));
      });
    }
    return problems;
  }

  private async remove({ definition, provider, properties, resource }: Deployed, policy: string): Promise<void> {
    if (policy === 'Retain' || policy === 'RetainExceptOnCreate') {
      this.say('DELETE_SKIPPED', definition.logicalId, resource.physicalId);
      return;
    }
    this.say('DELETE_IN_PROGRESS', definition.logicalId, resource.physicalId);
    await provider.delete?.(resource, this.request(definition, properties));
    this.say('DELETE_COMPLETE', definition.logicalId, resource.physicalId);
  }

  private request(definition: ResourceDefinition, properties: Record<string, unknown>): ResourceRequest {
    return {
      logicalId: definition.logicalId,
      stackName: this.name,
      type: definition.type,
      stackId: this.stackId,
      properties,
    };
  }

  private providerOf(definition: ResourceDefinition | undefined): ResourceProvider | undefined {
    return this.providers.find(provider => provider.type === definition?.type)
      ?? this.providers.find(provider => provider.type.endsWith('*')
        && definition?.type.startsWith(provider.type.slice(0, -1)));
  }

  private properties(definition: ResourceDefinition, scope: Scope): Record<string, unknown> {
    const where = `${definition.logicalId}.Properties`;
    const known = this.providerOf(definition)?.properties ?? [];
    const unknown = known.includes('*') ? [] : Object.keys(definition.properties).filter(key => !known.includes(key));
    if (unknown.length > 0) {
      throw new Error(`resource ${definition.logicalId} (${definition.type}): the local cloud doesn't know the `
        + `propert${unknown.length > 1 ? 'ies' : 'y'} ${unknown.join(', ')} (it knows ${known.join(', ')}); `
        + `add it to the type's provider in ${PROVIDERS}`);
    }
    return { ...record(resolve(definition.properties, scope, where), where) };
  }

  private scope(target: AssemblyStack): Scope {
    return createScope({
      template: target.template,
      environment: this.context,
      stackName: this.name,
      stackId: this.stackId,
      parameters: this.parameters,
      created: id => {
        const found = this.deployed.get(id);
        return found && { type: found.definition.type, resource: found.resource };
      },
    });
  }

  private say(kind: string, resource: string, text = ''): void {
    this.context.emit({
      source: 'cloudformation',
      resource,
      kind,
      text: text.split('\n')[0] ?? '',
      detail: { stack: this.name },
    });
  }
}

function exists(definition: ResourceDefinition | undefined, scope: Scope): boolean {
  return definition !== undefined && (definition.condition === undefined || scope.condition(definition.condition));
}

function resolveOutputs(target: AssemblyStack, scope: Scope): Record<string, string> {
  const outputs = [...target.template.outputs]
    .filter(([, output]) => output.condition === undefined || scope.condition(output.condition));
  return Object.fromEntries(
    outputs.map(([name, output]) => [name, String(resolve(output.value, scope, `Outputs.${name}`))]),
  );
}

function same(left: Json, right: Json): boolean {
  return JSON.stringify(sorted(left)) === JSON.stringify(sorted(right));
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) { return value.map(sorted); }
  if (!isRecord(value)) { return value; }
  return Object.fromEntries(Object.entries(value)
    .sort(([a], [b]) => a < b ? -1 : 1)
    .map(([key, item]) => [key, sorted(item)]));
}
