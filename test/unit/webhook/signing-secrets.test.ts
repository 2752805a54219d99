import { SigningSecrets } from '../../../lambda/webhook/signing-secrets';
import { FakeTime } from '../shared/fake-time';

const MINUTE = 60_000;

let time: FakeTime;
let stored: string[];
let reads: number;
beforeEach(() => {
  time = new FakeTime();
  stored = ['one'];
  reads = 0;
});

function secrets(): SigningSecrets {
  return new SigningSecrets(() => {
    reads++;
    return Promise.resolve(stored);
  }, time);
}

describe('cached', () => {
  test('reads once for many deliveries', async () => {
    const signing = secrets();
    expect(await signing.cached()).toEqual(['one']);
    expect(await signing.cached()).toEqual(['one']);
    expect(reads).toBe(1);
  });

  test('reads once for deliveries at the same time', async () => {
    const signing = secrets();
    await Promise.all([signing.cached(), signing.cached(), signing.cached()]);
    expect(reads).toBe(1);
  });

  test('keeps the secret for minutes', async () => {
    const signing = secrets();
    await signing.cached();
    time.pass(4 * MINUTE);
    await signing.cached();
    expect(reads).toBe(1);
  });

  test('reads again when the secret is old, so that a revoked one stops working', async () => {
    const signing = secrets();
    await signing.cached();
    stored = ['two'];
    time.pass(6 * MINUTE);
    expect(await signing.cached()).toEqual(['two']);
  });

  test('fails when the secret cannot be read, and tries again with the next delivery', async () => {
    const answers = [Promise.reject(new Error('denied')), Promise.resolve(['one'])];
    const signing = new SigningSecrets(() => answers.shift() ?? Promise.reject(new Error('no more')), time);
    await expect(signing.cached()).rejects.toThrow('denied');
    expect(await signing.cached()).toEqual(['one']);
  });
});

describe('reread', () => {
  test('sees a rotated secret at once', async () => {
    const signing = secrets();
    await signing.cached();
    stored = ['two', 'one'];
    time.pass(2_000);
    expect(await signing.reread()).toEqual(['two', 'one']);
    expect(time.slept).toEqual([]);
    expect(await signing.cached()).toEqual(['two', 'one']);
  });

  test('waits a moment, rather than refuse, when the last reading is fresh', async () => {
    const signing = secrets();
    await signing.cached();
    stored = ['two'];
    time.pass(400);
    expect(await signing.reread()).toEqual(['two']);
    expect(time.slept).toEqual([600]);
  });

  test('a flood of forged deliveries, one after the other, reads no more than once a second', async () => {
    const signing = secrets();
    await signing.cached();
    const start = time.now();
    for (let delivery = 0; delivery < 50; delivery++) { await signing.reread(); }
    expect(reads - 1).toBeLessThanOrEqual((time.now() - start) / 1_000);
  });

  test('a flood of forged deliveries at the same time reads once', async () => {
    const signing = secrets();
    await signing.cached();
    time.pass(5_000);
    await Promise.all(Array.from({ length: 50 }, () => signing.reread()));
    expect(reads).toBe(2);
  });

  test('fails when the secret cannot be read, and keeps the one that it had', async () => {
    let broken = false;
    const signing = new SigningSecrets(() => broken ? Promise.reject(new Error('throttled')) : Promise.resolve(['one']), time);
    await signing.cached();
    time.pass(2_000);
    broken = true;
    await expect(signing.reread()).rejects.toThrow('throttled');
    expect(await signing.cached()).toEqual(['one']);
  });
});
