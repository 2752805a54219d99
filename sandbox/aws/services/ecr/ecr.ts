import { Backing } from './backing';
import { imageOperations } from './images';
import { fieldsOf } from './input';
import { listingOperations } from './listing';
import { policyOperations } from './policies';
import { EcrRegistryOptions, EcrRegistryPolicy } from './registry';
import { repositoryOperations } from './repositories';
import { ImageRow } from './repository';
import { EcrStore, RateLimit, StoreOptions } from './store';
import { tagOperations } from './tags';
import { EcrTokens } from './tokens';
import type { Faults } from '../../../faults';
import type { RequestRecord } from '../../../http-server';
import { startFront } from '../../../registry/front';
import { epochSeconds } from '../../core/naming';
import { AwsService, CloudContext, Operation, Principal, ServiceModule } from '../../core/service';

export interface EcrOptions extends EcrRegistryOptions, StoreOptions {
  /** The registry that holds the content; nobody else may write to it. */
  readonly backing: { readonly url: string };
  /** PutImage per second over both planes: 10 in AWS. @default - unlimited */
  readonly putImagePerSecond?: number;
  /** Faults of the data plane. */
  readonly faults?: Faults;
  readonly port?: number;
}

export interface Ecr extends ServiceModule {
  readonly service: AwsService;
  /** Of the data plane: `127.0.0.1:PORT`. */
  readonly host: string;
  readonly url: string;
  /** Exchanges of the data plane. */
  readonly requests: RequestRecord[];
  readonly faults: Faults;
  /** Manifests that the data plane accepted. */
  putImageCount(): number;
  repositories(): string[];
  images(repository: string): ImageRow[];
  archive(repository: string, digest: string): void;
  /** `AWS:PASSWORD` of a token for whoever a test wants to be. */
  credentials(principal: Principal): string;
  expireTokens(): void;
}

/** Amazon ECR: https://docs.aws.amazon.com/AmazonECR/latest/APIReference/ and its registry, in front of `backing`. */
export async function createEcr(context: CloudContext, options: EcrOptions): Promise<Ecr> {
  const rate = new RateLimit(context.clock, options.putImagePerSecond);
  const store = new EcrStore(context, new Backing(options.backing.url), rate, options);
  const tokens = new EcrTokens(context.clock);
  const policy = new EcrRegistryPolicy(context, store, tokens, options);
  const front = await startFront({ backing: options.backing, policy, faults: options.faults, port: options.port });
  return {
    service: {
      name: 'ecr',
      targetPrefix: 'AmazonEC2ContainerRegistry_V20150921',
      jsonVersion: '1.1',
      resourcePolicy: arn => store.byArn(arn)?.policy,
      operations: {
        ...registryOperations(context, tokens, front.host),
        ...repositoryOperations(context, store, front.host),
        ...tagOperations(store),
        ...policyOperations(context, store),
        ...listingOperations(context, store),
        ...imageOperations(context, store),
      },
    },
    providers: [],
    host: front.host,
    url: front.url,
    requests: front.requests,
    faults: front.faults,
    putImageCount: () => policy.puts,
    repositories: () => store.all().map(repository => repository.name),
    images: name => store.get(name).rows(),
    archive: (name, digest) => store.get(name).archive(digest, context.clock.now()),
    credentials: principal => `AWS:${tokens.issue(principal).password}`,
    expireTokens: () => tokens.expire(),
    close: () => front.close(),
  };
}

function registryOperations(context: CloudContext, tokens: EcrTokens, host: string): Record<string, Operation> {
  return {
    GetAuthorizationToken: {
      // It has no resource type: a policy has to name `*`.
      permissions: () => [{ action: 'ecr:GetAuthorizationToken', resource: '*' }],
      handle: (input, caller) => {
        fieldsOf(input).only('registryIds');
        const { password, expiresAt } = tokens.issue(caller);
        const authorizationToken = Buffer.from(`AWS:${password}`).toString('base64');
        return { authorizationData: [{ authorizationToken, expiresAt: epochSeconds(expiresAt), proxyEndpoint: `https://${host}` }] };
      },
    },
    DescribeRegistry: {
      permissions: () => [{ action: 'ecr:DescribeRegistry', resource: '*' }],
      handle: input => {
        fieldsOf(input).only();
        return { registryId: context.account, replicationConfiguration: { rules: [] } };
      },
    },
  };
}
