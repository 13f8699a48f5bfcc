import { parseRecallHandle } from '../../../src/api/recall-handle';
import { fromMs } from '../../../src/message/time';
import type { Resolution } from '../../support/raw-producer';
import { bodyOf } from '../../crash/history';
import { isOk, isUnknown, type Kind, type Story } from '../../crash/mixed/history';
import { message } from '../../support/public-client';
import { Client, type ClientParts } from './client';
import type { ClusterHistory } from './cluster-history';

export interface ProducerPlan {
  readonly name: string;
  readonly topics: Readonly<Record<Kind, string>>;
  /** The longest time from a send to the delivery time of a delayed message. */
  readonly longestDelayMs: number;
  /** Between two sends of one sender, at most. */
  readonly pauseMs: number;
}

const MESSAGE_TYPES = { normal: 1, fifo: 2, delay: 3, transaction: 4 } as const;
const RESOLUTIONS = { COMMIT: 1, ROLLBACK: 2 } as const;
const SOURCE_CLIENT = 1;
const CLIENT_TYPE_PRODUCER = 1;
/** What is insisted on: more than any fault lasts. */
const TRIES = 200;
/** As the official clients send again by themselves. */
const FEW_TRIES = 3;
const GIVEN_UP = 0.3;
const RECALLED = 0.2;
const ROLLED_BACK = 0.35;
/** Transactions that are left for their producer to be asked about, and those that are ended a while later. */
const LEFT_OPEN = 0.25;
const ENDED_LATER = 0.3;
const LATER_MS = 1500;
const RECOVERY_MS = 2000;
/** Of decisions that were answered OK: told again, and told the other way. */
const TOLD_AGAIN = 0.15;
const TOLD_OTHERWISE = 0.15;
/** Of checks: not answered, so that another one must come. */
const IGNORED = 0.15;
const RECONNECT_MS = 500;

/** Sends messages of all kinds until it is told to stop, and answers when it is asked about transactions. */
export class Producer {
  private readonly client: Client;
  private sending = true;
  private sent = 0;
  private readonly ending = new Set<Story>();
  /** Senders and calls that are under way. */
  private running = 0;

  constructor(
    parts: ClientParts,
    private readonly plan: ProducerPlan,
    private readonly history: ClusterHistory,
  ) {
    this.client = new Client(parts);
  }

  start(): void {
    const { name } = this.plan;
    this.listen();
    this.repeat(() => this.sendNormal());
    this.repeat(() => this.sendDelayed());
    this.repeat(() => this.sendHalf());
    for (const group of ['a', 'b', 'c']) this.run(() => this.sendGroup(`${name}-${group}`));
  }

  /** Begins nothing new. */
  stop(): void {
    this.sending = false;
  }

  /** Whether all that was begun has ended. */
  get isIdle(): boolean {
    return this.running === 0;
  }

  private repeat(send: () => Promise<void>): void {
    this.run(async () => {
      while (this.sending) {
        await send();
        await this.pause();
      }
    });
  }

  private pause(): Promise<void> {
    return this.client.sleep(this.client.parts.chance.below(this.plan.pauseMs));
  }

  private run(work: () => Promise<void>): void {
    this.running++;
    void work().finally(() => this.running--);
  }

  private async sendNormal(): Promise<void> {
    const story = this.history.begin({ messageId: this.newId('n'), kind: 'normal' });
    await this.send(story, {}, this.tries());
  }

  /** The next message of a group is sent when this one was answered OK: only so is there an order to keep. */
  private async sendGroup(messageGroup: string): Promise<void> {
    for (let sequence = 0; this.sending; sequence++) {
      const messageId = `${messageGroup}-${sequence}`;
      const story = this.history.begin({ messageId, kind: 'fifo', messageGroup, sequence });
      await this.send(story, { message_group: messageGroup }, TRIES);
      if (!isOk(story.sends)) return;
      await this.pause();
    }
  }

  private async sendDelayed(): Promise<void> {
    const { chance } = this.client.parts;
    const delayMs = 300 + chance.below(this.plan.longestDelayMs - 300);
    const dueMs = this.client.wallMs() + delayMs;
    const story = this.history.begin({ messageId: this.newId('d'), kind: 'delay', dueMs });
    const recallHandle = await this.send(
      story,
      { delivery_timestamp: fromMs(dueMs) },
      this.tries(),
    );
    const brokerName = parseRecallHandle(recallHandle)?.brokerName;
    if (brokerName === undefined) return;
    this.history.keptBy(brokerName, story);
    if (!chance.hits(RECALLED)) return;
    const afterMs = chance.below(delayMs + 500);
    this.run(async () => {
      await this.client.sleep(afterMs);
      const request = { topic: { name: this.plan.topics.delay }, recall_handle: recallHandle };
      await this.client.insist('RecallMessage', request, TRIES, (call) => story.recalls.push(call));
    });
  }

  private async sendHalf(): Promise<void> {
    const { chance } = this.client.parts;
    const resolution = chance.hits(ROLLED_BACK) ? 'ROLLBACK' : 'COMMIT';
    const messageId = this.newId('t');
    const story = this.history.begin({ messageId, kind: 'transaction', resolution });
    const recovery = chance.hits(0.5)
      ? { orphaned_transaction_recovery_duration: fromMs(RECOVERY_MS) }
      : {};
    await this.send(story, recovery, this.tries());
    if (!isOk(story.sends) || chance.hits(LEFT_OPEN)) return;
    if (!chance.hits(ENDED_LATER)) return this.end(story);
    const afterMs = chance.below(LATER_MS);
    this.run(async () => {
      await this.client.sleep(afterMs);
      await this.end(story);
    });
  }

  /** Answers the recall handle, '' for none. */
  private async send(story: Story, system: object, tries: number): Promise<string> {
    const { messageId, kind, sends } = story;
    const made = message(
      this.plan.topics[kind],
      messageId,
      { message_type: MESSAGE_TYPES[kind], ...system },
      { body: bodyOf(messageId) },
    );
    const note = (call: Story['sends'][number]): void => void sends.push(call);
    const { answer } = await this.client.insist('SendMessage', { messages: [made] }, tries, note);
    return isOk(sends) ? (answer?.entries[0]?.recall_handle ?? '') : '';
  }

  /** Ends a transaction as its producer means it, and some once more. */
  private async end(story: Story): Promise<void> {
    if (isOk(story.ends) || this.ending.has(story)) return;
    this.ending.add(story);
    const { chance } = this.client.parts;
    const { resolution } = story;
    const outcome = await this.tell(story, resolution, story.ends);
    if (outcome === 'ok' && chance.hits(TOLD_AGAIN)) await this.tell(story, resolution, story.ends);
    // Of a message that may lie on two brokers the other copy may still be open.
    const mayBeTwo = story.sends.some(isUnknown);
    if (outcome === 'ok' && chance.hits(TOLD_OTHERWISE) && !mayBeTwo) {
      const opposite = resolution === 'COMMIT' ? 'ROLLBACK' : 'COMMIT';
      await this.tell(story, opposite, story.oppositeEnds);
    }
    this.ending.delete(story);
  }

  private async tell(
    { messageId }: Story,
    resolution: Resolution,
    ends: Story['ends'],
  ): Promise<string> {
    const request = {
      topic: { name: this.plan.topics.transaction },
      message_id: messageId,
      transaction_id: messageId,
      resolution: RESOLUTIONS[resolution],
      source: SOURCE_CLIENT,
    } as const;
    const { call } = await this.client.insist('EndTransaction', request, TRIES, (made) => {
      ends.push(made);
    });
    return call.outcome;
  }

  /** Keeps a Telemetry stream open, so that this producer can be asked. */
  private listen(): void {
    const { client, plan } = this;
    const settings = {
      client_type: CLIENT_TYPE_PRODUCER,
      request_timeout: fromMs(3000),
      publishing: { topics: [{ name: plan.topics.transaction }] },
    };
    client.channel().telemetry(
      settings,
      (command) => {
        const check = command.recover_orphaned_transaction_command;
        if (check) this.asked(check.transaction_id);
      },
      () => {
        client.moveOn();
        void client.sleep(RECONNECT_MS).then(() => this.listen());
      },
    );
  }

  /**
   * Nothing is said about what has ended: a decision that was lost must not be mended from here. But a half message
   * whose send was not answered, and repeated, may lie on two brokers: one may ask when the other has ended it.
   */
  private asked(messageId: string): void {
    const story = this.history.stories.get(messageId);
    if (story === undefined) {
      this.history.strangers.push(`${messageId} was asked about, but never sent`);
      return;
    }
    if (isOk(story.ends) && story.sends.some(isUnknown)) {
      this.run(async () => void (await this.tell(story, story.resolution, [])));
      return;
    }
    story.checks.push(this.client.nowMs);
    if (!isOk(story.ends) && !this.client.parts.chance.hits(IGNORED)) {
      this.run(() => this.end(story));
    }
  }

  private tries(): number {
    return this.client.parts.chance.hits(GIVEN_UP) ? FEW_TRIES : TRIES;
  }

  private newId(kind: string): string {
    return `${this.plan.name}-${kind}-${this.sent++}`;
  }
}
