import type { Platform, TcpConnection, TcpEvents } from '../../../../src/platform/platform';
import { nodePlatform } from '../../../../src/platform/node-platform';
import type { SimClock } from '../../../support/sim-clock';

/** The client's end of a connection in memory. */
export class MemoryConnection implements TcpConnection {
  readonly remote = { host: '192.0.2.1', port: 1 };
  readonly local = { host: '192.0.2.2', port: 2 };
  readonly written: Buffer[] = [];
  paused = false;
  closed = false;
  bufferedBytes = 0;
  /** While true, the "system" takes nothing. */
  stuck = false;
  events: TcpEvents | undefined;

  write(bytes: Uint8Array): boolean {
    if (this.closed) return true;
    this.written.push(Buffer.from(bytes));
    if (this.stuck) this.bufferedBytes += bytes.length;
    return !this.stuck;
  }

  /** The system takes all that waits. */
  drain(): void {
    this.stuck = false;
    if (this.bufferedBytes === 0) return;
    this.bufferedBytes = 0;
    this.events?.onDrain();
  }

  pause(): void {
    this.paused = true;
  }

  resume(): void {
    this.paused = false;
  }

  end(): void {
    this.destroy();
  }

  startTls(): void {
    this.destroy(); // no TLS in memory
  }

  destroy(): void {
    if (this.closed) return;
    this.closed = true;
    queueMicrotask(() => this.events?.onClose());
  }
}

/** A platform whose servers are reached through `connect`, under a clock that the test moves. */
export function memoryPlatform(sim: SimClock): {
  readonly platform: Platform;
  connect(): MemoryConnection;
} {
  let accept: ((connection: TcpConnection) => TcpEvents) | undefined;
  const node = nodePlatform();
  const platform: Platform = {
    ...node,
    clock: sim.clock,
    timers: sim.timers,
    sockets: {
      ...node.sockets,
      listenTcp: (_host, port, accepts) => {
        accept = accepts;
        return Promise.resolve({ port, close: () => Promise.resolve() });
      },
    },
  };
  const connect = (): MemoryConnection => {
    if (accept === undefined) throw new Error('nobody listens');
    const connection = new MemoryConnection();
    connection.events = accept(connection);
    return connection;
  };
  return { platform, connect };
}
