import fc from 'fast-check';
import { gitHubPackages } from '../../../lambda/shared/github-packages';
import { plan, SourceVersion } from '../../../lambda/shared/plan';
import { digest } from '../../unit/shared/samples';
import { mutated } from '../inputs/json';
import { asHeader, hostileText, jumbledHeader } from '../inputs/text';
import { Finding, FuzzTarget, require } from '../target';

const API = 'https://api.github.example';
const TOKEN = 'ghp_5Ecr3tV4lue';

interface Listing {
  readonly packages: boolean;
  readonly name: string;
  readonly pages: readonly Uint8Array[];
  readonly links: readonly string[];
}

const VERSIONS = [
  [
    { id: 1, name: digest(1), metadata: { package_type: 'container', container: { tags: ['1', 'latest'] } } },
    { id: 2, name: digest(2), metadata: { container: { tags: [] } } },
  ],
  [{ id: 3, name: 'app', visibility: 'private' }],
];

const url = fc.oneof(
  fc.constantFrom(
    `${API}/orgs/my-org/packages?page=2`,
    `${API}/orgs/my-org/packages?page=3`,
    'https://attacker.example/?page=2',
    '/orgs?page=2',
    `${API}/?page=99999999999`,
  ),
  hostileText.map(asHeader),
);

/** Answers to the requests of one listing. */
export function gitHubLists(): FuzzTarget<Listing> {
  const original = globalThis.fetch;
  return {
    name: 'GitHub listings',
    share: 4,
    input: fc.record({
      packages: fc.boolean(),
      name: fc.oneof(fc.constantFrom('app', 'team/tool'), hostileText),
      pages: fc.array(mutated(VERSIONS), { minLength: 1, maxLength: 2 }),
      links: fc.array(
        fc.oneof(
          fc.tuple(url, fc.constantFrom('next', 'last', 'prev')).map(([at, rel]) => `<${at}>; rel="${rel}"`),
          fc.constantFrom(
            `<${API}/orgs/my-org/packages?page=2>; rel="next", <${API}/orgs/my-org/packages?page=2>; rel="last"`,
          ),
          jumbledHeader('<', '>', ';', ' rel="next"', ' rel="last"', ',', '?page=', '2', API),
        ),
        { maxLength: 2 },
      ),
    }),
    check: listing => check(listing),
    mustSee: ['listed', 'refused'],
    timed: false,
    close: () => {
      globalThis.fetch = original;
      return Promise.resolve();
    },
  };
}

/** Far more than two pages of answers lead to; a listing that never ends makes more. */
const MOST_REQUESTS = 12;

class Endless extends Error {}

async function check({ packages, name, pages, links }: Listing): Promise<string> {
  const requests: string[] = [];
  globalThis.fetch = input => {
    if (requests.push(String(input)) > MOST_REQUESTS) {
      return Promise.reject(new Endless());
    }
    const at = requests.length - 1;
    const link = links[at];
    const body = at < pages.length ? Buffer.from(pages[at]) : '[]';
    return Promise.resolve(
      new Response(body, {
        headers: { 'content-type': 'application/json', ...(link === undefined ? {} : { link }) },
      }),
    );
  };
  const github = gitHubPackages({
    apiUrl: API,
    organization: 'my-org',
    token: TOKEN,
    tokenName: 'github/packages',
    maxWaitSeconds: 0,
    warn: () => undefined,
  });
  let outcome = 'listed';
  try {
    requirePlannable(packages ? [] : await github.listVersions(name));
    if (packages) {
      requireNames(await github.listPackages());
    }
  } catch (error) {
    require(!(error instanceof TypeError || error instanceof RangeError), () => `threw ${String(error)}`);
    require(!String(error).includes(TOKEN), () => 'the error holds the token');
    if (error instanceof Finding) {
      throw error;
    }
    outcome = 'refused';
  }
  requests.forEach(request => requireInside(request, packages));
  require(requests.length <= MOST_REQUESTS, () => 'the listing never ends');
  return outcome;
}

function requireInside(request: string, packages: boolean): void {
  const { origin, pathname } = new URL(request);
  require(origin === API, () => `a request with the token went to ${origin}`);
  const inside = packages
    ? pathname === '/orgs/my-org/packages'
    : /^\/orgs\/my-org\/packages\/container\/[^/]+\/versions$/.test(pathname);
  require(inside, () => `a request went to ${pathname}`);
}

/** Digests become parts of addresses. */
function requirePlannable(versions: readonly SourceVersion[]): void {
  const { actions } = plan('my-org/app', versions, undefined);
  require(actions.every(action => /^sha256:[0-9a-f]{64}$/.test(action.digest)), () =>
    `plans ${JSON.stringify(actions)}`);
}

function requireNames(names: readonly unknown[]): void {
  require(names.every(name => typeof name === 'string'), () => `packages ${JSON.stringify(names)}`);
}
