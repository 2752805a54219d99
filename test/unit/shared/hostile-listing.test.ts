import { digest } from './samples';
import { gitHubPackages } from '../../../lambda/shared/github-packages';
import { UnexpectedAnswer } from '../../../lambda/shared/github-pages';
import { HttpServer, sendJson, serve } from '../../../sandbox/http-server';

/** Answers as no GitHub gives them, but a proxy, or whoever answers for `githubApiUrl`. */
let answer: unknown;
let link: string | undefined;
let server: HttpServer;
let other: HttpServer;
beforeEach(async () => {
  link = undefined;
  server = await serve((request, response) => {
    request.resume();
    sendJson(response, 200, answer, link === undefined ? {} : { link });
  });
  other = await serve((_, response) => sendJson(response, 200, []));
});
afterEach(() => Promise.all([server.close(), other.close()]));

function client(): ReturnType<typeof gitHubPackages> {
  return gitHubPackages({
    apiUrl: server.url,
    organization: 'my-org',
    token: 'ghp_packages',
    tokenName: 'github/packages',
    maxWaitSeconds: 0,
    warn: () => undefined,
  });
}

test('a list of packages that continues on another host is not followed there', async () => {
  answer = [{ name: 'app' }];
  link = `<${other.url}/orgs/my-org/packages?page=2>; rel="next"`;
  const listing = client().listPackages();
  while (server.requests.length < 2) {
    await new Promise(setImmediate);
  }
  link = undefined;
  await listing;
  expect(other.requests).toEqual([]);
});

test.each<[string, unknown]>([
  ['an object', {}],
  ['an array of nothing', [null]],
  ['a version that leads out of the package', [{ name: '../../other/manifests/latest' }]],
  ['a version without a name', [{}]],
  ['tags that are no texts', [{ name: digest(1), metadata: { container: { tags: [1] } } }]],
])('fails on %s instead of versions', async (_, body) => {
  answer = body;
  await expect(client().listVersions('app')).rejects.toBeInstanceOf(UnexpectedAnswer);
});

test.each(['..', '.', '', 'a/../b', 'a//b'])('rejects the package name %j before anything is sent', async name => {
  await expect(client().listVersions(name)).rejects.toThrow("can't exist");
  expect(server.requests).toEqual([]);
});

test('fails on a package without a name', async () => {
  answer = [{ name: 7 }];
  await expect(client().listPackages()).rejects.toBeInstanceOf(UnexpectedAnswer);
});
