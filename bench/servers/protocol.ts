import type { Mirrored, Verified } from './verify';
import type { SyncMessage } from '../../src/contract/messages';
import type { InputShape } from '../inputs';

export interface ServerOptions {
  readonly input: InputShape;
  /** @default unlimited */
  readonly putImagePerSecond?: number;
  /** Whether ECR has everything already, under the mirror's own prefix. */
  readonly mirrored: boolean;
  /** Whether the queue has its function: it would take its part of the machine. @default true */
  readonly dispatch?: boolean;
}

export interface Distance {
  readonly roundTripMs: number;
  /** Further round trips for opening a connection. */
  readonly connectionRoundTrips: number;
}

/** Addresses and credentials that a contestant gets. */
export interface Addresses {
  /** Process that holds all servers. */
  readonly pid: number;
  /** `127.0.0.1:PORT` */
  readonly ghcr: string;
  readonly ecr: string;
  /** Lower-case organization, which is also the mirror's prefix. */
  readonly namespace: string;
  readonly packagesToken: string;
  readonly ecrPassword: string;
  /** Of the sync program as the synthesized project sets it, with credentials of the project's role. */
  readonly syncEnvironment: Readonly<Record<string, string>>;
  readonly webhook: WebhookFunction;
}

export interface WebhookFunction {
  readonly directory: string;
  readonly handler: string;
  readonly arn: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly aliases: Readonly<Record<string, string>>;
  readonly secret: string;
}

/** Traffic since the last `mark`. */
export interface Traffic {
  readonly requests: { readonly github: number; readonly ghcr: number; readonly ecr: number; readonly aws: number };
  /** Connections that were opened for them. */
  readonly connections: number;
  /** Bytes of blobs that GHCR handed out. */
  readonly blobBytesRead: number;
  readonly blobsRead: number;
  /** Bytes of blobs that ECR took. */
  readonly blobBytesWritten: number;
  readonly blobsWritten: number;
  /** Answers of 429 and ThrottlingException. */
  readonly throttled: number;
}

/** Requests that the process of the servers answers. */
export interface Operations {
  start(options: ServerOptions): Promise<Addresses>;
  /** Puts all servers at this distance; they start at none. */
  moveTo(distance: Distance): Promise<void>;
  /** Creates the repositories that rivals can't create, below a prefix. */
  createRepositories(prefix: string): Promise<void>;
  mark(): Promise<void>;
  traffic(): Promise<Traffic>;
  /** Publishes one more image, as a push does. */
  publish(packageNumber: number): Promise<{ readonly package: string; readonly tag: string; readonly digest: string }>;
  /** Ends the warm processes of functions: the next invocation is a cold start, as that of a schedule is. */
  coolDown(): Promise<void>;
  /** Sends a message to the mirror's queue; seconds until nothing is left to do. */
  reconcile(
    message: SyncMessage,
  ): Promise<{ readonly seconds: number; readonly builds: number; readonly problems: readonly string[] }>;
  verify(of: Mirrored): Promise<Verified>;
}

export type Operation = keyof Operations;

export interface Call<Name extends Operation = Operation> {
  readonly id: number;
  readonly operation: Name;
  readonly argument: Parameters<Operations[Name]>[0];
}

export type Answer =
  | { readonly id: number; readonly result: unknown }
  | { readonly id: number; readonly error: string };
