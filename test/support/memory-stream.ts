import type { MethodDefinition } from '@grpc/proto-loader';
import type { Pipe, PipeReceiver } from '../../src/rpc/pipe';
import type { Timers } from '../../src/platform/platform';

/** Messages under way in one direction before `write` asks to wait, as streams of objects have it in Node. */
export const HIGH_WATER = 16;

/**
 * A bidirectional stream in memory, with the codecs of a method of a service. Messages arrive in the
 * turn after they were written.
 */
export class MemoryStream<Request, Reply, RequestOut, ReplyOut> {
  readonly client: End<Request, ReplyOut>;
  readonly server: End<Reply, RequestOut>;

  constructor(timers: Timers, method: MethodDefinition<Request, Reply, RequestOut, ReplyOut>) {
    this.client = new End(timers, method.requestSerialize, method.responseDeserialize);
    this.server = new End(timers, method.responseSerialize, method.requestDeserialize);
    this.client.peer = this.server;
    this.server.peer = this.client;
  }

  /** The connection is lost: both ends close, what was under way is lost. */
  cut(): void {
    this.client.shut('the connection was cut');
    this.server.shut('the connection was cut');
  }
}

class End<Out, In> implements Pipe<Out, In> {
  peer: End<never, unknown> | undefined;
  /** Messages written. */
  written = 0;
  /** The most messages that ever waited for this end to take them. */
  waitingMax = 0;
  /** Takes nothing while set, as a process that does not run. */
  private stalled = false;
  private inbox: (Buffer | 'end')[] = [];
  private receiver: PipeReceiver<In> | undefined;
  private paused = false;
  private scheduled = false;
  private blockedPeer = false;
  private over = false;

  constructor(
    private readonly timers: Timers,
    private readonly encode: (message: Out) => Buffer,
    private readonly decode: (bytes: Buffer) => In,
  ) {}

  open(receiver: PipeReceiver<In>): void {
    this.receiver = receiver;
    this.schedule();
  }

  write(message: Out): boolean {
    if (this.over || this.peer === undefined) return true;
    this.written++;
    return this.peer.arrive(this.encode(message));
  }

  pause(): void {
    this.paused = true;
  }

  resume(): void {
    this.paused = false;
    this.schedule();
  }

  get isPaused(): boolean {
    return this.paused;
  }

  end(): void {
    if (this.over) return;
    this.peer?.arrive('end');
    this.shut('this side ended');
  }

  abort(reason: string): void {
    this.shut(reason);
    this.peer?.shut('the other side broke off');
  }

  /** Stops or goes on taking what arrives, without the other end's knowing. */
  stall(stalled: boolean): void {
    this.stalled = stalled;
    this.schedule();
  }

  shut(reason: string): void {
    if (this.over) return;
    this.over = true;
    this.inbox = [];
    this.timers.nextTurn(() => this.receiver?.closed(reason));
  }

  private arrive(item: Buffer | 'end'): boolean {
    if (this.over) return true;
    this.inbox.push(item);
    this.waitingMax = Math.max(this.waitingMax, this.inbox.length);
    this.schedule();
    const more = this.inbox.length < HIGH_WATER;
    if (!more) this.blockedPeer = true;
    return more;
  }

  private schedule(): void {
    if (this.scheduled) return;
    this.scheduled = true;
    this.timers.nextTurn(() => {
      this.scheduled = false;
      this.deliver();
    });
  }

  private deliver(): void {
    while (!this.over && !this.paused && !this.stalled && this.receiver !== undefined) {
      const item = this.inbox.shift();
      if (item === undefined) break;
      if (item === 'end') this.shut('the other side ended');
      else this.receiver.message(this.decode(item));
    }
    if (!this.blockedPeer || this.inbox.length > 0) return;
    this.blockedPeer = false;
    const { peer } = this;
    if (peer !== undefined && !peer.over) peer.receiver?.drained();
  }
}
