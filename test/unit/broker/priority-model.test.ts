/**
 * Random sends, receives, acknowledgements, restarts and kills on a PRIORITY topic, against a model of a few lines: which
 * messages are ready, and how long each priority has been passed over. More runs: PRIORITY_RUNS; another sequence: PRIORITY_SEED.
 */
import fc from 'fast-check';
import type { PopResult } from '../../../src/api/broker-api';
import { Property } from '../../../src/message/properties';
import { BrokerBench } from '../../support/broker-bench';
import { idsOf } from '../../support/test-broker';

const RUNS = Number(process.env['PRIORITY_RUNS'] ?? 60);
const SEED = Number(process.env['PRIORITY_SEED'] ?? 1);
const LIMIT_MS = 20_000 + RUNS * 500;
const PRIORITIES = 4;
const INVISIBLE_MS = 10_000;
const PASSED_OVER_MS = 30_000;
/** Deadlines are kept in ticks of 10 ms; what is due within this may be there or not. */
const SLACK_MS = 60;

interface ModelMessage {
  readonly id: string;
  readonly priority: number;
  /** Until when it is in flight; 0 before its first delivery. */
  dueMs: number;
  acked: boolean;
  handles: PopResult;
}

type Step =
  | { readonly kind: 'send'; readonly priority: number; readonly count: number }
  | { readonly kind: 'receive'; readonly max: number; readonly ack: boolean }
  | { readonly kind: 'ack'; readonly which: number }
  | { readonly kind: 'advance'; readonly ms: number }
  | { readonly kind: 'restart' | 'kill' };

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('send' as const),
      priority: fc.nat({ max: PRIORITIES - 1 }),
      count: fc.integer({ min: 1, max: 6 }),
    }),
  },
  {
    weight: 9,
    arbitrary: fc.record({
      kind: fc.constant('receive' as const),
      max: fc.integer({ min: 1, max: 4 }),
      ack: fc.boolean(),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant('ack' as const), which: fc.nat({ max: 1000 }) }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('advance' as const),
      ms: fc.constantFrom(500, 4000, 11_000, 31_000),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constantFrom('restart' as const, 'kill' as const) }),
  },
);

/** The broker under test beside what it should do. */
class Run {
  private readonly messages: ModelMessage[] = [];
  /** Priority to when a receive first passed over it; the one that has waited longest first. */
  private readonly passedOver = new Map<number, number>();
  private nowMs = 0;

  private constructor(private readonly bench: BrokerBench) {}

  static async open(): Promise<Run> {
    const bench = await new BrokerBench({ settings: { snapshotEveryBytes: 4000 } }).open();
    await bench.topic('t', PRIORITIES, 'PRIORITY');
    await bench.group({ maxAttempts: 1000 });
    await bench.subscribe('g', 't');
    return new Run(bench);
  }

  async take(step: Step): Promise<void> {
    switch (step.kind) {
      case 'send':
        for (let i = 0; i < step.count; i++) await this.send(step.priority);
        return;
      case 'receive':
        return this.receive(step.max, step.ack);
      case 'ack':
        return this.ack(this.messages[step.which % Math.max(1, this.messages.length)]);
      case 'advance':
        return this.advance(step.ms);
      case 'restart':
        await this.bench.restart();
        return this.passedOver.clear();
      case 'kill':
        await this.bench.kill();
        return this.passedOver.clear();
    }
  }

  /** Everything that is left comes. */
  async finish(): Promise<void> {
    await this.advance(INVISIBLE_MS + 2 * SLACK_MS);
    for (let i = 0; i <= this.messages.length && this.ready().length > 0; i++) {
      await this.receive(2, true);
    }
    expect(this.messages.filter(({ acked }) => !acked)).toEqual([]);
  }

  private async send(priority: number): Promise<void> {
    const id = `${priority}-${this.messages.length}`;
    const properties = { [Property.PRIORITY]: String(priority) };
    await this.bench.send('t', id, '', priority, properties);
    this.messages.push({ id, priority, dueMs: 0, acked: false, handles: [] });
  }

  private async ack(message: ModelMessage | undefined): Promise<void> {
    if (message === undefined || message.acked || message.handles.length === 0) return;
    expect(await this.bench.ack(message.handles)).toEqual([20_000]);
    message.acked = true;
  }

  /** No answer may depend on what is about to be due: the time moves on past it. */
  private async advance(ms: number): Promise<void> {
    await this.bench.sim.advance(ms);
    this.nowMs += ms;
    const near = this.messages.some(
      ({ acked, dueMs }) => !acked && Math.abs(dueMs - this.nowMs) <= SLACK_MS && dueMs > 0,
    );
    if (near) await this.advance(3 * SLACK_MS);
  }

  private ready(): readonly ModelMessage[] {
    return this.messages.filter(({ acked, dueMs }) => !acked && dueMs <= this.nowMs);
  }

  private async receive(max: number, ack: boolean): Promise<void> {
    const ready = this.ready();
    const overdue = this.overdue();
    const order = [3, 2, 1, 0].filter((priority) => priority !== overdue);
    if (overdue !== undefined) order.unshift(overdue);
    const popped = await this.bench.pop({ maxMessages: max, invisibleMs: INVISIBLE_MS });
    const ids = idsOf(popped);
    const got = ids.map((id) => this.messages.find((message) => message.id === id));
    for (const [i, message] of got.entries()) {
      if (message === undefined) throw new Error(`${ids[i]} was never sent`);
      expect(ready).toContain(message);
      message.dueMs = this.nowMs + INVISIBLE_MS;
      message.handles = popped.slice(i, i + 1);
    }
    // An answer may be short when the rest must be read from a file, but never leaves out a higher priority.
    const ranks = got.map((message) => order.indexOf(message?.priority ?? -1));
    expect(ranks).toEqual([...ranks].sort());
    expect(new Set(ids).size).toBe(ids.length);
    if (ready.length > 0) expect(ids).not.toEqual([]);
    const lowest = ranks.at(-1) ?? 0;
    const better = ready.filter(({ id, priority }) => {
      return order.indexOf(priority) < lowest && !ids.includes(id);
    });
    expect([ids, better.map(({ id }) => id)]).toEqual([ids, []]);
    this.note(got.flatMap((message) => message?.priority ?? []));
    if (ack) for (const message of got) await this.ack(message);
  }

  private overdue(): number | undefined {
    const [longest] = this.passedOver;
    if (longest === undefined || this.nowMs - longest[1] < PASSED_OVER_MS) return undefined;
    return longest[0];
  }

  private note(served: readonly number[]): void {
    for (const priority of served) this.passedOver.delete(priority);
    const waiting = new Set(this.ready().map(({ priority }) => priority));
    for (const priority of [3, 2, 1, 0]) {
      if (!waiting.has(priority)) this.passedOver.delete(priority);
      else if (!served.includes(priority) && !this.passedOver.has(priority)) {
        this.passedOver.set(priority, this.nowMs);
      }
    }
  }
}

describe('the order of priorities, against a model', () => {
  it(
    `holds in random sequences, seed ${SEED}`,
    async () => {
      await fc.assert(
        fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 60 }), async (steps) => {
          const run = await Run.open();
          for (const one of steps) await run.take(one);
          await run.finish();
        }),
        { seed: SEED, numRuns: RUNS },
      );
    },
    LIMIT_MS,
  );

  it(
    `leaves nothing waiting beyond the bound under a flood of the highest, seed ${SEED}`,
    async () => {
      const flood = fc.record({
        everyMs: fc.constantFrom(300, 2000, 9000),
        max: fc.integer({ min: 1, max: 4 }),
        low: fc.array(fc.nat({ max: PRIORITIES - 2 }), { minLength: 1, maxLength: 6 }),
      });
      await fc.assert(
        fc.asyncProperty(flood, async ({ everyMs, max, low }) => {
          const receives = await receivesUntilAllCame(low, everyMs, max);
          // Each priority waits for its time, then for the others that are overdue; in a priority one after another.
          const rounds = Math.max(
            ...low.map((priority) => low.filter((p) => p === priority).length),
          );
          const each = Math.ceil(PASSED_OVER_MS / everyMs) + PRIORITIES - 1;
          expect(receives).toBeLessThanOrEqual(rounds * each);
          // Not by leaving the order alone: the flood had its due.
          expect(receives).toBeGreaterThan(PASSED_OVER_MS / everyMs);
        }),
        { seed: SEED, numRuns: Math.ceil(RUNS / 6) },
      );
    },
    LIMIT_MS,
  );
});

/** How many receives, one each `everyMs`, it takes until all low messages came while the highest priority never runs dry. */
async function receivesUntilAllCame(
  low: readonly number[],
  everyMs: number,
  max: number,
): Promise<number> {
  const bench = await new BrokerBench().open();
  await bench.topic('t', PRIORITIES, 'PRIORITY');
  await bench.subscribe('g', 't');
  let sent = 0;
  const send = (priority: number): Promise<void> =>
    bench.send('t', `${priority}-${sent++}`, '', priority, {
      [Property.PRIORITY]: String(priority),
    });
  for (const priority of low) await send(priority);
  let missing = low.length;
  for (let receives = 1; receives < 5000; receives++) {
    for (let i = 0; i < max; i++) await send(PRIORITIES - 1);
    const popped = await bench.pop({ maxMessages: max });
    await bench.ack(popped);
    missing -= idsOf(popped).filter((id) => !id.startsWith(`${PRIORITIES - 1}-`)).length;
    if (missing === 0) return receives;
    await bench.sim.advance(everyMs);
  }
  throw new Error(`${missing} messages never came`);
}
