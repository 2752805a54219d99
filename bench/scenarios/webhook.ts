import { createHmac, randomUUID } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { Sandbox, SandboxResult } from '../../sandbox/aws/services/lambda/sandbox';
import { runCommand } from '../measure/command';
import { median, percentile } from '../measure/statistics';
import { lambdaNode, LambdaNode } from '../node24';
import { atMost, BenchOptions, Scenario, ScenarioResult } from '../result';
import type { WebhookFunction } from '../servers/protocol';
import { Servers } from '../servers/servers';

const PAYLOAD = join(__dirname, '..', '..', 'sandbox', 'github', 'fixtures', 'package-published-index.json');

export const webhook: Scenario = {
  name: 'webhook',
  title: 'The webhook function in the Lambda sandbox, AWS APIs on loopback without distance: bundle, '
    + 'cold start (process, load, secret, SQS, answer) against '
    + 'a bare `node -e 0`, warm deliveries one after the other',
  run: async options => {
    const node = lambdaNode(options.say);
    const input = {
      seed: options.seed,
      packages: 1,
      tags: 1,
      platforms: ['linux/amd64'],
      layerBytes: { shared: 0, ofPackage: 0, own: 256 },
    };
    // The deliveries would wake dispatch, which on few cores takes the webhook function's place.
    const servers = await Servers.start({ input, mirrored: true, dispatch: false });
    try {
      return await measure(servers.addresses.webhook, node, options);
    } finally {
      await servers.close();
    }
  },
};

async function measure(target: WebhookFunction, node: LambdaNode, { quick }: BenchOptions): Promise<ScenarioResult> {
  const bundleBytes = statSync(join(target.directory, 'index.js')).size;
  const bare: number[] = [];
  const cold: number[] = [];
  const failures: string[] = [];
  for (let round = 0; round < (quick ? 3 : 15); round++) {
    bare.push((await runCommand({ program: node.path, args: ['-e', '0'], environment: {} })).seconds);
    const start = performance.now();
    const sandbox = sandboxOf(target, node);
    failures.push(...refused(await deliver(sandbox, target)));
    cold.push((performance.now() - start) / 1000);
    await sandbox.kill();
  }
  const warm: number[] = [];
  const sandbox = sandboxOf(target, node);
  for (let count = 0; count < (quick ? 60 : 520); count++) {
    const start = performance.now();
    failures.push(...refused(await deliver(sandbox, target)));
    // The first ones compile.
    if (count >= 20) { warm.push((performance.now() - start) / 1000); }
  }
  await sandbox.kill();
  const [bareMedian, coldMedian] = [median(bare), median(cold)];
  const p99 = percentile(warm, 99) * 1000;
  const row = (contestant: string, list: readonly number[]) => ({
    scenario: webhook.name,
    contestant,
    runs: list.length,
    seconds: median(list),
  });
  return {
    rows: [
      row(`bare Node ${node.version}: node -e 0`, bare),
      row('cold start to answer', cold),
      { ...row('warm delivery', warm), note: `p50 ${(median(warm) * 1000).toFixed(2)} ms, p99 ${p99.toFixed(2)} ms` },
    ],
    verdicts: [
      atMost(webhook.name, 'bundle', bundleBytes / 1024, 300, ' KiB'),
      atMost(
        webhook.name,
        `cold start to answer : bare start of Node ${node.version}`,
        coldMedian / bareMedian,
        4,
        'x',
      ),
      atMost(webhook.name, 'warm p99', p99, 10, ' ms'),
    ],
    failures: [...new Set(failures)],
  };
}

function sandboxOf(target: WebhookFunction, node: LambdaNode): Sandbox {
  return new Sandbox({
    nodeBinary: node.path,
    nodeArguments: ['--max-old-space-size=230'],
    directory: target.directory,
    environment: {
      ...target.environment,
      _HANDLER: target.handler,
      AWS_EXECUTION_ENV: 'AWS_Lambda_nodejs24.x',
      AWS_LAMBDA_FUNCTION_NAME: 'webhook',
      AWS_LAMBDA_LOG_FORMAT: 'JSON',
      AWS_LAMBDA_LOG_LEVEL: 'INFO',
      AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true',
      LAMBDA_TASK_ROOT: target.directory,
    },
    onLine: () => undefined,
  });
}

function deliver(sandbox: Sandbox, { secret, arn, aliases }: WebhookFunction): Promise<SandboxResult> {
  const body = readFileSync(PAYLOAD, 'utf8');
  const event = {
    version: '2.0',
    headers: {
      'content-type': 'application/json',
      'x-github-delivery': randomUUID(),
      'x-github-event': 'package',
      'x-hub-signature-256': `sha256=${createHmac('sha256', secret).update(body).digest('hex')}`,
    },
    body,
    isBase64Encoded: false,
  };
  return sandbox.invoke({
    requestId: randomUUID(),
    payload: JSON.stringify(event),
    arn,
    traceId: 'Root=1-0-0',
    timeoutMs: 10_000,
    aliases,
  });
}

function refused(result: SandboxResult): string[] {
  if (result.kind !== 'result') { return [`the webhook function ended with ${JSON.stringify(result)}`]; }
  const { statusCode, body } = JSON.parse(result.payload) as { statusCode?: number; body?: string };
  return statusCode === 202 && body?.includes('Accepted') === true
    ? []
    : [`the webhook function answered ${String(statusCode)} ${String(body)}, expected 202`];
}
