import type { Pipe, PipeReceiver } from '../../../src/rpc/pipe';
import type { Process } from './process';

/** Messages under way in one direction before `write` asks to wait, as streams of objects have it in Node. */
const HIGH_WATER = 16;
/** The reason with which a stream ends that the other side has ended in order. */
export const ENDED = 'the other side ended';

/** What crosses the network in one direction, in order. */
export type Parcel =
  | { readonly kind: 'message'; readonly bytes: Buffer }
  | { readonly kind: 'end' }
  | { readonly kind: 'reset'; readonly reason: string };

/** What an end needs of the network. */
export interface Carrier {
  /** Takes a parcel to the other end, in order with all before it, or when the way is open again. */
  send(from: WireEnd, parcel: Parcel): void;
  /** Tells the other end that it may write again. */
  credit(from: WireEnd): void;
  /** Runs something in a process, in a turn of its own. */
  soon(process: Process, run: () => void): void;
  /** This end is over; the network forgets a stream when both are. */
  over(end: WireEnd): void;
}

/** One end of a stream of messages between two processes. */
export class WireEnd implements Pipe<Buffer, Buffer> {
  over = false;
  peer: WireEnd | undefined;
  /** Written, and not taken by the other end yet. */
  unread = 0;
  blocked = false;
  private receiver: PipeReceiver<Buffer> | undefined;
  private paused = false;
  private inbox: Parcel[] = [];

  constructor(
    readonly process: Process,
    /** The machine at the other end. */
    readonly other: string,
    private readonly carrier: Carrier,
  ) {}

  open(receiver: PipeReceiver<Buffer>): void {
    this.receiver = receiver;
    this.deliver();
  }

  write(bytes: Buffer): boolean {
    if (this.over) return true;
    this.unread++;
    this.carrier.send(this, { kind: 'message', bytes });
    this.blocked ||= this.unread >= HIGH_WATER;
    return !this.blocked;
  }

  pause(): void {
    this.paused = true;
  }

  resume(): void {
    if (!this.paused) return;
    this.paused = false;
    this.carrier.soon(this.process, () => this.deliver());
  }

  end(): void {
    if (this.over) return;
    this.carrier.send(this, { kind: 'end' });
    this.shut('this side ended');
  }

  abort(reason: string): void {
    if (this.over) return;
    this.carrier.send(this, { kind: 'reset', reason: 'the other side broke off' });
    this.shut(reason);
  }

  /** A parcel has come over the network. */
  arrive(parcel: Parcel): void {
    if (this.over) return;
    if (parcel.kind === 'reset') {
      this.shut(parcel.reason);
      return;
    }
    this.inbox.push(parcel);
    this.deliver();
  }

  /** This end is over, for its process too. */
  shut(reason: string): void {
    if (this.over) return;
    this.over = true;
    this.inbox = [];
    this.carrier.over(this);
    this.carrier.soon(this.process, () => this.receiver?.closed(reason));
  }

  /** May write again. */
  drain(): void {
    if (this.over || !this.blocked || this.unread > 0) return;
    this.blocked = false;
    this.receiver?.drained();
  }

  private deliver(): void {
    while (!this.over && !this.paused && this.receiver !== undefined) {
      const parcel = this.inbox.shift();
      if (parcel === undefined) return;
      if (parcel.kind !== 'message') {
        this.shut(ENDED);
        return;
      }
      this.carrier.credit(this);
      this.receiver.message(parcel.bytes);
    }
  }
}

/** An end that speaks in messages of a method. */
export function codecPipe<Out, In>(
  end: WireEnd,
  encode: (message: Out) => Buffer,
  decode: (bytes: Buffer) => In,
): Pipe<Out, In> {
  return {
    open: (receiver) => {
      end.open({
        message: (bytes) => receiver.message(decode(bytes)),
        drained: () => receiver.drained(),
        closed: (reason) => receiver.closed(reason),
      });
    },
    write: (message) => end.write(encode(message)),
    pause: () => end.pause(),
    resume: () => end.resume(),
    end: () => end.end(),
    abort: (reason) => end.abort(reason),
  };
}
