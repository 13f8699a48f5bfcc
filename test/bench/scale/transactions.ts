/** 100,000 transactions that nobody ends, while 10,000 a second of simulated time begin and end. */
import { DEFAULT_BROKER_SETTINGS } from '../../../src/broker/settings';
import { messageDraft } from '../../support/test-broker';
import { cpuUs, type Durations, durations, held, mean, type Report } from './measure';
import { idOf, inBatches, ScaleBroker } from './scale-broker';

const SMALL = 1000;
const LARGE = 100_000;
const ROUNDS = 5;
/** In a round: two seconds. */
const ROUND_TRANSACTIONS = 20_000;
const A_MILLISECOND = 10;
/** As many decisions as are kept in memory, before anything is measured: then their number does not change. */
const WARM_UP = 220_000;
const LIMIT = 1.5;

export async function transactions(report: Report): Promise<void> {
  const scale = await new ScaleBroker({
    // Nobody is asked: a check of what stays is not what a transaction costs.
    transactions: { ...DEFAULT_BROKER_SETTINGS.transactions, firstCheckMs: 3_600_000 },
  }).open();
  try {
    await scale.topic('t', 'TRANSACTION', 8);
    const load = new Load(scale);
    await load.beginAndEnd(WARM_UP);
    await load.grow(SMALL);
    const before = held();
    const first = await load.rounds();
    await load.grow(LARGE);
    const after = held();
    const large = await load.rounds();
    const open = await restart(scale);
    await load.shrink(SMALL);
    const last = await load.rounds();
    report.cost('a transaction, half committed', mean([...first, ...last]), mean(large), LIMIT);
    report.memory('100,000 pending transactions', LARGE - SMALL, before, after);
    report.reopening('with 100,000 pending transactions', open);
  } finally {
    await scale.remove();
  }
}

async function restart(scale: ScaleBroker): Promise<Durations> {
  await scale.stop();
  return durations(() => scale.open());
}

class Load {
  private begun = 0;
  private readonly pending: string[] = [];

  constructor(private readonly scale: ScaleBroker) {}

  async grow(to: number): Promise<void> {
    await inBatches(this.pending.length, to, async () => {
      this.pending.push(await this.begin());
    });
  }

  async shrink(to: number): Promise<void> {
    await inBatches(to, this.pending.length, async (i) => this.end(this.pending[i] ?? '', i));
    this.pending.length = to;
  }

  async rounds(): Promise<number[]> {
    const costs: number[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      costs.push(await cpuUs(ROUND_TRANSACTIONS, () => this.beginAndEnd(ROUND_TRANSACTIONS)));
    }
    return costs;
  }

  async beginAndEnd(count: number): Promise<void> {
    const aTurn = 64;
    for (let i = 0; i < count; i += aTurn) {
      await inBatches(i, Math.min(count, i + aTurn), async (n) => this.end(await this.begin(), n));
      this.scale.sim.advance(aTurn / A_MILLISECOND);
    }
  }

  private async begin(): Promise<string> {
    const id = idOf(this.begun++);
    const draft = messageDraft('t', id);
    await this.scale.broker.transactions.prepare({ queueId: this.begun % 8, draft });
    return id;
  }

  private end(transactionId: string, n: number): Promise<void> {
    const resolution = n % 2 === 0 ? 'commit' : 'rollback';
    const { transactions: api } = this.scale.broker;
    return api.endTransaction({ topic: 't', transactionId, resolution });
  }
}
