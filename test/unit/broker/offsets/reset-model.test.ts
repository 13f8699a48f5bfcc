// long: the steps and the model that they are compared with.
/**
 * Random sends, receives, acknowledgements, resets, passing time, restarts and kills against a small model:
 * what a reset says it does, what comes again, in which order, and which handles still count.
 * More runs: RESET_RUNS; another sequence: RESET_SEED.
 */
import { isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import type { PopResult } from '../../../../src/api/broker-api';
import type { QueueReset, ResetTarget } from '../../../../src/api/offset-api';
import { Property } from '../../../../src/message/properties';
import { Code } from '../../../../src/message/status';
import { BrokerBench } from '../../../support/broker-bench';
import { wall } from '../../../support/delayed';
import { idsOf } from '../../../support/test-broker';

const RUNS = Number(process.env['RESET_RUNS'] ?? 20);
const SEED = Number(process.env['RESET_SEED'] ?? 1);
const LIMIT_MS = 20_000 + RUNS * 500;
/** Time passes in steps of 500 ms: no deadline falls together with a look. */
const INVISIBLE_MS = 10_250;
const QUEUES = 2;
const MESSAGE_GROUPS = ['a', 'b', 'c', 'd'] as const;

interface Message {
  readonly id: string;
  readonly messageGroup: string;
  readonly queueId: number;
  readonly offset: number;
  readonly storedMs: number;
  state: 'open' | 'finished';
  /** Since its queue was last reset. */
  attempts: number;
  /** Whether a reset would give it again: it was delivered, or passed over by a reset. */
  had: boolean;
  dueMs: number;
  /** Of its newest delivery, while that counts. */
  handle: string;
  /** Handles of deliveries that a reset has cancelled or that others have replaced. */
  readonly void: string[];
}

type Step =
  | { readonly kind: 'send'; readonly messageGroup: string }
  | { readonly kind: 'receive'; readonly max: number }
  | { readonly kind: 'ack'; readonly which: number; readonly old: boolean }
  | {
      readonly kind: 'reset';
      readonly at: ResetTarget['at'];
      readonly which: number;
      readonly oneQueue: boolean;
      /** Whether messages are received in the same turn. */
      readonly racing: boolean;
    }
  | { readonly kind: 'advance'; readonly ms: number }
  | { readonly kind: 'restart' | 'kill' };

const which = fc.nat({ max: 1000 });
const constant = <K extends string>(kind: K): fc.Arbitrary<K> => fc.constant(kind);
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      kind: constant('send'),
      messageGroup: fc.constantFrom(...MESSAGE_GROUPS),
    }),
  },
  {
    weight: 5,
    arbitrary: fc.record({ kind: constant('receive'), max: fc.integer({ min: 1, max: 5 }) }),
  },
  {
    weight: 5,
    arbitrary: fc.record({ kind: constant('ack'), which, old: fc.boolean() }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: constant('reset'),
      at: fc.constantFrom('time' as const, 'beginning' as const, 'end' as const, 'offset' as const),
      ...{ which, oneQueue: fc.boolean(), racing: fc.boolean() },
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ kind: constant('advance'), ms: fc.constantFrom(500, 4000, 11_000) }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constantFrom('restart' as const, 'kill' as const) }),
  },
);

class Run {
  private readonly messages: Message[] = [];

  private constructor(
    private readonly bench: BrokerBench,
    private readonly fifo: boolean,
  ) {}

  static async open(fifo: boolean): Promise<Run> {
    const bench = await new BrokerBench({ settings: { snapshotEveryBytes: 3000 } }).open();
    await bench.topic('t', QUEUES);
    await bench.group({ fifo, maxAttempts: 1000 });
    await bench.subscribe('g', 't');
    return new Run(bench, fifo);
  }

  async take(step: Step): Promise<void> {
    switch (step.kind) {
      case 'send':
        return this.send(step.messageGroup);
      case 'receive':
        this.delivered(await this.receive(step.max));
        return;
      case 'ack':
        return this.ack(step.which, step.old);
      case 'reset':
        return this.reset(step);
      case 'advance':
        return this.bench.sim.advance(step.ms);
      case 'restart':
        return this.bench.restart();
      case 'kill':
        return this.bench.kill();
    }
  }

  /** All that is open comes, is finished, and nothing else comes. */
  async finish(): Promise<void> {
    for (let round = 0; round < 200 && this.open().length > 0; round++) {
      const popped = await this.receive(8);
      this.delivered(popped);
      for (const id of idsOf(popped)) await this.use(this.find(id), this.find(id).handle, true);
      if (popped.length === 0) await this.bench.sim.advance(11_000);
    }
    expect(this.open().map(({ id }) => id)).toEqual([]);
    expect(idsOf(await this.receive(32))).toEqual([]);
  }

  private open(): readonly Message[] {
    return this.messages.filter(({ state }) => state === 'open');
  }

  private inQueue(queueId: number): readonly Message[] {
    return this.messages.filter((message) => message.queueId === queueId);
  }

  private find(id: string): Message {
    const message = this.messages.find((other) => other.id === id);
    if (message === undefined) throw new Error(`${id} was never sent`);
    return message;
  }

  private async send(messageGroup: string): Promise<void> {
    const id = `${messageGroup}${this.messages.length}`;
    const queueId = messageGroup.charCodeAt(0) % QUEUES;
    const offset = this.inQueue(queueId).length;
    const storedMs = wall(this.bench);
    await this.bench.send('t', id, '', queueId, { [Property.SHARDINGKEY]: messageGroup });
    const place = { id, messageGroup, queueId, offset, storedMs };
    const untouched = { attempts: 0, had: false, dueMs: 0, handle: '', void: [] };
    this.messages.push({ ...place, ...untouched, state: 'open' });
  }

  private receive(maxMessages: number): Promise<PopResult> {
    return this.bench.pop({ maxMessages, invisibleMs: INVISIBLE_MS });
  }

  private delivered(popped: PopResult): void {
    const inAnswer = new Set<Message>();
    popped.forEach(({ attempt, receiptHandle }, i) => {
      const message = this.find(idsOf(popped)[i] ?? '');
      const { id } = message;
      expect([id, message.state, this.isHeld(message)]).toEqual([id, 'open', false]);
      if (this.fifo) this.checkTurn(message, inAnswer);
      inAnswer.add(message);
      message.attempts++;
      message.had = true;
      message.dueMs = wall(this.bench) + INVISIBLE_MS;
      if (message.handle !== '') message.void.push(message.handle);
      message.handle = receiptHandle;
      expect([id, attempt]).toEqual([id, message.attempts]);
    });
  }

  private isHeld({ dueMs }: Message): boolean {
    return dueMs > wall(this.bench);
  }

  /** All earlier ones of the message group are finished, or before it in the same answer; no later one is held. */
  private checkTurn(message: Message, inAnswer: ReadonlySet<Message>): void {
    const { id, messageGroup } = message;
    for (const other of this.open()) {
      if (other === message || other.messageGroup !== messageGroup || inAnswer.has(other)) continue;
      expect([id, other.id, other.offset > message.offset]).toEqual([id, other.id, true]);
      expect([id, other.id, this.isHeld(other)]).toEqual([id, other.id, false]);
    }
  }

  private async ack(which: number, old: boolean): Promise<void> {
    const known = this.messages.filter((one) => (old ? one.void.length > 0 : one.handle !== ''));
    const message = known[which % known.length];
    if (message === undefined) return;
    await this.use(message, old ? (message.void.at(-1) ?? '') : message.handle, !old);
  }

  private async use(message: Message, receiptHandle: string, isNewest: boolean): Promise<void> {
    const { bench } = this;
    const entries = [{ receiptHandle, messageId: message.id }];
    const [status] = await bench.drive(bench.broker.ack({ group: 'g', topic: 't', entries }));
    // A finished message is acknowledged as often as one likes, by any handle since the last reset.
    const valid: Code[] = isNewest ? [Code.OK] : [Code.INVALID_RECEIPT_HANDLE];
    if (!isNewest && message.state === 'finished' && message.handle !== '') valid.push(Code.OK);
    expect([message.id, valid]).toEqual([message.id, expect.arrayContaining([status?.code])]);
    if (status?.code === Code.OK) message.state = 'finished';
  }

  private async reset(step: Step & { readonly kind: 'reset' }): Promise<void> {
    const { bench } = this;
    const queueId = step.oneQueue || step.at === 'offset' ? step.which % QUEUES : undefined;
    const to = this.target(step.at, step.which, queueId ?? 0);
    const ask = (dryRun: boolean): Promise<readonly QueueReset[]> =>
      bench.broker.offsets.reset({ group: 'g', topic: 't', queueId, to, dryRun });
    if (step.racing) {
      const before = this.expected(queueId, to);
      const receiving = this.receive(3);
      const moving = ask(false);
      const popped = await receiving;
      const resets = await bench.drive(moving);
      // Entries that had to be read from a file are chosen after the reset.
      const resetFirst = isDeepStrictEqual(resets, before);
      if (resetFirst) this.move(resets);
      // What was chosen before the reset arrives after it, and its handles are void.
      this.delivered(popped);
      if (resetFirst) return;
      expect(resets).toEqual(this.expected(queueId, to));
      this.move(resets);
      return;
    }
    const expected = this.expected(queueId, to);
    expect(await bench.drive(ask(true))).toEqual(expected);
    expect(await bench.drive(ask(false))).toEqual(expected);
    this.move(expected);
  }

  private target(at: ResetTarget['at'], which: number, queueId: number): ResetTarget {
    const some = this.messages[which % Math.max(1, this.messages.length)];
    if (at === 'time') return { at, timeMs: (some?.storedMs ?? 0) + (which % 2) };
    if (at === 'offset') return { at, offset: which % (this.inQueue(queueId).length + 1) };
    return { at };
  }

  private expected(queueId: number | undefined, to: ResetTarget): readonly QueueReset[] {
    const queueIds = queueId === undefined ? [0, 1] : [queueId];
    return queueIds.map((id) => {
      const all = this.inQueue(id);
      const offset = offsetOf(all, to);
      const count = (match: (message: Message) => boolean): number => all.filter(match).length;
      return {
        ...{ broker: 'broker-a', queueId: id, to: offset },
        from: all.find(({ state }) => state === 'open')?.offset ?? all.length,
        again: count((message) => message.offset >= offset && message.had),
        skipped: count((message) => message.offset < offset && message.state === 'open'),
        cancelled: count((message) => message.state === 'open' && this.isHeld(message)),
      };
    });
  }

  private move(resets: readonly QueueReset[]): void {
    for (const { queueId, to } of resets) {
      for (const message of this.inQueue(queueId)) {
        const passed = message.offset < to;
        message.state = passed ? 'finished' : 'open';
        message.had = passed;
        message.attempts = 0;
        message.dueMs = 0;
        if (message.handle !== '') message.void.push(message.handle);
        message.handle = '';
      }
    }
  }
}

function offsetOf(messages: readonly Message[], to: ResetTarget): number {
  if (to.at === 'beginning') return 0;
  if (to.at === 'end') return messages.length;
  if (to.at === 'offset') return to.offset;
  return messages.find(({ storedMs }) => storedMs >= to.timeMs)?.offset ?? messages.length;
}

describe('resets with traffic, against a model', () => {
  it.each([
    ['FIFO', true],
    ['not FIFO', false],
  ])(
    `hold in random sequences: %s group, seed ${SEED}`,
    async (_name, fifo) => {
      await fc.assert(
        fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 60 }), async (steps) => {
          const run = await Run.open(fifo);
          for (const one of steps) await run.take(one);
          await run.finish();
        }),
        { seed: SEED, numRuns: RUNS },
      );
    },
    LIMIT_MS,
  );
});
