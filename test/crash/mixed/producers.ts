import type { Chance } from '../../support/seeded';
import { RawClient } from '../../support/raw-client';
import type { OutgoingMessage } from '../../support/raw-message';
import {
  answerChecks,
  endTransaction,
  recallMessage,
  type Resolution,
  sendMessage,
} from '../../support/raw-producer';
import { letRun } from '../../support/until';
import { bodyOf } from '../history';
import { ask, AWAY_MS, insist } from './calls';
import { type History, isOk, type Kind, type Story } from './history';

export interface ProducerOptions {
  /** Of the proxies; each call goes through any of them. */
  readonly endpoints: readonly string[];
  readonly topics: Readonly<Record<Kind, string>>;
  readonly chance: Chance;
  /** The longest time from a send to the delivery time of a delayed message. */
  readonly longestDelayMs: number;
}

const DEADLINE_MS = 5000;
/** Messages of one group are sent one after the other. */
const MESSAGE_GROUPS = 12;
const SENDERS: Readonly<Record<Exclude<Kind, 'fifo'>, number>> = {
  normal: 4,
  delay: 3,
  transaction: 3,
};
/** Between two sends of one sender. */
const PAUSE_MS = 25;
const TRIES = 200;
const RECALLED = 0.15;
const ROLLED_BACK = 0.35;
/** Transactions that are left for their producer to be asked about, and those that are ended a while later. */
const LEFT_OPEN = 0.2;
const ENDED_LATER = 0.3;
const LATER_MS = 1500;
const RECOVERY_MS = 2000;
/** Of decisions that were answered OK: told again, and told the other way. */
const TOLD_AGAIN = 0.1;
const TOLD_OTHERWISE = 0.1;
/** Of checks: not answered, so that another one must come. */
const IGNORED = 0.1;

/** Sends messages of all kinds through all proxies until it is told to stop. */
export class Producers {
  private readonly clients: readonly RawClient[];
  private readonly chance: Chance;
  private sending = true;
  private readonly stopped = new AbortController();
  private readonly ending = new Set<Story>();
  private readonly background = new Set<Promise<void>>();
  private senders: readonly Promise<void>[] = [];
  private listeners: readonly Promise<void>[] = [];
  private sent = 0;

  constructor(
    private readonly options: ProducerOptions,
    private readonly history: History,
  ) {
    this.chance = options.chance;
    this.clients = options.endpoints.map(
      (endpoint) => new RawClient(endpoint, 'mixed-producer', DEADLINE_MS),
    );
  }

  start(): void {
    this.listeners = this.clients.map((client) => this.listen(client));
    this.senders = [
      ...times(MESSAGE_GROUPS, (group) => this.sendGroup(`g${group}`)),
      ...times(SENDERS.normal, () => this.repeat(() => this.sendNormal())),
      ...times(SENDERS.delay, () => this.repeat(() => this.sendDelayed())),
      ...times(SENDERS.transaction, () => this.repeat(() => this.sendHalf())),
    ];
  }

  /** Begins nothing new; resolves when what was begun has ended. Checks are still answered. */
  async stopSending(): Promise<void> {
    this.sending = false;
    await Promise.all(this.senders);
    while (this.background.size > 0) await Promise.all(this.background);
  }

  async stop(): Promise<void> {
    await this.stopSending();
    this.stopped.abort();
    await Promise.all(this.listeners);
    for (const client of this.clients) client.close();
  }

  private async repeat(send: () => Promise<void>): Promise<void> {
    while (this.sending) {
      await send();
      await letRun(PAUSE_MS);
    }
  }

  private async sendNormal(): Promise<void> {
    const story = this.history.begin({ messageId: this.newId('n'), kind: 'normal' });
    await this.send(story, { type: 'NORMAL' }, this.triesOfOne());
  }

  /** The next message of a group is sent when this one was answered OK: only so is there an order to keep. */
  private async sendGroup(messageGroup: string): Promise<void> {
    for (let sequence = 0; this.sending; sequence++) {
      const messageId = `${messageGroup}-${sequence}`;
      const story = this.history.begin({ messageId, kind: 'fifo', messageGroup, sequence });
      await this.send(story, { type: 'FIFO', messageGroup }, TRIES);
      if (!isOk(story.sends)) return;
      await letRun(PAUSE_MS);
    }
  }

  private async sendDelayed(): Promise<void> {
    const delayMs = 500 + this.chance.below(this.options.longestDelayMs - 500);
    const dueMs = Date.now() + delayMs;
    const story = this.history.begin({ messageId: this.newId('d'), kind: 'delay', dueMs });
    const type = { type: 'DELAY', deliverMs: dueMs } as const;
    const recallHandle = await this.send(story, type, this.triesOfOne());
    if (!this.chance.hits(RECALLED) || recallHandle === '') return;
    const afterMs = this.chance.below(delayMs + 500);
    this.inBackground(async () => {
      await letRun(afterMs);
      const topic = this.options.topics.delay;
      await insist(story.recalls, TRIES, () => recallMessage(this.any(), topic, recallHandle));
    });
  }

  private async sendHalf(): Promise<void> {
    const resolution = this.chance.hits(ROLLED_BACK) ? 'ROLLBACK' : 'COMMIT';
    const messageId = this.newId('t');
    const story = this.history.begin({ messageId, kind: 'transaction', resolution });
    const recoveryMs = this.chance.hits(0.5) ? { recoveryMs: RECOVERY_MS } : {};
    await this.send(story, { type: 'TRANSACTION', ...recoveryMs }, this.triesOfOne());
    if (!isOk(story.sends) || this.chance.hits(LEFT_OPEN)) return;
    if (!this.chance.hits(ENDED_LATER)) return this.end(story);
    const afterMs = this.chance.below(LATER_MS);
    this.inBackground(async () => {
      await letRun(afterMs);
      await this.end(story);
    });
  }

  /** Answers the recall handle, '' for none. */
  private async send(
    story: Story,
    more: Pick<OutgoingMessage, 'type' | 'messageGroup' | 'deliverMs' | 'recoveryMs'>,
    tries: number,
  ): Promise<string> {
    const { messageId, kind, sends } = story;
    const topic = this.options.topics[kind];
    const message = { topic, messageId, body: bodyOf(messageId), ...more };
    for (let i = 0; i < tries; i++) {
      const { call, answer } = await ask(() => sendMessage(this.any(), message));
      sends.push(call);
      if (call.outcome === 'ok') return answer?.recallHandle ?? '';
      await letRun(AWAY_MS);
    }
    return '';
  }

  /** Ends a transaction as its producer means it, and some once more. */
  private async end(story: Story): Promise<void> {
    if (isOk(story.ends) || this.ending.has(story)) return;
    this.ending.add(story);
    const { messageId, resolution } = story;
    const topic = this.options.topics.transaction;
    const tell = (decision: Resolution) => () =>
      endTransaction(this.any(), topic, messageId, decision);
    const outcome = await insist(story.ends, TRIES, tell(resolution));
    if (outcome === 'ok' && this.chance.hits(TOLD_AGAIN)) {
      await insist(story.ends, TRIES, tell(resolution));
    }
    if (outcome === 'ok' && this.chance.hits(TOLD_OTHERWISE)) {
      const opposite = resolution === 'COMMIT' ? 'ROLLBACK' : 'COMMIT';
      await insist(story.oppositeEnds, TRIES, tell(opposite));
    }
    this.ending.delete(story);
  }

  /** Keeps a Telemetry stream open, so that this producer can be asked. */
  private async listen(client: RawClient): Promise<void> {
    const { signal } = this.stopped;
    const asked = (messageId: string): void => this.asked(messageId);
    while (!signal.aborted) {
      await answerChecks(client, this.options.topics.transaction, asked, signal);
      await letRun(AWAY_MS);
    }
  }

  /** Nothing is said about what has ended: a decision that was lost must not be mended from here. */
  private asked(messageId: string): void {
    const story = this.history.stories.get(messageId);
    if (story === undefined) {
      this.history.strangers.push(`${messageId} was asked about, but never sent`);
      return;
    }
    story.checks.push(performance.now());
    if (!isOk(story.ends) && !this.chance.hits(IGNORED)) {
      this.inBackground(() => this.end(story));
    }
  }

  private inBackground(work: () => Promise<void>): void {
    const running = work().finally(() => this.background.delete(running));
    this.background.add(running);
  }

  private any(): RawClient {
    const client = this.clients[this.chance.below(this.clients.length)];
    if (client === undefined) throw new Error('no endpoint');
    return client;
  }

  /** Half of the messages are given up when their send is not answered. */
  private triesOfOne(): number {
    return this.chance.hits(0.5) ? 1 : TRIES;
  }

  private newId(prefix: string): string {
    return `${prefix}-${this.sent++}`;
  }
}

function times<T>(count: number, make: (index: number) => T): readonly T[] {
  return Array.from({ length: count }, (_none, index) => make(index));
}
