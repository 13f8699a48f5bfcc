// long: the steps and the model that they are compared with.
/**
 * Random sends, receives, acknowledgements, changes, forwards, restarts and kills against a small model
 * of order, retries and dead letters. More runs: DELIVERY_RUNS; another sequence: DELIVERY_SEED.
 */
import fc from 'fast-check';
import { Property } from '../../../src/message/properties';
import { Code, toStatusError } from '../../../src/message/status';
import type { PopResult } from '../../../src/api/broker-api';
import { BrokerBench } from '../../support/broker-bench';
import { idsOf } from '../../support/test-broker';

const RUNS = Number(process.env['DELIVERY_RUNS'] ?? 40);
const SEED = Number(process.env['DELIVERY_SEED'] ?? 1);
const LIMIT_MS = 20_000 + RUNS * 500;
const INVISIBLE_MS = 10_000;
/** Deadlines are kept in ticks of 10 ms; what is due within this may be there or not. */
const SLACK_MS = 60;
const QUEUES = 2;
const names = { group: 'g', topic: 't' };

interface Handle {
  readonly text: string;
  /** The delivery that it stands for. */
  readonly delivery: number;
}

interface ModelMessage {
  readonly id: string;
  readonly messageGroup: string;
  attempts: number;
  /** Raised by each delivery and change: handles of an older one are void. */
  delivery: number;
  /** When it may come again; 0 before its first delivery. */
  dueMs: number;
  /** Whether its newest delivery was taken off its attempts. */
  suspended: boolean;
  state: 'open' | 'acked' | 'dead';
  readonly handles: Handle[];
}

type Step =
  | { readonly kind: 'send'; readonly letter: string }
  | { readonly kind: 'receive'; readonly max: number }
  | { readonly kind: 'ack' | 'forward'; readonly which: number; readonly old: number }
  | {
      readonly kind: 'change';
      readonly which: number;
      readonly old: number;
      readonly ms: number;
      readonly suspend: boolean;
    }
  | { readonly kind: 'advance'; readonly ms: number }
  | { readonly kind: 'restart' | 'kill' };

const which = fc.nat({ max: 1000 });
const old = fc.constantFrom(0, 0, 0, 1);
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constant('send' as const),
      letter: fc.constantFrom('a', 'b', 'c', 'd'),
    }),
  },
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('receive' as const),
      max: fc.integer({ min: 1, max: 5 }),
    }),
  },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('ack' as const), which, old }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('forward' as const), which, old }) },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('change' as const),
      ...{ which, old },
      ms: fc.constantFrom(0, 1000, 5000, 30_000),
      suspend: fc.boolean(),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('advance' as const),
      ms: fc.constantFrom(500, 4000, 11_000, 40_000),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constantFrom('restart' as const, 'kill' as const) }),
  },
);

/** The broker under test beside what it should do. */
class Run {
  readonly messages: ModelMessage[] = [];
  private nowMs = 0;

  private constructor(
    private readonly bench: BrokerBench,
    private readonly fifo: boolean,
    private readonly maxAttempts: number,
  ) {}

  static async open(fifo: boolean, maxAttempts: number): Promise<Run> {
    const bench = await new BrokerBench({ settings: { snapshotEveryBytes: 4000 } }).open();
    await bench.topic('t', QUEUES);
    await bench.group({ fifo, maxAttempts });
    await bench.subscribe('g', 't');
    return new Run(bench, fifo, maxAttempts);
  }

  async take(step: Step): Promise<void> {
    switch (step.kind) {
      case 'send':
        return this.send(step.letter);
      case 'receive':
        this.delivered(await this.bench.pop({ maxMessages: step.max, invisibleMs: INVISIBLE_MS }));
        return;
      case 'advance':
        return this.advance(step.ms);
      case 'restart':
        return this.bench.restart();
      case 'kill':
        return this.bench.kill();
      case 'ack':
      case 'forward':
      case 'change':
        return this.use(step);
    }
  }

  /** Everything sent ends acknowledged or dead, exactly once, in order. */
  async finish(): Promise<void> {
    for (let round = 0; round < 200 && this.open.length > 0; round++) {
      const popped = await this.bench.pop({ maxMessages: 8, invisibleMs: INVISIBLE_MS });
      this.delivered(popped);
      for (const id of idsOf(popped)) await this.ack(this.find(id), 0);
      if (popped.length === 0) await this.advance(31_000);
    }
    expect(this.open.map(({ id }) => id)).toEqual([]);
    const dead = this.messages.filter(({ state }) => state === 'dead').map(({ id }) => id);
    if (dead.length === 0) return;
    await this.bench.group({ name: 'reader', startFrom: 'beginning' });
    const letters: string[] = [];
    for (let round = 0; round <= dead.length; round++) {
      letters.push(...idsOf(await this.bench.pop({ group: 'reader', topic: '%DLQ%g' })));
    }
    expect(letters.toSorted()).toEqual(dead.toSorted());
  }

  private get open(): readonly ModelMessage[] {
    return this.messages.filter(({ state }) => state === 'open');
  }

  private find(id: string): ModelMessage {
    const message = this.messages.find((other) => other.id === id);
    if (message === undefined) throw new Error(`${id} was never sent`);
    return message;
  }

  private async send(letter: string): Promise<void> {
    const id = `${letter}${this.messages.length}`;
    const queueId = letter.charCodeAt(0) % QUEUES;
    await this.bench.send('t', id, '', queueId, { [Property.SHARDINGKEY]: letter });
    const message = {
      id,
      messageGroup: letter,
      attempts: 0,
      delivery: 0,
      dueMs: 0,
      handles: [] as Handle[],
    };
    this.messages.push({ ...message, suspended: false, state: 'open' });
  }

  private async advance(ms: number): Promise<void> {
    await this.bench.sim.advance(ms);
    this.nowMs += ms;
    for (const message of this.open) {
      const over = message.dueMs > 0 && message.dueMs + SLACK_MS <= this.nowMs;
      if (over && message.attempts >= this.maxAttempts) message.state = 'dead';
    }
  }

  private held({ dueMs }: ModelMessage): boolean {
    return dueMs > this.nowMs + SLACK_MS;
  }

  private delivered(popped: PopResult): void {
    const inAnswer = new Set<string>();
    for (const [i, id] of idsOf(popped).entries()) {
      const message = this.find(id);
      expect([id, message.state]).toEqual([id, 'open']);
      expect(this.held(message)).toBe(false);
      if (this.fifo) this.checkTurn(message, inAnswer);
      inAnswer.add(id);
      message.attempts++;
      message.delivery++;
      message.suspended = false;
      message.dueMs = this.nowMs + INVISIBLE_MS;
      expect([id, popped[i]?.attempt]).toEqual([id, message.attempts]);
      expect(message.attempts).toBeLessThanOrEqual(this.maxAttempts);
      const text = popped[i]?.receiptHandle ?? '';
      message.handles.unshift({ text, delivery: message.delivery });
    }
  }

  /** All earlier ones of the message group are finished or in the same answer before it; none is held. */
  private checkTurn(message: ModelMessage, inAnswer: ReadonlySet<string>): void {
    const others = this.open.filter(
      (other) => other !== message && other.messageGroup === message.messageGroup,
    );
    const at = this.messages.indexOf(message);
    for (const other of others.filter(({ id }) => !inAnswer.has(id))) {
      expect([message.id, other.id, this.messages.indexOf(other) > at]).toEqual([
        message.id,
        other.id,
        true,
      ]);
      expect([message.id, other.id, this.held(other)]).toEqual([message.id, other.id, false]);
    }
  }

  private async use(step: Step & { readonly which: number; readonly old: number }): Promise<void> {
    const known = this.messages.filter(({ handles }) => handles.length > 0);
    const message = known[step.which % known.length];
    if (message === undefined) return;
    if (step.kind === 'ack') return this.ack(message, step.old);
    if (step.kind === 'forward') return this.forward(message, step.old);
    if (step.kind === 'change') return this.change(message, step.old, step.ms, step.suspend);
  }

  private handleOf(message: ModelMessage, old: number): { handle: Handle; current: boolean } {
    const handle = message.handles[Math.min(old, message.handles.length - 1)];
    if (handle === undefined) throw new Error(`${message.id} has no handle`);
    return { handle, current: handle.delivery === message.delivery };
  }

  private async ack(message: ModelMessage, old: number): Promise<void> {
    const { handle, current } = this.handleOf(message, old);
    const entries = [{ receiptHandle: handle.text, messageId: message.id }];
    const [status] = await this.bench.drive(this.bench.broker.ack({ ...names, entries }));
    const valid = message.state === 'acked' || (message.state === 'open' && current);
    expect([message.id, status?.code]).toEqual([
      message.id,
      valid ? Code.OK : Code.INVALID_RECEIPT_HANDLE,
    ]);
    if (valid) message.state = 'acked';
  }

  private async forward(message: ModelMessage, old: number): Promise<void> {
    const { handle, current } = this.handleOf(message, old);
    const request = { ...names, receiptHandle: handle.text, messageId: message.id };
    const code = await this.codeOf(this.bench.broker.forwardToDeadLetterQueue(request));
    const valid = message.state === 'dead' || (message.state === 'open' && current);
    expect([message.id, code]).toEqual([message.id, valid ? Code.OK : Code.INVALID_RECEIPT_HANDLE]);
    if (valid) message.state = 'dead';
  }

  private async change(
    message: ModelMessage,
    old: number,
    invisibleMs: number,
    suspend: boolean,
  ): Promise<void> {
    const { handle, current } = this.handleOf(message, old);
    const request = { ...names, receiptHandle: handle.text, messageId: message.id };
    let renewed = '';
    const changing = this.bench.broker.changeInvisible({ ...request, invisibleMs, suspend });
    const code = await this.codeOf(changing.then((text) => void (renewed = text)));
    const valid = message.state === 'open' && current;
    expect([message.id, code]).toEqual([message.id, valid ? Code.OK : Code.INVALID_RECEIPT_HANDLE]);
    if (!valid) return;
    message.delivery++;
    message.dueMs = this.nowMs + Math.max(1, invisibleMs);
    if (suspend && !message.suspended) message.attempts--;
    message.suspended ||= suspend;
    message.handles.unshift({ text: renewed, delivery: message.delivery });
  }

  private async codeOf(call: Promise<void>): Promise<number> {
    return this.bench.drive(call).then(
      () => Code.OK,
      (error: unknown) => toStatusError(error).code,
    );
  }
}

describe('delivery, against a model', () => {
  it.each([
    ['FIFO', true],
    ['not FIFO', false],
  ])(
    `holds in random sequences: %s group, seed ${SEED}`,
    async (_name, fifo) => {
      await fc.assert(
        fc.asyncProperty(
          fc.array(step, { minLength: 5, maxLength: 60 }),
          fc.constantFrom(1, 2, 4),
          async (steps, maxAttempts) => {
            const run = await Run.open(fifo, maxAttempts);
            for (const one of steps) await run.take(one);
            await run.finish();
          },
        ),
        { seed: SEED, numRuns: RUNS },
      );
    },
    LIMIT_MS,
  );
});
