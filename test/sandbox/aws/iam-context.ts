import { TestContext } from './test-context';
import { Iam } from '../../../sandbox/aws/core/iam';
import type { Principal, RequiredPermission } from '../../../sandbox/aws/core/service';

/** A context whose calls are decided by IAM's evaluator, with the resource policies that the test's services keep. */
export class IamContext extends TestContext {
  public readonly iam: Iam = new Iam({
    account: this.account,
    region: this.region,
    partition: this.partition,
    resourcePolicy: arn => this.services.get(arn.split(':')[2])?.resourcePolicy?.(arn),
  });

  public override authorize(caller: Principal, permissions: readonly RequiredPermission[]): void {
    permissions.forEach(permission => this.iam.authorize(caller, permission));
  }

  /** A role with these statements; a session of it calls. */
  public role(name: string, ...statements: readonly object[]): Principal {
    const arn = `arn:aws:iam::${this.account}:role/${name}`;
    const role = { arn, name, logicalId: name, trust: [], policies: new Map() };
    this.iam.roles.set(arn, role);
    this.iam.setPolicy(role, 'Default', { Version: '2012-10-17', Statement: statements });
    return { roleArn: arn, arn: `arn:aws:sts::${this.account}:assumed-role/${name}/session` };
  }
}
