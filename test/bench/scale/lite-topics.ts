/** 100,000 lite topics of one parent, all of them subscribed: what an idle one holds, and what those in use cost. */
import { Property } from '../../../src/message/properties';
import { messageDraft } from '../../support/test-broker';
import { cpuUs, durations, held, mean, type Report } from './measure';
import { handlesOf, ScaleBroker } from './scale-broker';

const SMALL = 1000;
const LARGE = 100_000;
/** Lite topics of one client. */
const A_CLIENT = 1000;
const ROUNDS = 5;
const ROUND_MESSAGES = 1000;
/** Lite topics that have messages; each client has one. */
const IN_USE = 100;
const LIMIT = 1.5;

export async function liteTopics(report: Report): Promise<void> {
  const scale = await new ScaleBroker().open();
  try {
    await scale.topic('t', 'LITE', 1);
    const lite = new Lite(scale);
    await lite.grow(SMALL);
    await lite.rounds(1);
    const before = held();
    const small = await lite.rounds(ROUNDS);
    await lite.grow(LARGE);
    const after = held();
    const large = await lite.rounds(ROUNDS);
    report.cost('send to a lite topic', small.send, large.send, LIMIT);
    report.cost('a message received', small.pop, large.pop, LIMIT);
    report.memory('100,000 lite topics', LARGE - SMALL, before, after);
    await scale.stop();
    report.reopening('with 100,000 lite topics', await durations(() => scale.open()));
  } finally {
    await scale.remove();
  }
}

class Lite {
  private count = 0;
  private sent = 0;

  constructor(private readonly scale: ScaleBroker) {}

  /** Makes lite topics by subscribing to them. */
  async grow(to: number): Promise<void> {
    while (this.count < to) {
      const from = this.count;
      this.count += A_CLIENT;
      const liteTopics = Array.from({ length: A_CLIENT }, (_, i) => `session-${from + i}`);
      await this.scale.broker.syncLite({
        ...{ group: 'g', topic: 't', clientId: `client-${from}` },
        ...{ change: 'set', liteTopics },
      });
    }
  }

  /** Messages to lite topics of the first client, which receives and acknowledges them. */
  async rounds(rounds: number): Promise<{ readonly send: number; readonly pop: number }> {
    const costs = { send: [] as number[], pop: [] as number[] };
    for (let round = 0; round < rounds; round++) {
      costs.send.push(await cpuUs(ROUND_MESSAGES, () => this.send()));
      costs.pop.push(await cpuUs(ROUND_MESSAGES, () => this.receive()));
    }
    return { send: mean(costs.send), pop: mean(costs.pop) };
  }

  private async send(): Promise<void> {
    const sends = Array.from({ length: ROUND_MESSAGES }, (_, i) => {
      const liteTopic = `session-${i % IN_USE}`;
      const properties = { [Property.LITE_TOPIC]: liteTopic };
      const draft = messageDraft('t', `m${this.sent++}`, '', properties);
      return this.scale.broker.send({ queueId: 0, draft, liteTopic });
    });
    await Promise.all(sends);
  }

  private async receive(): Promise<void> {
    for (let received = 0; received < ROUND_MESSAGES;) {
      const messages = await this.scale.receive('g', 't', { clientId: 'client-0' });
      if (messages.length === 0) throw new Error(`only ${received} of ${ROUND_MESSAGES} received`);
      await this.scale.ack('g', 't', handlesOf(messages));
      received += messages.length;
    }
  }
}
