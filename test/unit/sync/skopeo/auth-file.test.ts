import { existsSync, readFileSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { createSkopeoFiles, SkopeoFiles } from '../../../../lambda/sync/skopeo/auth-file';

let files: SkopeoFiles;
beforeEach(async () => { files = await createSkopeoFiles(); });
afterEach(() => files.remove());

function mode(path: string): string {
  // Type bits aside.
  return statSync(path).mode.toString(8).slice(-3);
}

function json(path: string): unknown {
  return JSON.parse(readFileSync(path, 'utf8')) as unknown;
}

const LOGINS = [
  { host: 'ghcr.io', user: 'token', password: 'ghp_abc' },
  { host: '111122223333.dkr.ecr.eu-central-1.amazonaws.com', user: 'AWS', password: 'a:b=c' },
];

test('writes the credentials in the form that skopeo reads', async () => {
  await files.login(LOGINS);
  expect(json(files.authFile)).toEqual({
    auths: {
      'ghcr.io': { auth: Buffer.from('token:ghp_abc').toString('base64') },
      '111122223333.dkr.ecr.eu-central-1.amazonaws.com': { auth: Buffer.from('AWS:a:b=c').toString('base64') },
    },
  });
});

test('nobody else may read them, nor enter their directory', async () => {
  await files.login(LOGINS);
  expect(mode(files.authFile)).toBe('600');
  expect(mode(dirname(files.authFile))).toBe('700');
});

test('a new login replaces the one before, and stays private', async () => {
  await files.login(LOGINS);
  await files.login([LOGINS[0]]);
  expect(json(files.authFile)).toEqual({ auths: { 'ghcr.io': expect.anything() as unknown } });
  expect(mode(files.authFile)).toBe('600');
});

test('no credentials are written before the login', () => {
  expect(existsSync(files.authFile)).toBe(false);
});

test('brings a trust policy, because some images have none', () => {
  expect(json(files.policyFile)).toEqual({ default: [{ type: 'insecureAcceptAnything' }] });
});

test('two runs do not share files', async () => {
  const others = await createSkopeoFiles();
  expect(others.authFile).not.toBe(files.authFile);
  await others.remove();
});

test('removes everything, and once is enough', async () => {
  await files.login(LOGINS);
  await files.remove();
  expect(existsSync(dirname(files.authFile))).toBe(false);
  await files.remove();
});
