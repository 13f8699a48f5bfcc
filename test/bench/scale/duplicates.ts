/** Duplicate suppression with a million known message ids. */
import { cpuUs, durations, held, mean, type Report } from './measure';
import { ScaleBroker } from './scale-broker';

const SMALL = 10_000;
const LARGE = 1_000_000;
const ROUNDS = 6;
const ROUND_MESSAGES = 10_000;
const QUEUES = 8;
const LIMIT = 1.5;

export async function duplicates(report: Report): Promise<void> {
  // So many that none is forgotten before its time.
  const known = await opened({ dedupMaxEntries: 2 * LARGE });
  const off = await opened({ dedupWindowMs: 0 });
  try {
    const sends = new Sends(known);
    const without = new Sends(off);
    await sends.send(SMALL);
    await without.send(SMALL);
    const small = await sends.rounds(without);
    const before = held();
    await sends.send(LARGE);
    const after = held();
    const large = await sends.rounds(without);
    report.cost('send', small.own, large.own, LIMIT);
    report.cost('send at 1,000,000 beside one without the window', large.other, large.own, LIMIT);
    report.cost('a repeated send', small.repeated, large.repeated, LIMIT);
    report.memory('1,000,000 message ids', LARGE, before, after);
    await reopen(known, report);
    await sends.repeat();
  } finally {
    await known.remove();
    await off.remove();
  }
}

async function opened(
  settings: ConstructorParameters<typeof ScaleBroker>[0],
): Promise<ScaleBroker> {
  const scale = await new ScaleBroker(settings).open();
  await scale.topic('t', 'NORMAL', QUEUES);
  return scale;
}

/** Sends that differ, to one broker. */
class Sends {
  private sent = 0;

  constructor(private readonly scale: ScaleBroker) {}

  async send(count: number): Promise<void> {
    await this.scale.send('t', QUEUES, this.sent, this.sent + count);
    this.sent += count;
  }

  /** The newest ones again. @throws when one is stored a second time */
  async repeat(): Promise<void> {
    const end = this.stored();
    await this.scale.send('t', QUEUES, this.sent - ROUND_MESSAGES, this.sent);
    if (this.stored() !== end) throw new Error('a repeated send was stored again');
  }

  /** In turn with another broker's. */
  async rounds(other: Sends): Promise<{ own: number; other: number; repeated: number }> {
    const costs: Record<'own' | 'other' | 'repeated', number[]> = {
      ...{ own: [], other: [], repeated: [] },
    };
    for (let round = 0; round < ROUNDS; round++) {
      costs.own.push(await cpuUs(ROUND_MESSAGES, () => this.send(ROUND_MESSAGES)));
      costs.repeated.push(await cpuUs(ROUND_MESSAGES, () => this.repeat()));
      costs.other.push(await cpuUs(ROUND_MESSAGES, () => other.send(ROUND_MESSAGES)));
    }
    return { own: mean(costs.own), other: mean(costs.other), repeated: mean(costs.repeated) };
  }

  private stored(): number {
    let sum = 0;
    for (let queueId = 0; queueId < QUEUES; queueId++) {
      sum += this.scale.store.maxOffset('t', queueId);
    }
    return sum;
  }
}

async function reopen(scale: ScaleBroker, report: Report): Promise<void> {
  await scale.stop();
  const open = await durations(() => scale.open());
  report.reopening('with 1,100,000 message ids in the window', open);
}
