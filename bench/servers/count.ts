import type { Traffic } from './protocol';
import type { RequestRecord } from '../../sandbox/http-server';

/** The exchanges of one server. */
export interface Wire {
  readonly name: 'github' | 'ghcr' | 'ecr';
  readonly requests: RequestRecord[];
}

const DIGEST = /sha256:[0-9a-f]{64}/;

/** @param sizes of every blob that could travel: exact, where counting a socket's bytes would count headers too */
export function countTraffic(
  wires: readonly Wire[],
  sizes: ReadonlyMap<string, number>,
  aws: number,
): Omit<Traffic, 'connections'> {
  const count = (name: Wire['name']): number =>
    wires.filter(wire => wire.name === name).reduce((sum, { requests }) => sum + requests.length, 0);
  const of = (name: Wire['name']): RequestRecord[] =>
    wires.filter(wire => wire.name === name).flatMap(({ requests }) => requests);
  const blobs = (records: readonly RequestRecord[]): number[] =>
    records.map(({ path }) => sizes.get(DIGEST.exec(decodeURIComponent(path))?.[0] ?? '') ?? 0);
  const read = blobs(
    of('ghcr').filter(({ method, path, status }) => method === 'GET' && status === 200 && path.includes('/blobs/')),
  );
  const written = blobs(of('ecr')
    .filter(({ method, path, status }) => method === 'PUT' && status === 201 && path.includes('/blobs/uploads/')));
  return {
    requests: { github: count('github'), ghcr: count('ghcr'), ecr: count('ecr'), aws },
    blobBytesRead: total(read),
    blobsRead: read.length,
    blobBytesWritten: total(written),
    blobsWritten: written.length,
    throttled: wires.flatMap(({ requests }) => requests).filter(({ status }) => status === 429).length,
  };
}

function total(numbers: readonly number[]): number {
  return numbers.reduce((sum, number) => sum + number, 0);
}
