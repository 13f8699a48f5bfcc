/** A broker as it runs in production, on real files in a directory of its own, at a time that stands until it is moved. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { AckRequest, PopRequest, PopResult, PoppedMessage } from '../../../src/api/broker-api';
import type { TopicType } from '../../../src/api/topic';
import type { BrokerSettings } from '../../../src/broker/settings';
import { Code, StatusError } from '../../../src/message/status';
import { nodePlatform } from '../../../src/platform/node-platform';
import type { Platform } from '../../../src/platform/platform';
import { groupConfig } from '../../support/model-broker';
import { SteppedClock } from '../../support/stepped-clock';
import {
  messageDraft,
  openTestBroker,
  popRequest,
  type TestBroker,
} from '../../support/test-broker';
import { letRun } from '../../support/until';

/** Calls under way at a time: as many as come together in a turn under load. */
const AT_ONCE = 64;
/** A send that is refused is tried again, so often at most. */
const TRIES_MAX = 3000;
const TRY_AGAIN_MS = 20;
const STORE = {
  segmentBytes: 1024 ** 3,
  queueFileEntries: 300_000,
  index: { slots: 5_000_000, entries: 20_000_000 },
};

export class ScaleBroker {
  readonly sim = new SteppedClock();
  readonly platform: Platform;
  private readonly directory = mkdtempSync(join(tmpdir(), 'gantry-scale-'));
  private running: TestBroker | undefined;
  private readonly signal = new AbortController().signal;

  constructor(private readonly settings: Partial<BrokerSettings> = {}) {
    const { clock, timers } = this.sim;
    this.platform = { ...nodePlatform(), clock, timers };
  }

  async open(): Promise<this> {
    const { directory, settings } = this;
    const options = { directory, settings, flush: 'async' as const, store: STORE };
    this.running = await openTestBroker(this.platform, options);
    return this;
  }

  get broker(): TestBroker['broker'] {
    return this.opened.broker;
  }

  get store(): TestBroker['store'] {
    return this.opened.store;
  }

  async stop(): Promise<void> {
    await this.opened.stop();
    this.running = undefined;
  }

  /** Stops where it still runs, and removes its files. */
  async remove(): Promise<void> {
    if (this.running !== undefined) await this.stop();
    rmSync(this.directory, { recursive: true, force: true });
  }

  async topic(name: string, type: TopicType, queues: number): Promise<void> {
    await this.broker.putTopic({ name, type, queues });
  }

  /** A group that has a topic from its beginning; made when it is not there. */
  async subscribe(
    group: string,
    topic: string,
    clientId = 'client-1',
    fifo = false,
  ): Promise<void> {
    await this.broker.putGroup(groupConfig(group, { fifo, startFrom: 'beginning' }));
    const filter = { type: 'TAG' as const, expression: '*' };
    const subscriptions = [{ topic, filter }];
    await this.broker.subscribe({ group, clientId, subscriptions, fifoIfNew: fifo });
  }

  /**
   * Sends messages `from` .. `to`, the last one not included, to the topic's queues in turn. Each 64 take a
   * millisecond: what follows the log in the background keeps up.
   */
  async send(
    topic: string,
    queues: number,
    from: number,
    to: number,
    properties: (i: number) => Readonly<Record<string, string>> = () => ({}),
  ): Promise<void> {
    await inBatches(from, to, async (i) => {
      if (i % AT_ONCE === 0) this.sim.advance(1);
      const draft = messageDraft(topic, idOf(i), '', properties(i));
      await this.patiently(() => this.broker.send({ queueId: i % queues, draft }));
    });
  }

  /** Again while the disk is behind, as clients do. */
  private async patiently(task: () => Promise<unknown>): Promise<void> {
    for (let tries = 0; ; tries++) {
      try {
        await task();
        return;
      } catch (error) {
        const behind = error instanceof StatusError && error.code === Code.TOO_MANY_REQUESTS;
        if (!behind || tries >= TRIES_MAX) throw error;
      }
      await letRun(TRY_AGAIN_MS);
      this.sim.advance(TRY_AGAIN_MS);
    }
  }

  /** Takes so many messages, up to 32 a receive, 8 receives at a time. */
  async pop(
    group: string,
    topic: string,
    messages: number,
    changes: Partial<PopRequest> = {},
  ): Promise<PoppedMessage[]> {
    const batch = changes.maxMessages ?? 32;
    const taken: PoppedMessage[] = [];
    while (taken.length < messages) {
      const left = messages - taken.length;
      const asked = Array.from({ length: 8 }, (_, i) => Math.min(batch, left - i * batch));
      const results = await Promise.all(
        asked
          .filter((maxMessages) => maxMessages > 0)
          .map((maxMessages) => this.receive(group, topic, { ...changes, maxMessages })),
      );
      for (const result of results) for (const message of result) taken.push(message);
      if (results.every(({ length }) => length === 0)) {
        throw new Error(`${taken.length} messages came of ${messages}`);
      }
    }
    return taken;
  }

  receive(group: string, topic: string, changes: Partial<PopRequest> = {}): Promise<PopResult> {
    const request = popRequest(group, topic, { invisibleMs: 3_600_000, ...changes });
    return this.broker.pop(request, this.signal);
  }

  /** Acknowledges each by a call of its own. */
  async ack(group: string, topic: string, receiptHandles: readonly string[]): Promise<void> {
    await inBatches(0, receiptHandles.length, async (i) => {
      const entries = [{ receiptHandle: receiptHandles[i] ?? '', messageId: '' }];
      const request: AckRequest = { group, topic, entries };
      const [status] = await this.broker.ack(request);
      if (status?.message !== 'OK') throw new Error(`not acknowledged: ${status?.message}`);
    });
  }

  /** Puts each off by a call of its own; answers the new handles. */
  async change(group: string, topic: string, handles: readonly string[]): Promise<string[]> {
    const renewed: string[] = [];
    await inBatches(0, handles.length, async (i) => {
      const handle = { receiptHandle: handles[i] ?? '', messageId: '' };
      const asked = { group, topic, invisibleMs: 3_600_000, suspend: false };
      renewed[i] = await this.broker.changeInvisible({ ...asked, ...handle });
    });
    return renewed;
  }

  private get opened(): TestBroker {
    if (this.running === undefined) throw new Error('not open');
    return this.running;
  }
}

/** Runs a task for each number, so many at a time. */
export async function inBatches(
  from: number,
  to: number,
  task: (i: number) => Promise<void>,
  atOnce = AT_ONCE,
): Promise<void> {
  for (let begin = from; begin < to; begin += atOnce) {
    const length = Math.min(atOnce, to - begin);
    await Promise.all(Array.from({ length }, (_, at) => task(begin + at)));
  }
}

/** A message id as clients make them: long, and different at its end only. */
export function idOf(i: number): string {
  return `01A1B2C3D4E5F601020304${i.toString(16).toUpperCase().padStart(12, '0')}`;
}

export function handlesOf(messages: readonly PoppedMessage[]): string[] {
  return messages.map(({ receiptHandle }) => receiptHandle);
}
