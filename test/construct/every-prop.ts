import { Duration, Stack } from 'aws-cdk-lib';
import { ComputeType } from 'aws-cdk-lib/aws-codebuild';
import { RetentionDays } from 'aws-cdk-lib/aws-logs';
import { ScheduleExpression } from 'aws-cdk-lib/aws-scheduler';
import { secret } from './synth';
import type { GhcrMirrorProps } from '../../src';

/** A value for each prop, none of them the default. A new prop does not compile until it is here. */
export function everyProp(stack: Stack): Required<GhcrMirrorProps> {
  return {
    organization: 'My-Org',
    packagesToken: secret(stack, 'Packages', 'github/packages'),
    webhookToken: secret(stack, 'Hooks', 'github/hooks'),
    webhookActive: false,
    webhookSecret: secret(stack, 'Signing', 'github/signing'),
    repositoryPrefix: 'mirror/ghcr',
    buildEnvironment: { computeType: ComputeType.LARGE },
    buildTimeout: Duration.hours(2),
    putImageRate: 20,
    coalescingWindow: Duration.seconds(30),
    schedule: ScheduleExpression.rate(Duration.hours(1)),
    githubApiUrl: 'https://api.acme.ghe.com',
    registryHost: 'containers.acme.ghe.com',
    logRetention: RetentionDays.ONE_YEAR,
  };
}
