import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { digestOf, verifiedBytes } from '../../../../lambda/sync/registry/verified-stream';

/** A download of these bytes that breaks off after so many. */
async function* part(bytes: Buffer, breaksAfter = Infinity): AsyncGenerator<Buffer> {
  for (let at = 0; at < Math.min(bytes.length, breaksAfter); at += 7) {
    yield await Promise.resolve(bytes.subarray(at, Math.min(at + 7, breaksAfter)));
  }
  if (breaksAfter < bytes.length) { throw new Error('aborted'); }
}

async function collect(chunks: AsyncIterable<Buffer>): Promise<Buffer> {
  const all: Buffer[] = [];
  for await (const chunk of chunks) { all.push(chunk); }
  return Buffer.concat(all);
}

test('gives the same bytes, wherever the download breaks off', async () => {
  const lengths = fc.array(fc.integer({ min: 1, max: 60 }), { maxLength: 6 });
  await fc.assert(fc.asyncProperty(fc.uint8Array({ maxLength: 200 }), lengths, async (array, breaks) => {
    const bytes = Buffer.from(array);
    const content = { digest: digestOf(bytes, 'sha256:'), size: bytes.length };
    const told: number[] = [];
    const next = [...breaks];
    const open = async (offset: number): Promise<AsyncIterable<Buffer>> => part(bytes.subarray(offset), next.shift());
    expect(await collect(verifiedBytes(content, await open(0), open, offset => { told.push(offset); }))).toEqual(bytes);
    // Each part begins where the last one ended.
    const ends = breaks.map((_, at) => breaks.slice(0, at + 1).reduce((sum, length) => sum + length));
    expect(told).toEqual(ends.filter(offset => offset < bytes.length));
  }), { numRuns: 200 });
});

test.each(['sha256', 'sha512'])('checks %s', async algorithm => {
  const bytes = Buffer.from('content');
  const digest = `${algorithm}:${createHash(algorithm).update(bytes).digest('hex')}`;
  const never = (): Promise<never> => Promise.reject(new Error('opened again'));
  expect(await collect(verifiedBytes({ digest, size: 7 }, part(bytes), never, () => undefined))).toEqual(bytes);
  const other = verifiedBytes({ digest, size: 7 }, part(Buffer.from('Content')), never, () => undefined);
  await expect(collect(other)).rejects.toThrow(`came for blob ${digest} of 7 bytes: does not match expected digest`);
});

test.each([[0], [3]])('fails when the next part brings nothing after %i bytes', async length => {
  const content = { digest: `sha256:${'0'.repeat(64)}`, size: 10 };
  const bytes =
    verifiedBytes(content, part(Buffer.alloc(10), length), async () => part(Buffer.alloc(10), 0), () => undefined);
  await expect(collect(bytes))
    .rejects.toThrow(`connection closed after ${length} of 10 bytes of blob ${content.digest}: aborted`);
});

test('sends nothing of what is too much', async () => {
  const content = { digest: `sha256:${'0'.repeat(64)}`, size: 10 };
  const given: number[] = [];
  const bytes =
    verifiedBytes(content, part(Buffer.alloc(30)), () => Promise.reject(new Error('opened again')), () => undefined);
  await expect((async () => { for await (const chunk of bytes) { given.push(chunk.length); } })())
    .rejects.toThrow('does not match expected digest');
  expect(given).toEqual([7]);
});
