import Bottleneck from 'bottleneck';
import type { RegistrarDependencies } from '../../lambda/registration/dependencies';
import { organizationHooks } from '../../lambda/registration/hooks';
import { redeliverFailed } from '../../lambda/registration/redelivery';
import { handleDelivery } from '../../lambda/webhook/handler';
import { SigningSecrets } from '../../lambda/webhook/signing-secrets';
import { Throttle } from '../../sandbox/aws/services/api-gateway/throttle';
import type { GitHub, GitHubOptions } from '../../sandbox/github';
import { HttpServer, readBody, sendJson, serve } from '../../sandbox/http-server';
import type { PackageMessage } from '../../src/contract/messages';
import { call, createHook, HOOKS, start } from '../sandbox/github/testing';
import { RecordingLog } from '../unit/shared/recording-log';

const MINUTE = 60_000;

/**
 * GitHub, and the real webhook handler behind the throttle of the API's stage, on a clock that
 * stands still unless a test moves it.
 */
export class DeliveryWorld {
  public static async start(options: Partial<GitHubOptions> = {}): Promise<DeliveryWorld> {
    const world = new DeliveryWorld();
    const github = await start({ clock: world.clock, ...options });
    const endpoint = await serve(async (request, response) => {
      const body = await readBody(request);
      if (!world.up || !world.throttle.take()) {
        return sendJson(response, world.up ? 429 : 503, { message: 'Too Many Requests' });
      }
      const headers = Object.fromEntries(Object.entries(request.headers).map(([name, value]) => [name, String(value)]));
      const { statusCode = 500, body: answer = '{}' } =
        await handleDelivery({ headers, body: body.toString('base64'), isBase64Encoded: true }, {
          organization: 'my-org',
          secrets: world.signing,
          log: new RecordingLog(),
          send: async message => {
            world.queued.push(message);
          },
        });
      sendJson(response, statusCode, JSON.parse(answer) as object);
    });
    world.parts = {
      github,
      endpoint,
      hookId: await createHook(github, `${endpoint.url}/packages`, { config: { secret: world.secret } }),
    };
    await github.idle();
    return world;
  }

  public secret = 'the-secret';
  /** Whether the endpoint answers as it should. */
  public up = true;
  public readonly queued: PackageMessage[] = [];
  /** When full reconciles were asked for. */
  public readonly reconciles: number[] = [];
  public readonly log = new RecordingLog();
  public time = Date.parse('2026-03-01T00:00:00Z');
  private readonly clock = {
    now: () => this.time,
    sleep: (ms: number) => ms > 0 ? new Promise<void>(() => undefined) : Promise.resolve(),
  };
  /** As src/private/webhook-endpoint.ts sets it. */
  private readonly throttle = new Throttle(50, 200, () => this.time);
  private readonly signing = new SigningSecrets(
    async () => ({ secrets: [{ value: this.secret }], unreadable: [] }), () => this.time, new RecordingLog(),
  );
  private parts: { readonly github: GitHub; readonly endpoint: HttpServer; readonly hookId: number } | undefined;

  public get github(): GitHub { return this.now.github; }
  public get endpoint(): HttpServer { return this.now.endpoint; }
  public get hookId(): number { return this.now.hookId; }

  /** A push of the package: GitHub delivers it once. @returns the status that GitHub saw */
  public async push(name: string): Promise<number> {
    const payload = {
      action: 'published',
      package: { name, package_type: 'CONTAINER' },
      organization: { login: 'My-Org' },
    };
    const [{ statusCode }] = await this.github.deliver('package', payload, { hookId: this.hookId });
    return statusCode;
  }

  /** A delivery that somebody else has signed. */
  public async forge(n: number): Promise<number> {
    const headers = {
      'content-type': 'application/json',
      'x-github-event': 'package',
      'x-hub-signature-256': `sha256=${'0'.repeat(64)}`,
    };
    return (await fetch(
      `${this.endpoint.url}/packages`,
      { method: 'POST', headers, body: JSON.stringify({ n }) },
    )).status;
  }

  /**
   * Lets time pass, and then has the registration look for failed deliveries.
   *
   * @returns the requests that it sent to GitHub
   */
  public async look(minutes = 10): Promise<string[]> {
    this.time += minutes * MINUTE;
    const { requests } = this.github.server;
    const before = requests.length;
    await redeliverFailed(this.dependencies());
    await this.github.idle();
    return requests.slice(before).map(({ method, path }) => `${method} ${path}`);
  }

  public pass(ms: number): void {
    this.time += ms;
  }

  /** Gives GitHub another secret to sign with. */
  public async signWith(secret: string): Promise<void> {
    await call(this.github, 'ghp_hooks', `${HOOKS}/${this.hookId}/config`, { method: 'PATCH', body: { secret } });
  }

  public async close(): Promise<void> {
    await this.parts?.github.close();
    await this.parts?.endpoint.close();
  }

  private get now(): NonNullable<DeliveryWorld['parts']> {
    if (!this.parts) { throw new Error('the world has not started'); }
    return this.parts;
  }

  private dependencies(): RegistrarDependencies {
    const endpointUrl = `${this.endpoint.url}/packages`;
    return {
      own: {
        organization: 'My-Org',
        endpointUrl,
        executeApiUrl: endpointUrl,
        githubApiUrl: this.github.url,
        active: 'true',
      },
      region: 'eu-west-1',
      tokenName: 'github/hooks',
      hooks: async organization => organizationHooks(organization, {
        apiUrl: this.github.url,
        token: 'github_pat_hooks',
        maxWaitSeconds: 1,
        warn: message => this.log.warn(message),
        writes: new Bottleneck.Group({ minTime: 0 }),
      }),
      secret: async () => this.secret,
      requestSync: async () => { this.reconciles.push(this.time); },
      remainingMs: () => 300_000,
      now: () => this.time,
      sleep: async () => undefined,
      log: this.log,
    };
  }
}
