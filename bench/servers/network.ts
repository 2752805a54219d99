import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { Fault, Faults } from '../../sandbox/faults';

/**
 * The distance of one network, the same for every server on it: each exchange takes a round trip, and the
 * first one on a connection also those that opening it takes (TCP one, TLS 1.3 one; nothing here speaks
 * TLS). Bandwidth is loopback's.
 */
export class Network extends Faults {
  private readonly known = new WeakSet<Socket>();
  /** Connections so far, over all servers. */
  public connections = 0;
  private readonly arrivals = new Map<number, number>();
  private distance = { roundTripMs: 0, connectionRoundTrips: 0 };

  public measureAt(roundTripMs: number, connectionRoundTrips: number): void {
    this.distance = { roundTripMs, connectionRoundTrips };
    this.roundTripMs = roundTripMs;
  }

  /** Runs work of the benchmark's own, such as checks, without any distance. */
  public async atOnce<T>(work: () => Promise<T>): Promise<T> {
    const { roundTripMs, connectionRoundTrips } = this.distance;
    this.measureAt(0, 0);
    try {
      return await work();
    } finally {
      this.measureAt(roundTripMs, connectionRoundTrips);
    }
  }

  /** Exchanges so far at a port. */
  public arrivedAt(port: number): number {
    return this.arrivals.get(port) ?? 0;
  }

  public override next(request: IncomingMessage): Fault | undefined {
    const port = request.socket.localPort ?? 0;
    this.arrivals.set(port, this.arrivedAt(port) + 1);
    const opened = !this.known.has(request.socket);
    this.known.add(request.socket);
    if (opened) { this.connections++; }
    const ms = opened ? this.distance.roundTripMs * this.distance.connectionRoundTrips : 0;
    return super.next(request) ?? (ms > 0 ? { kind: 'delay', ms } : undefined);
  }
}
