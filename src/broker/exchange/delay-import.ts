/**
 * Takes over the delayed messages of a directory that Apache has had: what waits there begins to wait here,
 * in a record of ours, and what waited here and was handed over waits on only where Apache has not seen to it.
 * Done again after a crash it changes nothing.
 */
import { DELAY_LEVELS, SCHEDULE_TOPIC } from '../../message/delay-levels';
import { TIMER_TOPIC } from '../../message/names';
import { Property } from '../../message/properties';
import { readRecord } from '../../message/record';
import { findProperty, propertyKey } from '../../message/record-property';
import type { Clock, Files } from '../../platform/platform';
import type { MessageStore } from '../../store/message-store';
import type { Timer } from '../timer/timer';
import type { TimerEntry } from '../timer/timer-entry';
import { indexIn, readApacheTimer, type ApacheTimer } from './apache-timer';
import { offsetsOf } from './apache-shapes';
import type { JsonObject } from './apache-json';
import {
  deliveredKey,
  readLevelled,
  readTimed,
  takenBackBy,
  type Candidate,
} from './delay-candidates';
import { TIMER_TOPIC as WHEEL_TOPIC } from './pop-checkpoints';

const DELAY_TAKEN = propertyKey(Property.DELAY_TAKEN);
/** Delayed messages of Apache's that wait, at most; with more the directory is refused. */
const MAX_CANDIDATES = 2_000_000;
/** Waits that begin or end before the log has its turn. */
const BATCH = 1000;
/** What is due so soon may have been delivered: clocks of two programs. */
const SOON_MS = 2000;

export interface DelayImportParts {
  readonly store: MessageStore;
  readonly files: Files;
  readonly directory: string;
  readonly clock: Clock;
  readonly timer: Timer;
  /** What waited here below this position of the log was handed over. */
  readonly handedOver: number;
  /** Of delayOffset.json: by level the first offset that is not delivered. */
  readonly levels: JsonObject;
}

/** How many messages wait that did not, and how many do no longer. */
export interface DelaysImported {
  readonly taken: number;
  readonly ended: number;
}

/** @throws Error when more wait than can be taken over */
export async function importDelays(parts: DelayImportParts): Promise<DelaysImported> {
  return new DelayImport(parts).run();
}

class DelayImport {
  /** By position. */
  private readonly candidates = new Map<number, Candidate>();
  private readonly takenBack = new Set<string>();
  /** What waits here and at Apache, and may have ended there all the same. */
  private readonly doubtful: (readonly [TimerEntry, Candidate])[] = [];
  private ended = 0;

  constructor(private readonly parts: DelayImportParts) {}

  async run(): Promise<DelaysImported> {
    const { files, directory } = this.parts;
    const apache = await readApacheTimer(files, directory);
    if (apache !== undefined) {
      const ours = await this.compareOurs(apache);
      await this.readUnits(apache, ours);
      await this.readQueue(apache.queueOffset);
    }
    await this.readLevels();
    for (const candidate of this.candidates.values()) {
      if (this.isTakenBack(candidate)) this.candidates.delete(candidate.position);
    }
    if (apache !== undefined) await this.findDoubtful(apache);
    await this.dropDelivered();
    await this.dropTaken();
    const taken = await this.take();
    return { taken, ended: this.ended };
  }

  /** Ends what waits here no longer; answers a 1 for each of Apache's positions whose record waits here. */
  private async compareOurs(apache: ApacheTimer): Promise<Uint8Array> {
    const ours = new Uint8Array(apache.positions.length);
    await this.parts.timer.eachWaiting(async (entries) => {
      for (const entry of entries) {
        const at = indexIn(apache, entry.position);
        if (at >= 0) ours[at] = 1;
        else if (entry.position < this.parts.handedOver) await this.end(entry);
      }
    });
    return ours;
  }

  private async readUnits({ positions }: ApacheTimer, ours: Uint8Array): Promise<void> {
    for (const [at, position] of positions.entries()) {
      const bytes = ours[at] === 1 ? undefined : await this.parts.store.finder.at(position);
      if (bytes !== undefined) this.addTimed(bytes);
    }
  }

  /** Records of Apache's timer that it has not looked at yet. */
  private async readQueue(queueOffset: number): Promise<void> {
    const { store } = this.parts;
    const [first] = await store.entries(WHEEL_TOPIC, 0, queueOffset, 1);
    if (first === undefined) return;
    await store.replay([WHEEL_TOPIC], first.physicalOffset, (bytes) => this.addTimed(bytes));
  }

  private async readLevels(): Promise<void> {
    const { store, levels } = this.parts;
    const next = offsetsOf(levels);
    let from = Infinity;
    for (let queueId = 0; queueId < DELAY_LEVELS; queueId++) {
      const [entry] = await store.entries(SCHEDULE_TOPIC, queueId, next.get(queueId + 1) ?? 0, 1);
      if (entry !== undefined) from = Math.min(from, entry.physicalOffset);
    }
    if (from === Infinity) return;
    await store.replay([SCHEDULE_TOPIC], from, (bytes) => {
      const record = readRecord(bytes, 0);
      if (record.queueOffset >= (next.get(record.queueId + 1) ?? 0)) this.add(readLevelled(record));
    });
  }

  private addTimed(bytes: Buffer): void {
    const record = readRecord(bytes, 0);
    // One of ours that does not wait any more.
    if (record.topic === TIMER_TOPIC) return;
    const told = readTimed(record);
    if (told !== undefined && 'takesBack' in told) this.takenBack.add(told.takesBack);
    else this.add(told);
  }

  private add(candidate: Candidate | undefined): void {
    if (candidate === undefined) return;
    this.candidates.set(candidate.position, candidate);
    if (this.candidates.size <= MAX_CANDIDATES) return;
    throw new Error(
      `more than ${MAX_CANDIDATES} delayed messages of Apache RocketMQ wait in this directory: ` +
        'let it deliver some before it is stopped',
    );
  }

  private isTakenBack(candidate: Candidate): boolean {
    return takenBackBy(candidate).some((key) => this.takenBack.has(key));
  }

  /** Ours that Apache has, and that it has taken back or should have delivered. */
  private async findDoubtful(apache: ApacheTimer): Promise<void> {
    const { timer, clock } = this.parts;
    const soonMs = clock.wallMs() + SOON_MS;
    const all = this.takenBack.size > 0;
    await timer.eachWaiting(async (entries) => {
      for (const entry of entries) {
        if (!(all || entry.dueMs <= soonMs) || indexIn(apache, entry.position) < 0) continue;
        const told = readTimed(readRecord(await timer.recordOf(entry), 0));
        if (told === undefined || 'takesBack' in told) continue;
        if (this.isTakenBack(told)) await this.end(entry);
        else if (entry.dueMs <= soonMs) this.doubtful.push([entry, told]);
      }
    });
  }

  /** A broker that is killed has delivered more than its files say. */
  private async dropDelivered(): Promise<void> {
    const { store, clock } = this.parts;
    const soonMs = clock.wallMs() + SOON_MS;
    const due = [...this.candidates.values()].filter(({ dueMs }) => dueMs <= soonMs);
    const all = [...due, ...this.doubtful.map(([, candidate]) => candidate)];
    if (all.length === 0) return;
    const from = all.reduce((least, { position }) => Math.min(least, position), Infinity);
    const topics = new Set(all.map(({ topic }) => topic));
    const delivered = new Set<string>();
    const wanted = new Set(all.map(({ key }) => key));
    await store.replay([...topics], from, (bytes) => {
      const key = deliveredKey(readRecord(bytes, 0));
      if (key !== undefined && wanted.has(key)) delivered.add(key);
    });
    for (const { key, position } of due) if (delivered.has(key)) this.candidates.delete(position);
    for (const [entry, { key }] of this.doubtful) if (delivered.has(key)) await this.end(entry);
  }

  /** What an earlier takeover has taken already. */
  private async dropTaken(): Promise<void> {
    const from = [...this.candidates.keys()].reduce((a, b) => Math.min(a, b), Infinity);
    if (from === Infinity) return;
    await this.parts.store.replay([TIMER_TOPIC], from, (bytes) => {
      const taken = findProperty(bytes, DELAY_TAKEN);
      if (taken !== undefined) this.candidates.delete(Number(taken));
    });
  }

  private async take(): Promise<number> {
    const { store, timer } = this.parts;
    let taken = 0;
    for (const candidate of this.candidates.values()) {
      const record = await store.finder.at(candidate.position);
      if (record === undefined) continue;
      timer.take(record, candidate);
      if (++taken % BATCH === 0) await timer.synced();
    }
    await timer.synced();
    return taken;
  }

  private async end(entry: TimerEntry): Promise<void> {
    await this.parts.timer.endElsewhere(entry);
    if (++this.ended % BATCH === 0) await this.parts.timer.synced();
  }
}
