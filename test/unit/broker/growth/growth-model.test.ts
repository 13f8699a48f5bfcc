// long: the steps and the model that they are compared with.
/**
 * Random sends through two proxies whose routes may be old, receives, acknowledgements, crashes, growth over three
 * brokers, and brokers that are drained, leave and come back, against a small model: what a message group may be
 * given next. More runs: GROWTH_RUNS; another sequence: GROWTH_SEED.
 */
import fc from 'fast-check';
import type { PopResult } from '../../../../src/api/broker-api';
import { Code } from '../../../../src/message/status';
import { never } from '../../../support/broker-bench';
import { GrowingCluster, type ClusterProxy } from '../../../support/growing-cluster';
import { groupConfig } from '../../../support/model-broker';
import { message } from '../../../support/public-client';
import { idsOf, popRequest } from '../../../support/test-broker';

const RUNS = Number(process.env['GROWTH_RUNS'] ?? 100);
const SEED = Number(process.env['GROWTH_SEED'] ?? 1);
const LIMIT_MS = 20_000 + RUNS * 1000;
const BROKERS = ['a', 'b', 'c'];
const LETTERS = ['p', 'q', 'r', 's', 't', 'u'];
const MAX_QUEUES = 4;
const INVISIBLE_MS = 10_000;

type Step =
  | { readonly kind: 'send'; readonly letter: string; readonly proxy: number }
  | { readonly kind: 'receive'; readonly broker: string; readonly max: number }
  | { readonly kind: 'ack'; readonly which: number }
  | { readonly kind: 'advance'; readonly ms: number }
  | {
      readonly kind: 'grow';
      readonly more: number;
      readonly broker: string;
      readonly proxy: number;
    }
  | {
      readonly kind: 'drain' | 'undo' | 'leave';
      readonly broker: string;
      readonly proxy: number;
    }
  | { readonly kind: 'hold' | 'release'; readonly proxy: number }
  | {
      readonly kind: 'kill' | 'restart' | 'start' | 'deafen' | 'tell';
      readonly broker: string;
    };

const broker = fc.constantFrom(...BROKERS);
const proxy = fc.nat({ max: 1 });
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      kind: fc.constant('send' as const),
      letter: fc.constantFrom(...LETTERS),
      proxy,
    }),
  },
  {
    weight: 7,
    arbitrary: fc.record({
      kind: fc.constant('receive' as const),
      broker,
      max: fc.integer({ min: 1, max: 6 }),
    }),
  },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('ack' as const), which: fc.nat(5) }) },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('advance' as const),
      ms: fc.constantFrom(50, 2000, 11_000),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('grow' as const),
      more: fc.nat({ max: 1 }),
      ...{ broker, proxy },
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constantFrom('drain' as const, 'undo' as const, 'leave' as const),
      ...{ broker, proxy },
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constantFrom('hold' as const, 'release' as const), proxy }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constantFrom(
        ...(['kill', 'restart', 'start', 'start', 'deafen', 'deafen', 'tell'] as const),
      ),
      broker,
    }),
  },
);

interface Sent {
  readonly id: string;
  readonly letter: string;
  acked: boolean;
}

interface Delivery {
  readonly broker: string;
  readonly result: PopResult;
}

/** The brokers and proxies under test beside what was sent and finished. */
class Run {
  private readonly cluster = new GrowingCluster();
  private readonly proxies: ClusterProxy[] = [];
  private readonly messages: Sent[] = [];
  private held: Delivery[] = [];
  private queues = 1;
  private nth = 0;

  static async open(): Promise<Run> {
    const run = new Run();
    for (const name of BROKERS) await run.cluster.start(name);
    for (let i = 0; i < 2; i++) run.proxies.push(run.cluster.proxy());
    const { admin } = run.proxy(0).proxy;
    await run.drive(admin.putTopic({ name: 't', type: 'FIFO', queues: 1 }, ['a']));
    await run.drive(admin.putGroup(groupConfig('g', { fifo: true, maxAttempts: 1000 })));
    await run.cluster.bench('a').subscribe('g', 't');
    return run;
  }

  async take(step: Step): Promise<void> {
    const { cluster } = this;
    switch (step.kind) {
      case 'send':
        return this.send(step.letter, this.proxy(step.proxy));
      case 'receive':
        return this.receive(step.broker, step.max, 0);
      case 'ack':
        return this.ack(step.which);
      case 'advance':
        return cluster.sim.advance(step.ms);
      case 'grow':
        return this.grow(step.more, step.broker, this.proxy(step.proxy));
      case 'drain':
      case 'undo':
      case 'leave':
        return this.changeMember(step.kind, step.broker, this.proxy(step.proxy));
      case 'hold':
        return this.proxy(step.proxy).routes.hold();
      case 'release':
        return this.proxy(step.proxy).routes.release();
      case 'kill':
        if (cluster.isUp(step.broker)) await cluster.kill(step.broker);
        return;
      case 'restart':
        if (!cluster.isUp(step.broker)) return;
        await cluster.stop(step.broker);
        await cluster.start(step.broker);
        return;
      case 'deafen':
      case 'tell':
        return cluster.setDeaf(step.broker, step.kind === 'deafen');
      case 'start':
        if (!cluster.isUp(step.broker)) await cluster.start(step.broker);
        return;
    }
  }

  /** With all brokers there and all routes known, everything is finished, and writes go on. */
  async finish(): Promise<void> {
    for (const { routes } of this.proxies) routes.release();
    for (const name of BROKERS) this.cluster.setDeaf(name, false);
    for (const name of BROKERS) if (!this.cluster.isUp(name)) await this.cluster.start(name);
    await this.cluster.sim.advance(2000);
    for (const letter of LETTERS) {
      for (const by of this.proxies) expect(await this.sent(letter, by)).toBe(Code.OK);
    }
    for (let round = 0; round < 300 && this.messages.some(({ acked }) => !acked); round++) {
      for (const name of BROKERS) await this.receive(name, 32, 500);
      while (this.held.length > 0) await this.ack(0);
    }
    expect(this.messages.filter(({ acked }) => !acked)).toEqual([]);
    await this.cluster.close();
  }

  private proxy(index: number): ClusterProxy {
    const proxy = this.proxies[index];
    if (proxy === undefined) throw new Error(`no proxy ${index}`);
    return proxy;
  }

  private drive<T>(promise: Promise<T>): Promise<T> {
    return this.cluster.bench('a').drive(promise);
  }

  /** Moves the time on until a promise has settled. */
  private async wait<T>(promise: Promise<T>): Promise<T> {
    let settled = false;
    const done = promise.finally(() => (settled = true));
    done.catch(() => undefined);
    await this.cluster.sim.settle();
    for (let i = 0; i < 400 && !settled; i++) await this.cluster.sim.advance(250);
    if (!settled) throw new Error('still waiting');
    return done;
  }

  private async send(letter: string, by: ClusterProxy): Promise<void> {
    const code = await this.sent(letter, by);
    expect([Code.OK, Code.PROXY_TIMEOUT, Code.TOPIC_NOT_FOUND]).toContain(code);
  }

  private async sent(letter: string, by: ClusterProxy): Promise<number> {
    const id = `${letter}${this.nth++}`;
    const messages = [message('t', id, { message_group: letter })];
    const { code } = await this.wait(by.client.status('SendMessage', { messages }));
    if (code === Code.OK) this.messages.push({ id, letter, acked: false });
    return code;
  }

  private async grow(more: number, name: string, by: ClusterProxy): Promise<void> {
    const queues = Math.min(MAX_QUEUES, this.queues + more);
    const config = { name: 't', type: 'FIFO', queues } as const;
    const put = by.proxy.admin.putTopic(config, ['a', name]);
    // Refused while a broker is away, or with an old route; then nothing has changed, or it is followed up.
    await this.wait(put.then(() => (this.queues = queues)).catch(() => undefined));
  }

  /** Refused while brokers are away, where nothing else takes messages, or with messages that are not finished. */
  private async changeMember(
    kind: 'drain' | 'undo' | 'leave',
    name: string,
    { proxy: { admin } }: ClusterProxy,
  ): Promise<void> {
    const asked = { broker: name, dryRun: false };
    const done: Promise<unknown> =
      kind === 'leave'
        ? admin.leaveBroker({ ...asked, force: false })
        : admin.drainBroker({ ...asked, undo: kind === 'undo' });
    await this.wait(done.catch(() => undefined));
  }

  private async receive(name: string, maxMessages: number, pollMs: number): Promise<void> {
    const { cluster } = this;
    if (!cluster.isUp(name)) return;
    const { broker } = cluster.bench(name);
    const request = popRequest('g', 't', { maxMessages, pollMs, invisibleMs: INVISIBLE_MS });
    const topics = await this.drive(broker.listTopics());
    if (!topics.some((topic) => topic.name === 't')) return;
    const result = await this.wait(broker.pop(request, never));
    const inAnswer = new Set<string>();
    for (const id of idsOf(result)) {
      this.checkTurn(id, inAnswer);
      inAnswer.add(id);
    }
    if (result.length > 0) this.held.push({ broker: name, result });
  }

  /** All earlier ones of the message group are finished, or before it in the same answer. */
  private checkTurn(id: string, inAnswer: ReadonlySet<string>): void {
    const at = this.messages.findIndex((one) => one.id === id);
    const sent = this.messages[at];
    if (sent === undefined) throw new Error(`${id} was not stored`);
    expect([id, sent.acked]).toEqual([id, false]);
    const before = this.messages.slice(0, at).filter(({ letter }) => letter === sent.letter);
    const open = before.filter((one) => !one.acked && !inAnswer.has(one.id));
    expect([id, open.map((one) => one.id)]).toEqual([id, []]);
  }

  private async ack(which: number): Promise<void> {
    const [delivery] = this.held.splice(which % Math.max(1, this.held.length), 1);
    if (delivery === undefined || !this.cluster.isUp(delivery.broker)) return;
    const codes = await this.cluster.bench(delivery.broker).ack(delivery.result);
    for (const [i, id] of idsOf(delivery.result).entries()) {
      const sent = this.messages.find((one) => one.id === id);
      if (sent !== undefined && codes[i] === Code.OK) sent.acked = true;
    }
  }
}

/** What was found once. */
const EXAMPLES: readonly (readonly Step[])[] = [
  // A broker got queues in a generation that was not used, and fewer in the one that was.
  [
    { kind: 'hold', proxy: 1 },
    { kind: 'drain', broker: 'a', proxy: 0 },
    { kind: 'grow', more: 1, broker: 'c', proxy: 1 },
    { kind: 'undo', broker: 'a', proxy: 0 },
    { kind: 'send', letter: 'p', proxy: 0 },
    { kind: 'receive', broker: 'a', max: 1 },
    { kind: 'grow', more: 0, broker: 'a', proxy: 0 },
    { kind: 'drain', broker: 'a', proxy: 0 },
  ],
  // A broker was made a part of the topic, but was not reached.
  [
    { kind: 'grow', more: 1, broker: 'a', proxy: 0 },
    { kind: 'deafen', broker: 'b' },
    { kind: 'drain', broker: 'a', proxy: 0 },
    { kind: 'send', letter: 'p', proxy: 0 },
    { kind: 'hold', proxy: 0 },
    { kind: 'grow', more: 0, broker: 'a', proxy: 0 },
    { kind: 'send', letter: 'p', proxy: 0 },
  ],
];

describe('growth over brokers, against a model', () => {
  it(
    `keeps each message group in order, and loses nothing: seed ${SEED}, ${RUNS} runs`,
    async () => {
      const sequence = fc.array(step, { minLength: 10, maxLength: 80 });
      await fc.assert(
        fc.asyncProperty(sequence, async (steps) => {
          const run = await Run.open();
          for (const one of steps) await run.take(one);
          await run.finish();
        }),
        { seed: SEED, numRuns: RUNS, examples: EXAMPLES.map((steps) => [[...steps]]) },
      );
    },
    LIMIT_MS,
  );
});
