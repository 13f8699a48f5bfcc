/** A server in memory that a client of ours has dialled: a test says what it sends, frame by frame. */
import { FrameReader } from '../../../../src/rpc/http2/frame-reader';
import { CLIENT_PREFACE } from '../../../../src/rpc/http2/frame';
import { nodePlatform } from '../../../../src/platform/node-platform';
import type { DialEvents, Platform } from '../../../../src/platform/platform';
import type { SimClock } from '../../../support/sim-clock';
import { MemoryConnection } from './memory-sockets';
import type { Frame } from './raw-client';

export class DialledMemory {
  readonly platform: Pick<Platform, 'clock' | 'timers' | 'sockets'>;
  readonly connection = new MemoryConnection();
  private events: DialEvents | undefined;

  constructor(sim: SimClock) {
    this.platform = {
      clock: sim.clock,
      timers: sim.timers,
      sockets: {
        ...nodePlatform().sockets,
        dialTcp: (_target, events) => {
          this.events = events;
          this.connection.events = events;
          return this.connection;
        },
      },
    };
  }

  /** The connection is there. */
  open(): void {
    this.events?.onOpen();
  }

  send(...frames: readonly Buffer[]): void {
    this.events?.onData(Buffer.concat(frames));
  }

  /** All that the client has sent, as frames. */
  get frames(): readonly Frame[] {
    const frames: Frame[] = [];
    const reader = new FrameReader(1 << 20, (type, flags, streamId, bytes, start, end) => {
      frames.push({ type, flags, streamId, payload: Buffer.from(bytes.subarray(start, end)) });
      return true;
    });
    reader.push(Buffer.concat(this.connection.written).subarray(CLIENT_PREFACE.length));
    return frames;
  }
}
