/** 10,000 groups of consumers on one topic; and 10,000 message groups of one FIFO topic. */
import { Property } from '../../../src/message/properties';
import { cpuUs, durations, held, mean, type Report } from './measure';
import { handlesOf, ScaleBroker } from './scale-broker';

const SMALL = 100;
const LARGE = 10_000;
const ROUNDS = 5;
const LIMIT = 1.5;

interface Costs {
  readonly send: number;
  readonly pop: number;
  readonly ack: number;
}

const NAMES = { send: 'send', pop: 'a message received', ack: 'AckMessage' } as const;
const KINDS = ['send', 'pop', 'ack'] as const;

/** Every group receives; those that are measured take turns. */
export async function consumerGroups(report: Report): Promise<void> {
  const scale = await new ScaleBroker({ snapshotEveryBytes: 8 * 1024 * 1024 }).open();
  try {
    await scale.topic('t', 'NORMAL', 8);
    const groups = new Groups(scale);
    await groups.grow(SMALL);
    await groups.rounds(1);
    const before = held();
    const small = await groups.rounds(ROUNDS);
    await groups.grow(LARGE);
    const after = held();
    const large = await groups.rounds(ROUNDS);
    for (const kind of KINDS) report.cost(NAMES[kind], small[kind], large[kind], LIMIT);
    report.memory('10,000 groups of consumers', LARGE - SMALL, before, after);
    await scale.stop();
    report.reopening('with 10,000 groups', await durations(() => scale.open()));
  } finally {
    await scale.remove();
  }
}

/** The messages of a round, each to one group: the other groups have them still before them. */
const ROUND_MESSAGES = 3200;
const RECEIVE = 8;

class Groups {
  private readonly names: string[] = [];
  private sent = 0;
  private next = 0;

  constructor(private readonly scale: ScaleBroker) {}

  async grow(to: number): Promise<void> {
    // So that each has what to receive.
    await this.send(ROUND_MESSAGES);
    while (this.names.length < to) {
      const group = `g${this.names.length}`;
      this.names.push(group);
      await this.scale.subscribe(group, 't');
      await this.scale.pop(group, 't', RECEIVE);
    }
  }

  async rounds(rounds: number): Promise<Costs> {
    const costs = { send: [] as number[], pop: [] as number[], ack: [] as number[] };
    for (let round = 0; round < rounds; round++) {
      costs.send.push(await cpuUs(ROUND_MESSAGES, () => this.send(ROUND_MESSAGES)));
      const handles: (readonly [string, readonly string[]])[] = [];
      costs.pop.push(
        await cpuUs(ROUND_MESSAGES, async () => {
          for (let i = 0; i < ROUND_MESSAGES; i += RECEIVE) {
            const group = this.names[this.next++ % this.names.length] ?? '';
            const messages = await this.scale.pop(group, 't', RECEIVE);
            handles.push([group, handlesOf(messages)]);
          }
        }),
      );
      costs.ack.push(
        await cpuUs(ROUND_MESSAGES, async () => {
          for (const [group, own] of handles) await this.scale.ack(group, 't', own);
        }),
      );
    }
    return { send: mean(costs.send), pop: mean(costs.pop), ack: mean(costs.ack) };
  }

  private async send(count: number): Promise<void> {
    await this.scale.send('t', 8, this.sent, this.sent + count);
    this.sent += count;
  }
}

/** One group of consumers, in order: each message of a message group waits for the one before. */
export async function messageGroups(report: Report): Promise<void> {
  const scale = await new ScaleBroker().open();
  try {
    await scale.topic('t', 'FIFO', 8);
    await scale.subscribe('g', 't', 'client-1', true);
    const load = new Fifo(scale);
    await load.round(SMALL);
    const costs: Record<'small' | 'large', Costs[]> = { small: [], large: [] };
    for (let round = 0; round < ROUNDS; round++) {
      costs.small.push(await load.round(SMALL));
      costs.large.push(await load.round(LARGE));
    }
    for (const kind of KINDS) {
      const of = (size: readonly Costs[]): number => mean(size.map((one) => one[kind]));
      report.cost(NAMES[kind], of(costs.small), of(costs.large), LIMIT);
    }
  } finally {
    await scale.remove();
  }
}

const FIFO_MESSAGES = 10_000;

class Fifo {
  private sent = 0;

  constructor(private readonly scale: ScaleBroker) {}

  /** Messages of so many groups, evenly; all are received and acknowledged. */
  async round(groups: number): Promise<Costs> {
    const { scale } = this;
    const from = this.sent;
    this.sent += FIFO_MESSAGES;
    // The group decides the queue, as a proxy has it.
    const send = await cpuUs(FIFO_MESSAGES, () =>
      scale.send('t', 8, from, this.sent, (i) => ({
        [Property.SHARDINGKEY]: `group-${i % groups}`,
      })),
    );
    const costs = { pop: 0, ack: 0 };
    for (let left = FIFO_MESSAGES; left > 0;) {
      let handles: string[] = [];
      costs.pop += await cpuUs(
        1,
        async () => {
          handles = handlesOf(await scale.receive('g', 't'));
        },
        false,
      );
      if (handles.length === 0) throw new Error(`${left} messages did not come`);
      costs.ack += await cpuUs(1, () => scale.ack('g', 't', handles), false);
      left -= handles.length;
    }
    return { send, pop: costs.pop / FIFO_MESSAGES, ack: costs.ack / FIFO_MESSAGES };
  }
}
