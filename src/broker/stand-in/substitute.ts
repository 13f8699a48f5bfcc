/**
 * When a follower stands in for its master, and what is left of that for the master:
 *
 *     following -- no stream for `afterMs` --> stands in, its journal grows -- the master is found --> hands over
 *         ^--------------------------- the master has all: the journal goes --------------------------------|
 *
 * A replica that finds a journal when it starts goes on with it. Where it does not know what is confirmed it does not
 * stand in: with synchronous replication only its master can tell.
 */
import { join } from 'node:path';
import type { Logger } from 'pino';
import type { BrokerApi } from '../../api/broker-api';
import type { ReplicasApi } from '../../api/cluster-api';
import type { FinishedQueue } from '../../api/replication-api';
import type { Platform, TimerHandle } from '../../platform/platform';
import type { StandInRegistration } from '../replication/announced-host';
import type { ReplicaStore } from '../replication/replica-store';
import type { BrokerSettings } from '../settings';
import { finishedIn } from './finished';
import { JOURNAL_FILE, readJournal } from './journal';
import { StandIn } from './stand-in';

export interface StandInOptions {
  readonly directory: string;
  readonly settings: BrokerSettings;
  /** How long the master is away before, ms. */
  readonly afterMs: number;
  /** Tells name servers what is served from now on; `undefined`: nothing any more. */
  readonly announce: (standIn: StandInRegistration | undefined) => Promise<void>;
}

interface SubstituteParts extends StandInOptions {
  readonly replica: ReplicaStore;
  readonly platform: Platform;
  readonly log: Logger;
}

export class Substitute {
  private readonly path: string;
  private away = false;
  private timer: TimerHandle | undefined;
  /** Whether the master has been away for long enough. */
  private wanted = false;
  private standIn: StandIn | undefined;
  private turn: Promise<void> = Promise.resolve();

  /** @param replicas what it says of its group */
  constructor(
    private readonly parts: SubstituteParts,
    private readonly replicas: ReplicasApi,
  ) {
    this.path = join(parts.directory, 'gantry', JOURNAL_FILE);
  }

  /** What serves in the place of the master; another object each time. */
  get serving(): BrokerApi | undefined {
    return this.wanted ? this.standIn?.api : undefined;
  }

  /**
   * There is no stream to the master, as far as is known from now on.
   * @param knows whether all that is visible here is confirmed
   */
  masterLost(knows: boolean): void {
    if (this.away) return;
    this.away = true;
    if (knows) {
      this.arm();
      return;
    }
    const { brokerName } = this.parts.settings;
    const what = 'will not stand in for its master: it has not heard what is confirmed';
    this.parts.log.warn({ brokerName }, what);
  }

  /** The master is there; resolves when nothing is served here any more. */
  async masterFound(): Promise<void> {
    this.timer?.cancel();
    this.away = this.wanted = false;
    this.inTurn(() => this.end());
    await this.turn;
  }

  /** Follows no more. */
  async stop(): Promise<void> {
    await this.masterFound();
    void this.parts.announce(undefined);
  }

  /** Whether there is something that the master has to be told before the log goes on. */
  async handsOver(): Promise<boolean> {
    await this.turn;
    return (await this.parts.platform.files.stat(this.path)) !== undefined;
  }

  /** What it has finished, of the log as it is now; at least one piece. */
  async finished(): Promise<readonly (readonly FinishedQueue[])[]> {
    const entries = await readJournal(this.parts.platform.files, this.path);
    const pieces = finishedIn(entries, this.parts.replica.store);
    return pieces.length > 0 ? pieces : [[]];
  }

  /** The master has all of it. */
  async handedOver(): Promise<void> {
    const { files } = this.parts.platform;
    await files.remove(this.path);
    await files.syncDirectory(join(this.parts.directory, 'gantry'));
    void this.parts.announce(undefined);
  }

  /** Hands over to the broker that this replica opens to lead itself. */
  async handTo(take: (queues: readonly FinishedQueue[]) => Promise<void>): Promise<void> {
    if (!(await this.handsOver())) return;
    for (const queues of await this.finished()) await take(queues);
    await this.handedOver();
  }

  private arm(): void {
    const { platform, afterMs } = this.parts;
    this.timer = platform.timers.after(afterMs, () => {
      this.wanted = true;
      this.inTurn(() => this.begin());
    });
  }

  private inTurn(step: () => Promise<void>): void {
    this.turn = this.turn.then(step).catch((err: unknown) => {
      this.parts.log.error({ err }, 'standing in for the master failed');
      if (this.away) this.arm();
    });
  }

  private async begin(): Promise<void> {
    const { replica, announce, log: logger, ...parts } = this.parts;
    const { store } = replica;
    if (!this.wanted || store.visible === 0) return;
    const standIn = await StandIn.open({
      ...{ ...parts, logger, store, replicas: this.replicas, journalPath: this.path },
    });
    this.standIn = standIn;
    if (this.wanted) void announce({ topics: standIn.topics, confirmedPosition: store.visible });
  }

  private async end(): Promise<void> {
    const { standIn } = this;
    this.standIn = undefined;
    await standIn?.close();
  }
}
