/** The watch of one name server: a stream that is opened again whenever it ends. */
import type { BrokerRegistration } from '../api/route-api';
import type { Platform, TimerHandle } from '../platform/platform';
import type { WatchMessage } from '../rpc/generated/gantry/v1/WatchMessage';
import type { WatchReply__Output } from '../rpc/generated/gantry/v1/WatchReply';
import { Backoff } from './backoff';
import { registrationFromWire } from './codec/route';
import type { LinkLog } from './log';
import type { Pipe } from '../rpc/pipe';
import { brokerKey, type NameServerView } from './route-merge';
import { errorText } from '../platform/error-text';

/** Longest wait for a first snapshot, milliseconds. */
const SNAPSHOT_MS = 5_000;

export interface WatchClientOptions {
  readonly address: string;
  readonly platform: Pick<Platform, 'clock' | 'timers' | 'random'>;
  readonly log: LinkLog;
  readonly connect: () => Pipe<WatchMessage, WatchReply__Output>;
  /** Called after each change of the view; the change is acknowledged when it returns. */
  readonly onChange: () => void;
}

export class WatchClient implements NameServerView {
  reachable = false;
  settled = false;
  brokers = new Map<string, BrokerRegistration>();
  readonly gone = new Set<string>();
  /** The snapshot that is being received. */
  private coming: Map<string, BrokerRegistration> | undefined;
  private settleTimer: TimerHandle | undefined;
  private readonly backoff: Backoff;
  private pipe: Pipe<WatchMessage, WatchReply__Output> | undefined;
  private closed = false;
  /** Whether it was told why the name server is not reachable: the next attempts end the same way. */
  private told = false;

  constructor(private readonly options: WatchClientOptions) {
    this.backoff = new Backoff(options.platform);
    this.connect();
  }

  close(): void {
    this.closed = true;
    this.backoff.stop();
    this.settleTimer?.cancel();
    this.pipe?.end();
  }

  private connect(): void {
    const pipe = this.options.connect();
    this.pipe = pipe;
    const late = this.options.platform.timers.after(SNAPSHOT_MS, () => {
      pipe.abort(`no snapshot within ${SNAPSHOT_MS} ms`);
    });
    pipe.open({
      message: (reply) => {
        if (this.closed) return;
        if (reply.change === 'snapshot_end') late.cancel();
        this.take(pipe, reply);
      },
      drained: () => undefined,
      closed: (reason) => {
        late.cancel();
        this.lost(reason);
      },
    });
    // Sends the head of the call, so that the server sees the watcher.
    pipe.write({ acknowledged_version: 0 });
  }

  private take(pipe: Pipe<WatchMessage, WatchReply__Output>, reply: WatchReply__Output): void {
    try {
      if (this.apply(reply)) pipe.write({ acknowledged_version: reply.version });
    } catch (error) {
      pipe.abort(errorText(error));
    }
  }

  /** Whether the reply completes a state that is now in force. */
  private apply(reply: WatchReply__Output): boolean {
    const target = this.coming ?? this.brokers;
    if (reply.snapshot_begin) {
      this.coming = new Map();
      this.settle(reply.snapshot_begin.settled_in_ms);
      return false;
    }
    if (reply.put) {
      const broker = registrationFromWire(reply.put);
      const key = brokerKey(broker);
      target.set(key, broker);
      this.gone.delete(key);
    } else if (reply.gone) {
      const { broker_name: brokerName, broker_id: brokerId } = reply.gone;
      const key = brokerKey({ brokerName, brokerId });
      target.delete(key);
      // Once settled, what is missing is gone anyway.
      if (!this.settled) this.gone.add(key);
    } else if (reply.snapshot_end && this.coming !== undefined) {
      this.brokers = this.coming;
      this.coming = undefined;
      this.up();
    } else {
      throw new RangeError('reply of no known kind');
    }
    if (this.coming !== undefined) return false;
    this.options.onChange();
    return true;
  }

  private up(): void {
    this.backoff.reset();
    if (this.reachable) return;
    this.reachable = true;
    this.options.log.info({ nameServer: this.options.address }, 'name server watched');
  }

  private settle(inMs: number): void {
    this.settleTimer?.cancel();
    this.settleTimer = undefined;
    this.settled = inMs === 0;
    this.gone.clear();
    if (this.settled) return;
    this.settleTimer = this.options.platform.timers.after(inMs, () => {
      this.settled = true;
      this.gone.clear();
      if (this.reachable) this.options.onChange();
    });
  }

  private lost(reason: string): void {
    if (this.closed) return;
    const { address, log } = this.options;
    const details = { nameServer: address, reason };
    if (this.reachable) log.warn(details, 'name server lost');
    else if (this.told) log.debug(details, 'name server is still not reachable');
    else log.warn(details, 'name server is not reachable');
    this.told = !this.reachable;
    this.reachable = false;
    this.coming = undefined;
    this.settleTimer?.cancel();
    this.backoff.retry(() => this.connect());
    this.options.onChange();
  }
}
