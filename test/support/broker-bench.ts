import type { PopRequest, PopResult } from '../../src/api/broker-api';
import type { GroupConfig, TopicType } from '../../src/api/topic';
import type { RecordDraft } from '../../src/message/record-draft';
import { memoryPlatform } from '../../src/platform/memory-files';
import type { Files, Platform } from '../../src/platform/platform';
import { groupConfig } from './model-broker';
import { Mortal } from './mortal';
import { SimClock } from './sim-clock';
import {
  messageDraft,
  openTestBroker,
  popRequest,
  type TestBroker,
  type TestBrokerOptions,
} from './test-broker';

/** A signal that never fires. */
export const never = new AbortController().signal;

/** A broker on simulated time; everything that waits is driven by `drive`. */
export class BrokerBench {
  private readonly machine: Platform;
  private process: Mortal;
  running: TestBroker | undefined;

  /**
   * @param files what is on the disk; none: an empty one in memory
   * @param sim the time, where others share it
   */
  constructor(
    private readonly options: TestBrokerOptions = {},
    files?: Files,
    readonly sim = new SimClock(),
  ) {
    const { clock, timers } = sim;
    this.machine = { ...memoryPlatform(), ...(files && { files }), clock, timers };
    this.process = new Mortal(this.machine);
  }

  async open(): Promise<this> {
    this.running = await this.drive(openTestBroker(this.process.platform, this.options));
    return this;
  }

  get broker(): TestBroker['broker'] {
    if (this.running === undefined) throw new Error('not open');
    return this.running.broker;
  }

  /** Lets the event loop turn until a promise has settled, without moving the time. */
  async drive<T>(promise: Promise<T>): Promise<T> {
    let settled = false;
    const done = promise.finally(() => {
      settled = true;
    });
    done.catch(() => undefined);
    for (let i = 0; i < 10_000 && !settled; i++) await this.sim.settle();
    if (!settled) throw new Error('still waiting');
    return done;
  }

  async topic(name: string, queues = 1, type: TopicType = 'NORMAL'): Promise<void> {
    await this.drive(this.broker.putTopic({ name, type, queues }));
  }

  async subscribe(group: string, topic: string): Promise<void> {
    const filter = { type: 'TAG' as const, expression: '*' };
    await this.drive(
      this.broker.subscribe({
        group,
        clientId: 'client-1',
        subscriptions: [{ topic, filter }],
        fifoIfNew: false,
      }),
    );
  }

  async send(
    topic: string,
    id: string,
    tag = '',
    queueId = 0,
    properties: Readonly<Record<string, string>> = {},
  ): Promise<void> {
    const draft = messageDraft(topic, id, tag, properties);
    await this.drive(this.broker.send({ queueId, draft }));
  }

  /** A message to be sent by hand. */
  draft(topic: string, id: string, properties: Readonly<Record<string, string>>): RecordDraft {
    return messageDraft(topic, id, '', properties);
  }

  pop(changes: Partial<PopRequest> = {}): Promise<PopResult> {
    return this.drive(this.broker.pop(popRequest('g', 't', changes), never));
  }

  async ack(result: PopResult): Promise<readonly number[]> {
    const entries = result.map(({ receiptHandle }) => ({ receiptHandle, messageId: '' }));
    const statuses = await this.drive(this.broker.ack({ group: 'g', topic: 't', entries }));
    return statuses.map(({ code }) => code);
  }

  /** Makes or changes group `g`. */
  async group(changes: Partial<GroupConfig>): Promise<void> {
    await this.drive(this.broker.putGroup(groupConfig(changes.name ?? 'g', changes)));
  }

  /**
   * As if the process had died: another one goes on with what the files hold.
   * @param meanwhile what happens to the files in between
   */
  async kill(meanwhile?: (files: Platform['files']) => Promise<void>): Promise<void> {
    this.die();
    await meanwhile?.(this.machine.files);
    await this.open();
  }

  /** The process is dead until `open`. */
  die(): void {
    this.process.kill();
    this.process = new Mortal(this.machine);
  }

  get platform(): Platform {
    return this.process.platform;
  }

  async restart(): Promise<void> {
    await this.drive(this.running?.stop() ?? Promise.resolve());
    await this.open();
  }
}

/** A broker with topic `t`, and group `g` subscribed to it. */
export async function readyBench(
  options: TestBrokerOptions = {},
  queues = 1,
): Promise<BrokerBench> {
  const bench = await new BrokerBench(options).open();
  await bench.topic('t', queues);
  await bench.subscribe('g', 't');
  return bench;
}

/** The handle of a result's first message. */
export function handleOf(result: PopResult): { receiptHandle: string; messageId: string } {
  const receiptHandle = result[0]?.receiptHandle ?? '';
  return { receiptHandle, messageId: '' };
}
