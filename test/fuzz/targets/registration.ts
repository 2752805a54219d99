import type { Context } from 'aws-lambda';
import fc from 'fast-check';
import { sendJson, serve } from '../../../sandbox/http-server';
import { startAws } from '../../unit/shared/aws-stand-in';
import { hostileJson, mutated } from '../inputs/json';
import { Finding, FuzzTarget, require } from '../target';

const ATTACKER = 'https://attacker.example';
const TOKEN = 'ghp_5Ecr3tV4lue';

/**
 * Events that whoever may invoke the registration function can send. GitHub's API answers 404 to every request, so that
 * no case waits for the pace at which GitHub lets hooks be written.
 */
export async function registration(): Promise<FuzzTarget<string>> {
  const github = await serve((request, response) => {
    request.resume();
    sendJson(response, 404, { message: 'Not Found' });
  });
  const aws = await startAws({
    GetSecretValue: () => ({ SecretString: TOKEN }),
    SendMessage: () => ({ MessageId: '1' }),
  });
  const own = properties(github.url);
  Object.assign(process.env, environment(github.url, aws.url));
  const { handler } = await import('../../../lambda/registration/main');
  const hosts = new Set<string>();
  const original = globalThis.fetch;
  globalThis.fetch = (input, init) => {
    const { origin } = new URL(input instanceof Request ? input.url : input);
    hosts.add(origin);
    return origin === github.url
      ? original(input, init)
      : Promise.reject(new Error(`no request may go to ${origin}`));
  };
  const bases = [
    own,
    { ...own, githubApiUrl: ATTACKER },
    { ...own, endpointUrl: `${ATTACKER}/packages` },
    { ...own, organization: 'other-org' },
  ];
  const invoke = async (event: unknown): Promise<string> => {
    try {
      await (handler as (event: unknown, context: Pick<Context, 'getRemainingTimeInMillis'>) => Promise<unknown>)(
        event,
        { getRemainingTimeInMillis: () => 300_000 },
      );
      return 'answered';
    } catch (error) {
      if (error instanceof Finding) {
        throw error;
      }
      require(!(error instanceof TypeError || error instanceof RangeError), () => `threw ${String(error)}`);
      require(!String(error).includes(TOKEN), () => 'the error holds the token');
      return 'refused';
    }
  };
  return {
    name: 'registration',
    share: 1,
    input: fc.oneof(
      { weight: 9, arbitrary: mutated(bases.flatMap(events)).map(bytes => bytes.toString('utf8')) },
      { weight: 1, arbitrary: hostileJson },
    ),
    async check(text) {
      hosts.clear();
      const outcome = await invoke(json(text));
      const elsewhere = [...hosts].filter(host => host !== github.url);
      if (elsewhere.length > 0) {
        throw new Finding(`a request went to ${elsewhere.join(', ')}`);
      }
      return `${outcome}${hosts.size > 0 ? ' after asking GitHub' : ''}`;
    },
    mustSee: ['refused', 'refused after asking GitHub', 'answered'],
    timed: false,
    close: async () => {
      globalThis.fetch = original;
      await Promise.all([github.close(), aws.close()]);
    },
  };
}

function environment(githubUrl: string, awsUrl: string): Record<string, string> {
  return {
    ORGANIZATION: 'my-org',
    ENDPOINT_URL: 'https://abc123.execute-api.eu-central-1.amazonaws.com/packages',
    EXECUTE_API_URL: 'https://abc123.execute-api.eu-central-1.amazonaws.com/packages',
    GITHUB_API_URL: githubUrl,
    QUEUE_URL: `${awsUrl}/111122223333/queue`,
    WEBHOOK_ACTIVE: 'true',
    WEBHOOK_SECRET_ARN: 'arn:aws:secretsmanager:eu-central-1:111122223333:secret:signing-AbCdEf',
    WEBHOOK_TOKEN_ARN: 'arn:aws:secretsmanager:eu-central-1:111122223333:secret:hooks-AbCdEf',
    AWS_REGION: 'eu-central-1',
    AWS_ENDPOINT_URL: awsUrl,
    AWS_ACCESS_KEY_ID: 'AKIAEXAMPLE',
    AWS_SECRET_ACCESS_KEY: 'example',
    // The function's log would hide the run's own lines.
    POWERTOOLS_LOG_LEVEL: 'SILENT',
  };
}

function properties(githubUrl: string): Record<string, string> {
  return {
    organization: 'my-org',
    endpointUrl: 'https://abc123.execute-api.eu-central-1.amazonaws.com/packages',
    githubApiUrl: githubUrl,
    active: 'true',
    webhookToken: 'arn',
  };
}

function events(given: Record<string, string>): unknown[] {
  const id = 'my-org/1';
  return [
    { RequestType: 'Create', ResourceProperties: given },
    { RequestType: 'Update', PhysicalResourceId: id, ResourceProperties: given, OldResourceProperties: given },
    { RequestType: 'Delete', PhysicalResourceId: id, ResourceProperties: given },
    { kind: 'repair', hook: given, hookId: '1' },
    { kind: 'redelivery' },
  ];
}

/** Lambda invokes nothing with an event that is no JSON. */
function json(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return {};
  }
}
