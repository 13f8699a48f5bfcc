/** Delayed messages: a million in a simulated hour, and ten million that wait for days. */
import { Property } from '../../../src/message/properties';
import { cpuUs, durations, held, mean, type Report } from './measure';
import { idOf, inBatches, ScaleBroker } from './scale-broker';

const QUEUES = 8;
const LIMIT = 1.5;
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

/** The hour, a second at a time; every message must be there at the end of its second, and none before. */
export async function delayedHour(report: Report): Promise<void> {
  const [few, many] = [10_000, 1_000_000];
  const scale = await opened();
  try {
    const load = new Load(scale);
    // At the end of what is known of the hour before, so that both hours begin in an empty one.
    await load.hour(few);
    const small = await load.hour(few);
    const before = held();
    const large = await load.hour(many, () => {
      report.memory('1,000,000 that wait for an hour', many, before, held());
    });
    report.cost('a delayed message sent', small.send, large.send, LIMIT);
    report.cost('a delayed message delivered', small.deliver, large.deliver, LIMIT);
  } finally {
    await scale.remove();
  }
}

/** What one more costs when so many wait, evenly over two days; what memory they take; and a restart. */
export async function delayedPending(report: Report): Promise<void> {
  const [few, many] = [100_000, 10_000_000];
  const scale = await opened();
  try {
    const load = new Load(scale);
    await load.wait(few);
    const small = await load.more();
    const before = held();
    await load.wait(many);
    const after = held();
    const large = await load.more();
    report.cost('a delayed message sent', small.send, large.send, LIMIT);
    report.cost('RecallMessage', small.recall, large.recall);
    report.memory('10,000,000 that wait for two days', many - few, before, after);
    await scale.stop();
    report.reopening('with 10,000,000 waiting', await durations(() => scale.open()));
    await load.recall(100);
  } finally {
    await scale.remove();
  }
}

async function opened(): Promise<ScaleBroker> {
  const scale = await new ScaleBroker().open();
  await scale.topic('t', 'DELAY', QUEUES);
  return scale;
}

class Load {
  private sent = 0;
  /** Of messages that wait. */
  private readonly newest: { readonly messageId: string; readonly deliverMs: number }[] = [];

  constructor(private readonly scale: ScaleBroker) {}

  /** Sends so many that are due evenly over an hour, and lets that pass. */
  async hour(
    count: number,
    waiting: () => void = () => undefined,
  ): Promise<{ readonly send: number; readonly deliver: number }> {
    const { sim } = this.scale;
    // When all are sent.
    const beginMs = sim.clock.wallMs() + 60_000;
    const send = await cpuUs(count, () =>
      this.send(count, (i) => beginMs + Math.floor((i * HOUR_MS) / count)),
    );
    waiting();
    const before = this.delivered();
    const deliver = await cpuUs(count, async () => {
      while (sim.clock.wallMs() < beginMs + HOUR_MS) {
        sim.advance(1000);
        const passedMs = sim.clock.wallMs() + 1 - beginMs;
        const due = Math.min(count, Math.ceil((Math.max(0, passedMs) * count) / HOUR_MS));
        await this.until(before + due);
      }
    });
    if (this.delivered() !== before + count) throw new Error('some were not delivered, or twice');
    return { send, deliver };
  }

  /** Sends until so many wait. */
  async wait(count: number): Promise<void> {
    await this.send(count - this.sent, (i) => this.evenly(i));
  }

  async more(): Promise<{ readonly send: number; readonly recall: number }> {
    const costs: number[] = [];
    for (let round = 0; round < 5; round++) {
      costs.push(await cpuUs(20_000, () => this.send(20_000, (i) => this.evenly(i))));
    }
    return { send: mean(costs), recall: await cpuUs(200, () => this.recall(200)) };
  }

  async recall(count: number): Promise<void> {
    const asked = this.newest.splice(0, count);
    if (asked.length < count) throw new Error('not enough to recall');
    await inBatches(0, count, (i) => {
      const { messageId = '', deliverMs = 0 } = asked[i] ?? {};
      return this.scale.broker.recall({ topic: 't', messageId, deliverMs });
    });
  }

  /** Neighbours lie far apart, as messages of many producers do. */
  private evenly(i: number): number {
    return this.scale.sim.clock.wallMs() + HOUR_MS + ((i * 7_919_999) % (2 * DAY_MS));
  }

  private async send(count: number, dueMs: (i: number) => number): Promise<void> {
    const from = this.sent;
    this.newest.length = 0;
    await this.scale.send('t', QUEUES, from, from + count, (i) => {
      const deliverMs = dueMs(i - from);
      if (this.newest.length < 1000) this.newest.push({ messageId: idOf(i), deliverMs });
      return { [Property.TIMER_DELIVER_MS]: String(deliverMs) };
    });
    this.sent += count;
  }

  private delivered(): number {
    let sum = 0;
    for (let queueId = 0; queueId < QUEUES; queueId++) {
      sum += this.scale.store.maxOffset('t', queueId);
    }
    return sum;
  }

  /** @throws when more are delivered than are due, or they do not come */
  private async until(count: number): Promise<void> {
    for (let turn = 0; this.delivered() < count; turn++) {
      // What waits for this very moment.
      this.scale.sim.advance(0);
      if (turn > 1_000_000) throw new Error(`${this.delivered()} delivered, not ${count}`);
      await new Promise((resolve) => setImmediate(resolve));
    }
    if (this.delivered() > count) throw new Error('a message was delivered before its time');
  }
}
