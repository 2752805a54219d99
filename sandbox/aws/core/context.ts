import type { AssumedBy, CloudContext, Principal, RequiredPermission } from './service';

/** Additions to the shared interface for the services of AWS: roles, addresses, and the Node.js that runs functions. */
export interface CoreContext extends CloudContext {
  /** Where programs send their AWS calls: `http://127.0.0.1:PORT`. */
  readonly endpointUrl: string;
  /**
   * Public host names -> where they really listen: `abc.execute-api.eu-west-1.amazonaws.com` ->
   * `http://127.0.0.1:PORT`. Functions reach these hosts through their bootstrap, everybody
   * else through `cloud.resolveUrl`.
   */
  readonly aliases: Map<string, string>;
  /** Node binary that runs functions. */
  readonly nodeBinary: string;
  /** `node_modules` directories that hold what Lambda's runtime brings (`@aws-sdk`). */
  readonly runtimeModules: readonly string[];
  /** The account's administrator: CloudFormation's deploy role isn't modelled, and tests call as him. */
  readonly administrator: Principal;
  /** Checks in advance, as a service does before it accepts a configuration; leaves no trace in the report. */
  isAllowed(caller: Principal, permission: RequiredPermission): boolean;
  /** Takes on a role for a service; the role's trust policy decides. */
  assumeRole(roleArn: string, session: string, assumedBy: AssumedBy): Principal;
}
