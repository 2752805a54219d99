import { ECRClient } from '@aws-sdk/client-ecr';
import { AwsFailure, AwsStandIn, Input, startAws } from './aws-stand-in';
import { digest, version } from './samples';
import type { GitHubPackages } from '../../../lambda/shared/github-packages';
import { planPackage } from '../../../lambda/shared/inventory';
import type { SourceVersion } from '../../../lambda/shared/plan';

let aws: AwsStandIn;
afterEach(() => aws.close());

async function planned(
  source: () => Promise<SourceVersion[]>,
  ListImages: (input: Input) => object,
  prefix = 'my-org',
): ReturnType<typeof planPackage> {
  aws = await startAws({ ListImages });
  const github: GitHubPackages = {
    listPackages: () => Promise.resolve([]),
    listVersions: source,
    rateLimit: () => Promise.resolve(undefined),
  };
  return planPackage('App', { github, ecr: new ECRClient(aws.client), prefix });
}

const listed = (): Promise<SourceVersion[]> => Promise.resolve([version(2, '2'), version(1, '1')]);
const broken = (): Promise<SourceVersion[]> => Promise.reject(new Error('GitHub answered 500'));

test('plans the difference, and tells what GitHub listed', async () => {
  expect(await planned(listed, () => ({ imageIds: [{ imageDigest: digest(1), imageTag: '1' }] }))).toEqual({
    package: 'App',
    listed: new Set([digest(2), digest(1)]),
    present: new Set([digest(1)]),
    presentTags: new Set(['1']),
    plan: {
      repository: 'my-org/app',
      repositoryExists: true,
      unchanged: 1,
      skipped: {},
      conflicts: [],
      actions: [{ kind: 'copy', digest: digest(2), tags: ['2'] }],
    },
  });
  expect(aws.calls[0].input).toMatchObject({ repositoryName: 'my-org/app' });
});

test('fails when GitHub fails midway: never "nothing missing"', async () => {
  await expect(planned(broken, () => ({ imageIds: [] }))).rejects.toThrow('GitHub answered 500');
});

test('fails when ECR fails: never "nothing there"', async () => {
  await expect(planned(listed, () => { throw new AwsFailure('AccessDeniedException', 'not you'); }))
    .rejects.toThrow('not you');
});

test('fails when ECR\'s listing breaks off: never "nothing there"', async () => {
  aws = await startAws({
    ListImages: () => ({ imageIds: [{ imageDigest: digest(1), imageTag: '1' }], nextToken: 'more' }),
  });
  aws.faults.add({ operation: 'ListImages', skip: 1, fault: { kind: 'truncate', afterBytes: 20 }, times: Infinity });
  const github: GitHubPackages = {
    listPackages: () => Promise.resolve([]),
    listVersions: listed,
    rateLimit: () => Promise.resolve(undefined),
  };
  await expect(planPackage('app', { github, ecr: new ECRClient(aws.client), prefix: 'my-org' })).rejects.toThrow();
  expect(aws.calls).toHaveLength(2);
});
