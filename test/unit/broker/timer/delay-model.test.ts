/**
 * Random sends of delayed messages, recalls, passing time, jumps of the clock, removal of the index and
 * crashes, against a model of a few lines: each message is delivered once, not before its time and at once
 * when its time has come, unless it was recalled; each recall gets the model's answer.
 */
import { deliveredDelay } from '../../../../src/message/delayed';
import { Code, StatusError } from '../../../../src/message/status';
import { readyBench, type BrokerBench } from '../../../support/broker-bench';
import { popIds, recall, sendIn, wall } from '../../../support/delayed';
import { seeded, type Chance } from '../../../support/seeded';

const PERIOD_MS = 300_000;

type Fate = 'waits' | 'recalled' | 'delivered';

interface Known {
  readonly id: string;
  readonly deliverMs: number;
  fate: Fate;
}

class Model {
  readonly messages: Known[] = [];

  /** What is due and was not recalled, in the order of delivery. */
  deliver(nowMs: number): string[] {
    const due = this.messages.filter(
      ({ fate, deliverMs }) => fate === 'waits' && deliverMs <= nowMs,
    );
    for (const message of due) message.fate = 'delivered';
    return due.map(({ id }) => id);
  }

  get waiting(): Known[] {
    return this.messages.filter(({ fate }) => fate === 'waits');
  }
}

class Run {
  private readonly model = new Model();
  private sent = 0;

  constructor(
    private readonly bench: BrokerBench,
    private readonly chance: Chance,
  ) {}

  async step(): Promise<void> {
    const { bench, chance } = this;
    const pick = chance.below(100);
    if (pick < 45) await this.send();
    else if (pick < 60) await this.recall();
    else if (pick < 88) await bench.sim.advance(chance.below(chance.hits(0.2) ? 40_000 : 3000));
    else if (pick < 92) await this.jump();
    else if (pick < 95) await bench.restart();
    else await this.crash();
    await this.check();
  }

  /** All that waits comes at its time. */
  async finish(): Promise<void> {
    const last = Math.max(
      wall(this.bench),
      ...this.model.waiting.map(({ deliverMs }) => deliverMs),
    );
    this.bench.sim.jumpWall(last - wall(this.bench));
    await this.check();
    expect(this.model.waiting).toEqual([]);
    await this.bench.kill();
    await this.check();
  }

  private async send(): Promise<void> {
    const { bench, chance, model } = this;
    const id = `m${this.sent++}`;
    // Some far off, many close together, some due already.
    const aheadMs = chance.hits(0.3) ? chance.below(4 * PERIOD_MS) : chance.below(6000) - 500;
    const deliverMs = await sendIn(bench, id, aheadMs);
    model.messages.push({ id, deliverMs, fate: 'waits' });
  }

  private async recall(): Promise<void> {
    const { bench, chance, model } = this;
    const message = model.messages[chance.below(model.messages.length)];
    if (message === undefined) return;
    const { id, deliverMs, fate } = message;
    // A message that was never delayed cannot be recalled either; the model does not tell these apart.
    const answer = await recall(bench, id, deliverMs).then(
      () => Code.OK,
      (error: unknown) => (error instanceof StatusError ? error.code : Code.INTERNAL_SERVER_ERROR),
    );
    expect([id, answer]).toEqual([id, fate === 'delivered' ? Code.MESSAGE_NOT_FOUND : Code.OK]);
    if (fate === 'waits') message.fate = 'recalled';
  }

  private async jump(): Promise<void> {
    const { bench, chance } = this;
    bench.sim.jumpWall(chance.below(2 * PERIOD_MS) - PERIOD_MS / 2);
    await bench.sim.advance(1000);
  }

  private async crash(): Promise<void> {
    const { bench, chance } = this;
    if (chance.hits(0.2)) await bench.platform.files.removeTree('/broker/gantry/timer');
    await bench.kill();
  }

  private async check(): Promise<void> {
    const { bench, model } = this;
    // A clock that has jumped is looked at once a second.
    await bench.sim.advance(1000);
    const due = model.deliver(wall(bench));
    const popped: string[] = [];
    for (let ids = await popIds(bench); ids.length > 0; ids = await popIds(bench)) {
      popped.push(...ids);
    }
    expect([...popped].sort()).toEqual([...due].sort());
  }
}

describe('delayed messages do what the model says', () => {
  it.each([1, 2, 3, 4])('with seed %i', async (seed) => {
    const bench = await readyBench({
      settings: { snapshotEveryBytes: seed % 2 === 0 ? 3000 : 100_000 },
    });
    const run = new Run(bench, seeded(seed));
    for (let i = 0; i < 120; i++) await run.step();
    await run.finish();
  });
});

test('each record of the log at which a broker can end leaves every message waiting or delivered, never both', async () => {
  // One message after the other, with a crash behind each record that the one before has written.
  const bench = await readyBench();
  for (let i = 0; i < 12; i++) {
    const draft = bench.draft('t', `m${i}`, { TIMER_DELIVER_MS: String(wall(bench) + 5) });
    const sent = bench.broker.send({ queueId: 0, draft });
    sent.catch(() => undefined);
    // So many turns of the event loop are let pass: none, to the answer, to the delivery.
    for (let turn = 0; turn < i % 4; turn++) await bench.sim.settle();
    if (i % 3 !== 0) await bench.sim.advance(5);
    await bench.kill();
    await bench.sim.advance(1000);
  }
  const store = bench.running?.store;
  const marks: number[] = [];
  await store?.replay(['t'], 0, (record) => {
    const delivered = deliveredDelay(record);
    if (delivered !== undefined) marks.push(delivered.position);
  });
  expect(marks.length).toBeGreaterThan(4);
  expect(new Set(marks).size).toBe(marks.length);
});
