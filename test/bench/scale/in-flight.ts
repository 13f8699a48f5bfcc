/** A group that has a million messages and acknowledges few: what the next ones cost. */
import { cpuUs, durations, held, mean, type Report } from './measure';
import { handlesOf, ScaleBroker } from './scale-broker';

const SMALL = 10_000;
const LARGE = 1_000_000;
const ROUNDS = 4;
const ROUND_MESSAGES = 6400;
const LIMIT = 1.5;
const QUEUES = 8;
/** Longer than any message stays invisible here: a deadline may be a tick late. */
const ALL_COME_AGAIN_MS = 3_601_000;

interface Costs {
  readonly send: number[];
  readonly pop: number[];
  readonly change: number[];
  readonly ack: number[];
}

export async function inFlight(report: Report): Promise<void> {
  // Known message ids take memory as well, and have a case of their own.
  const scale = await new ScaleBroker({ dedupWindowMs: 0 }).open();
  try {
    await scale.topic('t', 'NORMAL', QUEUES);
    await scale.subscribe('g', 't');
    const load = new Load(scale);
    await load.send(LARGE);
    await load.grow(SMALL);
    await load.rounds(1);
    const before = held();
    const first = await load.rounds(ROUNDS);
    await load.grow(LARGE);
    const after = held();
    const large = await load.rounds(2 * ROUNDS);
    await load.again(report);
    await restart(scale, report);
    await load.shrink(SMALL);
    const last = await load.rounds(ROUNDS);
    const small = (kind: keyof Costs): number => mean([...first[kind], ...last[kind]]);
    for (const kind of ['send', 'pop', 'change', 'ack'] as const) {
      report.cost(NAMES[kind], small(kind), mean(large[kind]), LIMIT);
    }
    report.memory('1,000,000 in flight', LARGE - SMALL, before, after);
  } finally {
    await scale.remove();
  }
}

const NAMES = {
  send: 'send',
  pop: 'a message received, 32 at a time',
  change: 'ChangeInvisibleDuration',
  ack: 'AckMessage',
};

/** Keeps a number of messages in flight. */
class Load {
  private sent = 0;
  private kept = 0;

  constructor(private readonly scale: ScaleBroker) {}

  async grow(to: number): Promise<void> {
    while (this.kept < to) {
      const count = Math.min(50_000, to - this.kept);
      await this.scale.pop('g', 't', count);
      this.kept += count;
    }
  }

  /** Lets all that is in flight come again, and acknowledges what is too much. */
  async shrink(to: number): Promise<void> {
    this.scale.sim.advance(ALL_COME_AGAIN_MS);
    for (let left = this.kept; left > to;) {
      const messages = await this.scale.pop('g', 't', Math.min(32_000, left - to));
      await this.scale.ack('g', 't', handlesOf(messages));
      left -= messages.length;
    }
    this.kept = to;
    await this.scale.pop('g', 't', to);
  }

  /** A tenth comes again: what a message costs whose invisible time ends. */
  async again(report: Report): Promise<void> {
    const { scale } = this;
    const expired = await cpuUs(LARGE, async () => scale.sim.advance(ALL_COME_AGAIN_MS));
    report.note('1,000,000 invisible times end', `${expired.toFixed(2)} us each`);
    const again = await cpuUs(LARGE / 10, async () => {
      await scale.pop('g', 't', LARGE / 10);
    });
    report.note('100,000 of them received again', `${again.toFixed(2)} us each`);
  }

  async rounds(rounds: number): Promise<Costs> {
    const costs: Costs = { send: [], pop: [], change: [], ack: [] };
    const { scale } = this;
    for (let round = 0; round < rounds; round++) {
      let handles: string[] = [];
      costs.send.push(await cpuUs(ROUND_MESSAGES, () => this.send(ROUND_MESSAGES)));
      costs.pop.push(
        await cpuUs(ROUND_MESSAGES, async () => {
          handles = handlesOf(await scale.pop('g', 't', ROUND_MESSAGES));
        }),
      );
      costs.change.push(
        await cpuUs(ROUND_MESSAGES, async () => {
          handles = await scale.change('g', 't', handles);
        }),
      );
      costs.ack.push(await cpuUs(ROUND_MESSAGES, () => scale.ack('g', 't', handles)));
    }
    return costs;
  }

  async send(count: number): Promise<void> {
    await this.scale.send('t', QUEUES, this.sent, this.sent + count);
    this.sent += count;
  }
}

async function restart(scale: ScaleBroker, report: Report): Promise<void> {
  await scale.stop();
  report.reopening('with 1,000,000 in flight', await durations(() => scale.open()));
}
