/**
 * A watcher's stream at a name server.
 *
 *     begin put put ... end        the snapshot
 *     put | gone                   each change
 *              <── acknowledged version
 *
 * A watcher that does not take what is written gets no more changes; when it takes again it gets a new
 * snapshot, so that nothing piles up here.
 */
import type { BrokerRegistration, RouteWatch } from '../api/route-api';
import type { RouteChange, RouteRegistry } from '../api/route-registry';
import type { WatchMessage__Output } from '../rpc/generated/gantry/v1/WatchMessage';
import type { WatchReply } from '../rpc/generated/gantry/v1/WatchReply';
import { registrationToWire } from './codec/route';
import type { Pipe } from '../rpc/pipe';

/** Changes that a watcher may leave unacknowledged before it is cut off. */
const UNACKNOWLEDGED_MAX = 4_096;
/** A name server that was just started may not have heard of all brokers yet, milliseconds. */
export const SETTLE_MS = 5_000;

interface Wait {
  readonly version: number;
  readonly done: () => void;
}

export class WatchStream {
  private version = 0;
  /** The watcher does not take more for now. */
  private blocked = false;
  /** Changes were left out meanwhile. */
  private stale = false;
  private over = false;
  /** In the order of their versions. */
  private waits: Wait[] = [];
  private watch: RouteWatch | undefined;

  /** @throws StatusError TOO_MANY_REQUESTS when the table has too many watchers */
  constructor(
    private readonly table: RouteRegistry,
    private readonly pipe: Pipe<WatchReply, WatchMessage__Output>,
    onClosed: (stream: WatchStream) => void,
  ) {
    this.watch = table.observe({
      changed: (change) => this.changed(change),
      closed: () => this.leave(),
    });
    pipe.open({
      message: ({ acknowledged_version: version }) => this.acknowledged(version),
      drained: () => this.drained(),
      closed: () => {
        this.over = true;
        this.watch?.close();
        this.acknowledged(Infinity);
        onClosed(this);
      },
    });
    this.snapshot();
  }

  leave(): void {
    this.pipe.end();
  }

  cut(reason: string): void {
    this.pipe.abort(reason);
  }

  private changed(change: RouteChange): Promise<void> | void {
    if (this.over) return;
    if (this.waits.length >= UNACKNOWLEDGED_MAX) {
      this.pipe.abort(`${UNACKNOWLEDGED_MAX} changes were not acknowledged`);
      return;
    }
    if (this.blocked) this.stale = true;
    else this.write(changeToWire(change));
    // A stale watcher has the change when it acknowledges the snapshot to come, which ends beyond this version.
    const version = this.stale ? this.version + 1 : this.version;
    return new Promise((done) => {
      this.waits.push({ version, done });
    });
  }

  private drained(): void {
    this.blocked = false;
    if (!this.stale) return;
    this.stale = false;
    this.snapshot();
  }

  private snapshot(): void {
    const settledInMs = Math.max(0, Math.ceil(SETTLE_MS - this.table.ageMs));
    this.write({ snapshot_begin: { settled_in_ms: settledInMs } });
    for (const broker of this.table.brokers()) this.write(putToWire(broker));
    this.write({ snapshot_end: {} });
  }

  private write(change: Omit<WatchReply, 'version'>): void {
    this.version++;
    if (!this.pipe.write({ version: this.version, ...change })) this.blocked = true;
  }

  private acknowledged(version: number): void {
    let count = 0;
    for (const wait of this.waits) {
      if (wait.version > version) break;
      wait.done();
      count++;
    }
    if (count > 0) this.waits = this.waits.slice(count);
  }
}

function changeToWire(change: RouteChange): Omit<WatchReply, 'version'> {
  switch (change.kind) {
    case 'put':
      return putToWire(change.broker);
    case 'gone':
      return { gone: { broker_name: change.brokerName, broker_id: change.brokerId } };
  }
}

function putToWire(broker: BrokerRegistration): Omit<WatchReply, 'version'> {
  return { put: registrationToWire(broker) };
}
