import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Clock } from '../../../sandbox/aws/core/clock';
import {
  AwsError,
  AwsService,
  CloudContext,
  CloudEvent,
  Principal,
  RequiredPermission,
  Resource,
  ServiceModule,
} from '../../../sandbox/aws/core/service';
import { seededRandom } from '../../../sandbox/faults';

export const ADMINISTRATOR: Principal = {
  roleArn: 'arn:aws:iam::111122223333:role/Administrator',
  arn: 'arn:aws:sts::111122223333:assumed-role/Administrator/test',
};

/** A context for one service alone: everything is allowed but what a test denies. */
export class TestContext implements CloudContext {
  public readonly account = '111122223333';
  public readonly region = 'eu-west-1';
  public readonly partition = 'aws';
  public readonly clock = new Clock();
  public readonly directory = mkdtempSync(join(tmpdir(), 'service-test-'));
  public readonly random = seededRandom(7);
  public readonly events: CloudEvent[] = [];
  /** `action resource` of everything that was checked. */
  public readonly checked: string[] = [];
  public readonly denied = new Set<string>();
  public readonly assets = new Map<string, string>();
  public readonly services = new Map<string, AwsService>();

  public emit(event: CloudEvent): void {
    this.events.push(event);
  }

  public async call(
    caller: Principal,
    name: string,
    operation: string,
    input: object,
  ): Promise<Record<string, unknown>> {
    const found = this.services.get(name)?.operations[operation];
    if (!found) { throw new Error(`the test has no ${name} ${operation}`); }
    const fields = { ...input };
    this.authorize(caller, found.permissions(fields));
    return { ...await found.handle(fields, caller) };
  }

  public authorize(caller: Principal, permissions: readonly RequiredPermission[]): void {
    for (const { action, resource } of permissions) {
      this.checked.push(`${action} ${resource}`);
      if (this.denied.has(action)) {
        throw new AwsError(
          'AccessDeniedException',
          `User: ${caller.arn} is not authorized to perform: ${action} on resource: `
            + `${resource} because no identity-based policy allows the ${action} action`,
        );
      }
    }
  }

  public processEnvironment(roleArn: string, session: string): Record<string, string> {
    if (this.denied.has('sts:AssumeRole')) {
      throw new AwsError('AccessDenied', `not authorized to assume ${roleArn}`, 403);
    }
    return { AWS_ACCESS_KEY_ID: `key-of-${session}`, AWS_SECRET_ACCESS_KEY: 'secret' };
  }

  public asset(bucket: string, key: string): string {
    const path = this.assets.get(`${bucket}/${key}`);
    if (path === undefined) { throw new Error(`the test published no asset ${bucket}/${key}`); }
    return path;
  }

  /** Calls operations of a service as the administrator. */
  public client(service: AwsService): (operation: string, input?: object) => Promise<Record<string, unknown>> {
    this.services.set(service.name, service);
    return (operation, input = {}) => this.call(ADMINISTRATOR, service.name, operation, input);
  }

  /** Creates a resource as CloudFormation would, after the check of its property names. */
  public create(
    module: ServiceModule,
    type: string,
    logicalId: string,
    properties: Record<string, unknown>,
  ): Promise<Resource> | Resource {
    const provider = module.providers.find(candidate => candidate.type === type);
    if (!provider) { throw new Error(`no provider of ${type}`); }
    const unknown = Object.keys(properties).filter(name => !provider.properties.includes(name));
    if (unknown.length > 0) { throw new Error(`${type} '${logicalId}': unknown properties ${unknown.join(', ')}`); }
    return provider.create({ logicalId, stackName: 'Test', properties });
  }

  public close(): void {
    rmSync(this.directory, { recursive: true, force: true });
  }
}
