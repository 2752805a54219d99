import { createGitHubClient } from '../../../lambda/shared/github-client';
import { HttpServer, serve } from '../../../sandbox/http-server';

let server: HttpServer;
beforeEach(async () => { server = await serve((_, response) => { response.writeHead(200).end(); }); });
afterEach(() => server.close());

test('an aborted request fails without another try', async () => {
  server.faults.add({ fault: { kind: 'delay', ms: 50 } });
  const leaving = new AbortController();
  let sent = 0;
  const client = createGitHubClient({
    apiUrl: server.url,
    token: 'ghp_any',
    maxWaitSeconds: 1,
    warn: () => undefined,
    onRequest: () => { sent++; leaving.abort(new Error('out of time')); },
  });
  await expect(client.request('GET /', { request: { signal: leaving.signal } })).rejects.toThrow('out of time');
  expect(sent).toBe(1);
});

test.each(['ghp_secret\nx', 'ghp_secret x', 'ghp_secret\u00e9\u{1f680}', ''])('rejects the token %j, '
  + 'which no header holds, without quoting it', token => {
  const create = (): unknown =>
    createGitHubClient({ apiUrl: server.url, token, maxWaitSeconds: 1, warn: () => undefined });
  expect(create).toThrow('expected one bare token');
  expect(create).not.toThrow(/ghp_/);
});
