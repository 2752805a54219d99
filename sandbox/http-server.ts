import { createServer, IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { Fault, Faults } from './faults';

export interface RequestRecord {
  readonly method: string;
  /** Path with query. */
  readonly path: string;
  /** 0 while the exchange is under way or when it was reset. */
  status: number;
  requestBytes: number;
  responseBytes: number;
}

/** A server on a loopback port of the system's choice. */
export interface HttpServer {
  /** `127.0.0.1:PORT` */
  readonly host: string;
  /** `http://127.0.0.1:PORT` */
  readonly url: string;
  readonly faults: Faults;
  /** Every exchange, in order of arrival. */
  readonly requests: RequestRecord[];
  /** Stops listening and drops open connections. */
  close(): Promise<void>;
}

export type Handler = (request: IncomingMessage, response: ServerResponse) => Promise<void> | void;

export interface ServeOptions {
  readonly faults?: Faults;
  /** @default 0 (the system chooses) */
  readonly port?: number;
}

/** Serves `handler` on loopback, with faults applied outside of it, so that no stand-in knows that they exist. */
export async function serve(handler: Handler, options: ServeOptions = {}): Promise<HttpServer> {
  const faults = options.faults ?? new Faults();
  const requests: RequestRecord[] = [];
  const sockets = new Set<Socket>();
  const server = createServer({ keepAliveTimeout: 60_000 }, (request, response) => {
    const record = recordExchange(requests, request, response);
    exchange(handler, faults, request, response).catch((error: unknown) => {
      record.status = 500;
      fail(response, error);
    });
  });
  server.on('connection', socket => {
    // Answers are small and sequential: without this, Nagle and delayed acknowledgements add 40 ms to each.
    socket.setNoDelay(true);
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.port ?? 0, '127.0.0.1', resolve);
  });
  const host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    host,
    url: `http://${host}`,
    faults,
    requests,
    close: () => new Promise(resolve => {
      server.close(() => resolve());
      sockets.forEach(socket => socket.destroy());
    }),
  };
}

function recordExchange(requests: RequestRecord[], request: IncomingMessage, response: ServerResponse): RequestRecord {
  const record: RequestRecord = {
    method: request.method ?? '',
    path: request.url ?? '',
    status: 0,
    requestBytes: 0,
    responseBytes: 0,
  };
  requests.push(record);
  const before = { read: request.socket.bytesRead, written: request.socket.bytesWritten };
  response.on('close', () => {
    record.status = response.headersSent ? response.statusCode : 0;
    record.requestBytes = request.socket.bytesRead - before.read;
    record.responseBytes = request.socket.bytesWritten - before.written;
  });
  return record;
}

async function exchange(
  handler: Handler,
  faults: Faults,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  if (faults.roundTripMs > 0) { await sleep(faults.roundTripMs); }
  const fault = faults.next(request);
  if (fault && await strike(fault, request, response)) { return; }
  await handler(request, response);
}

/** Applies a fault; true when the exchange ends with it. */
async function strike(fault: Fault, request: IncomingMessage, response: ServerResponse): Promise<boolean> {
  switch (fault.kind) {
    case 'reset':
      request.socket.resetAndDestroy();
      return true;
    case 'status':
      request.resume();
      response.writeHead(fault.status, fault.headers).end(fault.body ?? '');
      return true;
    case 'hang':
      request.resume();
      return true;
    case 'delay':
      await sleep(fault.ms);
      return false;
    case 'truncate':
      truncate(response, fault.afterBytes);
      return false;
    case 'slow':
      trickle(response, fault.bytesPerSecond);
      return false;
  }
}

/** Lets `afterBytes` of the body through under the full Content-Length, then resets. */
function truncate(response: ServerResponse, afterBytes: number): void {
  const write = response.write.bind(response);
  let left = afterBytes;
  const cut = (chunk: unknown): boolean => {
    const bytes = Buffer.from(chunk as Buffer | string);
    if (bytes.length <= left) {
      left -= bytes.length;
      return write(bytes);
    }
    write(bytes.subarray(0, left), () => response.socket?.resetAndDestroy());
    left = 0;
    return false;
  };
  response.write = ((chunk: unknown) => cut(chunk)) as typeof response.write;
  response.end = ((chunk?: unknown) => {
    if (chunk !== undefined && typeof chunk !== 'function') { cut(chunk); }
    setImmediate(() => response.socket?.resetAndDestroy());
    return response;
  }) as typeof response.end;
}

function trickle(response: ServerResponse, bytesPerSecond: number): void {
  const write = response.write.bind(response);
  const end = response.end.bind(response);
  let queue = Promise.resolve();
  const push = (chunk: unknown): void => {
    const bytes = Buffer.from(chunk as Buffer | string);
    const step = Math.max(1, Math.floor(bytesPerSecond / 20));
    for (let at = 0; at < bytes.length; at += step) {
      queue = queue.then(() => sleep(50)).then(() => { write(bytes.subarray(at, at + step)); });
    }
  };
  response.write = ((chunk: unknown) => { push(chunk); return true; }) as typeof response.write;
  response.end = ((chunk?: unknown) => {
    if (chunk !== undefined && typeof chunk !== 'function') { push(chunk); }
    queue.then(() => end(), () => response.socket?.destroy());
    return response;
  }) as typeof response.end;
}

function fail(response: ServerResponse, error: unknown): void {
  // A stand-in that throws is a bug in the stand-in: say so where a person looks, and don't pretend to be the service.
  process.stderr.write(`stand-in failed: ${error instanceof Error ? error.stack : String(error)}\n`);
  if (response.headersSent) {
    response.destroy();
  } else {
    response.writeHead(500, { 'content-type': 'text/plain' }).end(`stand-in failed: ${String(error)}`);
  }
}

/** Reads a request's whole body. */
export async function readBody(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) { chunks.push(chunk as Buffer); }
  return Buffer.concat(chunks);
}

export function sendJson(
  response: ServerResponse,
  status: number,
  body: unknown,
  headers: Record<string, string> = {},
): void {
  const bytes = Buffer.from(JSON.stringify(body));
  response.writeHead(
    status,
    { 'content-type': 'application/json; charset=utf-8', 'content-length': String(bytes.length), ...headers },
  ).end(bytes);
}
