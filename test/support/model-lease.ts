/** A replica's way to a model of the lease service, over a network that the test may break. */
import {
  LeaseLostError,
  LeaseUnavailableError,
  type Candidate,
  type GroupState,
  type GroupWatch,
  type LeaseApi,
  type Leadership,
  type Member,
} from '../../src/api/lease-api';
import type { Platform, TimerHandle, Timers } from '../../src/platform/platform';
import type { ModelLeaseService, Taken } from './model-lease-service';

/** How long a message takes, ms; `undefined`: it is lost. Asked once a message. */
export type ModelWire = (way: 'there' | 'back') => number | undefined;

export interface ModelLeaseOptions {
  /** The replica's own: its clock may run differently, and a replica that is stopped runs no timers. */
  readonly platform: Pick<Platform, 'clock' | 'timers'>;
  /** The network's. */
  readonly network: Pick<Timers, 'after'>;
  /** Default: all arrives at once. */
  readonly wire?: ModelWire;
}

/** How long a call waits for its answer, ms. */
const CALL_MS = 1_000;
/** Comparisons of one change that may fail for changes before it whose answer was lost. */
const TRIES = 3;
/** Renewals in one lease's length. */
const RENEWALS = 4;

/** One replica's way to the service. */
export class ModelLease implements LeaseApi {
  private readonly closers = new Set<() => void>();

  constructor(
    private readonly service: ModelLeaseService,
    private readonly options: ModelLeaseOptions,
  ) {}

  watch(listener: (state: GroupState) => void): GroupWatch {
    let toldRevision = 0;
    let retry: TimerHandle | undefined;
    const tell = (): void => {
      retry?.cancel();
      this.call(() => this.service.state).then(
        (state) => {
          if (!this.closers.has(close) || state.revision <= toldRevision) return;
          toldRevision = state.revision;
          listener(state);
        },
        () => {
          if (this.closers.has(close)) retry = this.options.platform.timers.after(0, tell);
        },
      );
    };
    const stop = this.service.watch(tell);
    const close = (): void => {
      stop();
      retry?.cancel();
      this.closers.delete(close);
    };
    this.closers.add(close);
    tell();
    return { close };
  }

  async campaign(candidate: Candidate): Promise<Leadership> {
    const sentMs = this.options.platform.clock.monotonicMs();
    const taken = await this.call(() => this.service.take(candidate));
    const held = new ModelLeadership(this.service, taken, sentMs, this.options, (act) =>
      this.call(act),
    );
    this.closers.add(() => held.stop());
    return held;
  }

  async close(): Promise<void> {
    for (const close of [...this.closers]) close();
  }

  /** Has the service do something, over the wire both ways. */
  private call<T>(act: () => T): Promise<T> {
    const { platform, network, wire = () => 0 } = this.options;
    return new Promise((resolve, reject) => {
      const late = platform.timers.after(CALL_MS, () => {
        reject(new LeaseUnavailableError(`no answer within ${CALL_MS} ms`));
      });
      const answer = (settle: () => void): void => {
        const backMs = wire('back');
        if (backMs === undefined) return;
        network.after(backMs, () => {
          platform.timers.after(0, () => {
            late.cancel();
            settle();
          });
        });
      };
      const thereMs = wire('there');
      if (thereMs === undefined) return;
      network.after(thereMs, () => {
        if (this.service.away) return;
        try {
          const value = act();
          answer(() => resolve(value));
        } catch (error) {
          answer(() => reject(error));
        }
      });
    });
  }
}

class ModelLeadership implements Leadership {
  private readonly listeners: (() => void)[] = [];
  private timer: TimerHandle | undefined;
  private over = false;
  /** As on etcd: after a renewal without an answer it looks before it renews. */
  private unsure = false;

  readonly epoch: number;
  readonly inSync: readonly Member[];
  private inSyncRevision: number;

  constructor(
    private readonly service: ModelLeaseService,
    { leader, inSync, inSyncRevision }: Taken,
    public renewedMs: number,
    private readonly options: ModelLeaseOptions,
    private readonly call: <T>(act: () => T) => Promise<T>,
  ) {
    this.epoch = leader.epoch;
    this.inSync = inSync;
    this.inSyncRevision = inSyncRevision;
    this.schedule();
  }

  get leaseMs(): number {
    return this.service.leaseMs;
  }

  onLost(listener: () => void): void {
    this.listeners.push(listener);
  }

  /** As on etcd: a change whose answer was lost never comes after a later one. */
  async setInSync(members: readonly Member[]): Promise<void> {
    for (let tries = 0; tries < TRIES; tries++) {
      const before = this.inSyncRevision;
      const found = await this.call(() => this.service.setInSync(this.epoch, members, before));
      this.inSyncRevision = found.revision;
      if (found.done || found.members.join() === members.join()) return;
    }
    throw new LeaseUnavailableError('the in-sync set is changed by others');
  }

  async release(to?: Member, ends = false): Promise<void> {
    this.stop();
    await this.call(() => this.service.release(this.epoch, to, ends));
  }

  stop(): void {
    this.over = true;
    this.timer?.cancel();
  }

  private schedule(): void {
    const { timers } = this.options.platform;
    this.timer = timers.after(this.leaseMs / RENEWALS, () => {
      this.schedule();
      this.renew().catch((error: unknown) => {
        if (this.over || !(error instanceof LeaseLostError)) return;
        this.stop();
        for (const listener of this.listeners) listener();
      });
    });
  }

  private async renew(): Promise<void> {
    if (this.unsure) await this.call(() => this.service.look(this.epoch));
    if (this.over) return;
    this.unsure = true;
    const sentMs = this.options.platform.clock.monotonicMs();
    await this.call(() => this.service.renew(this.epoch));
    this.unsure = false;
    this.renewedMs = Math.max(this.renewedMs, sentMs);
  }
}
