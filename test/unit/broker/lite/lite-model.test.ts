/**
 * Random subscriptions, sends, receives, acknowledgements, restarts and kills against a small model of lite topics.
 * More runs: LITE_RUNS; another sequence: LITE_SEED.
 */
import fc from 'fast-check';
import { Code } from '../../../../src/message/status';
import type { PoppedMessage } from '../../../../src/api/broker-api';
import { LiteBench } from '../../../support/lite-bench';
import { idsOf } from '../../../support/test-broker';

const RUNS = Number(process.env['LITE_RUNS'] ?? 40);
const SEED = Number(process.env['LITE_SEED'] ?? 1);
const LIMIT_MS = 20_000 + RUNS * 500;
const INVISIBLE_MS = 10_000;
/** What is due within this may be there or not. */
const SLACK_MS = 60;
const NAMES = ['a', 'b', 'c', 'd', 'e'] as const;
const CLIENTS = ['one', 'two', 'three'] as const;

type Step =
  | { readonly kind: 'send'; readonly name: string }
  | {
      readonly kind: 'add' | 'remove' | 'set';
      readonly client: string;
      readonly names: readonly string[];
    }
  | { readonly kind: 'receive'; readonly client: string; readonly max: number }
  | { readonly kind: 'ack'; readonly which: number }
  | { readonly kind: 'advance'; readonly ms: number }
  | { readonly kind: 'gone'; readonly client: string }
  | { readonly kind: 'restart' | 'kill' };

const client = fc.constantFrom(...CLIENTS);
const names = fc.uniqueArray(fc.constantFrom(...NAMES), { maxLength: 4 });
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({ kind: fc.constant('send'), name: fc.constantFrom(...NAMES) }),
  },
  {
    weight: 5,
    arbitrary: fc.record({ kind: fc.constantFrom('add', 'remove', 'set'), client, names }),
  },
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('receive'),
      client,
      max: fc.integer({ min: 1, max: 4 }),
    }),
  },
  { weight: 5, arbitrary: fc.record({ kind: fc.constant('ack'), which: fc.nat(1000) }) },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant('advance'), ms: fc.constantFrom(1000, 4000, 11_000) }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('gone'), client }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constantFrom('restart', 'kill') }) },
);

interface Held {
  readonly message: PoppedMessage;
  readonly dueMs: number;
}

/** One lite topic, as the group should see it. */
class ModelLite {
  /** Messages from the group's beginning on that are not acknowledged; `undefined` before it began. */
  open: string[] | undefined;
  readonly held = new Map<string, Held>();

  /** Whether a message is surely with a consumer. */
  isHeld(nowMs: number): boolean {
    return [...this.held.values()].some(({ dueMs }) => dueMs > nowMs + SLACK_MS);
  }

  /** Whether the next message can surely be received. */
  isReady(nowMs: number): boolean {
    const due = [...this.held.values()].every(({ dueMs }) => dueMs < nowMs - SLACK_MS);
    return due && (this.open?.length ?? 0) > 0;
  }
}

class Model {
  private readonly lites = new Map<string, ModelLite>(NAMES.map((name) => [name, new ModelLite()]));
  private readonly wishes = new Map<string, Set<string>>();
  private sent = 0;

  constructor(private readonly bench: LiteBench) {}

  async run(step: Step): Promise<void> {
    switch (step.kind) {
      case 'send': {
        const id = `${step.name}-${this.sent++}`;
        await this.bench.sendLite(id);
        this.lite(step.name).open?.push(id);
        break;
      }
      case 'add':
        await this.bench.add(step.client, step.names);
        this.wish(step.client, new Set([...this.wished(step.client), ...step.names]));
        break;
      case 'remove':
        await this.bench.sync(step.client, 'remove', step.names);
        for (const name of step.names) this.wished(step.client).delete(name);
        break;
      case 'set':
        await this.bench.sync(step.client, 'set', step.names);
        this.wish(step.client, new Set(step.names));
        break;
      case 'receive':
        await this.receive(step.client, step.max);
        break;
      case 'ack':
        await this.ack(step.which);
        break;
      case 'advance':
        await this.bench.sim.advance(step.ms);
        break;
      case 'gone':
        await this.bench.drive(this.bench.broker.clientGone(step.client));
        this.released(step.client);
        break;
      case 'restart':
      case 'kill':
        await this.bench[step.kind]();
        this.wishes.clear();
        break;
    }
  }

  /** All that the group should get comes, and nothing else. */
  async drain(): Promise<void> {
    await this.bench.sync('last', 'set', NAMES);
    this.wish('last', new Set(NAMES));
    await this.bench.sim.advance(INVISIBLE_MS + 2000);
    for (let i = 0; i < 500 && this.unfinished > 0; i++) {
      await this.receive('last', 4);
      for (let held = this.allHeld.length; held > 0; held--) await this.ack(0);
    }
    expect(this.unfinished).toBe(0);
    expect(await this.bench.receive('last')).toEqual([]);
  }

  private async receive(clientId: string, max: number): Promise<void> {
    const result = await this.bench.receive(clientId, { maxMessages: max });
    const nowMs = this.bench.sim.clock.wallMs();
    const ids = idsOf(result);
    const wished = this.wished(clientId);
    for (const name of NAMES) {
      const lite = this.lite(name);
      const own = ids.filter((id) => id.startsWith(name));
      if (own.length === 0) continue;
      expect([...wished]).toContain(name);
      expect(lite.isHeld(nowMs)).toBe(false);
      expect(own).toEqual(lite.open?.slice(0, own.length));
    }
    const ready = [...wished].some((name) => this.lite(name).isReady(nowMs));
    if (ready) expect(ids).not.toEqual([]);
    result.forEach((message, i) => {
      const id = ids[i] ?? '';
      const held = { message, dueMs: nowMs + INVISIBLE_MS, clientId };
      this.lite(id.slice(0, 1)).held.set(id, held);
      this.holders.set(id, clientId);
    });
  }

  private async ack(which: number): Promise<void> {
    const all = this.allHeld;
    const [id, { message }] = all[which % all.length] ?? ['', { message: undefined }];
    if (message === undefined) return;
    expect(await this.bench.ack([message])).toEqual([Code.OK]);
    const lite = this.lite(id.slice(0, 1));
    lite.held.delete(id);
    lite.open = lite.open?.filter((other) => other !== id);
  }

  private readonly holders = new Map<string, string>();

  /** A client that leaves gives back what it has: it comes again after a second. */
  private released(clientId: string): void {
    this.wishes.delete(clientId);
    const dueMs = this.bench.sim.clock.wallMs() + 1000;
    for (const { held } of this.lites.values()) {
      for (const [id, one] of held) {
        const isDue = one.dueMs < dueMs;
        if (this.holders.get(id) === clientId && !isDue) held.set(id, { ...one, dueMs });
      }
    }
  }

  private get allHeld(): [string, Held][] {
    return [...this.lites.values()].flatMap(({ held }) => [...held]);
  }

  private get unfinished(): number {
    return [...this.lites.values()].reduce((sum, { open }) => sum + (open?.length ?? 0), 0);
  }

  private lite(name: string): ModelLite {
    const lite = this.lites.get(name);
    if (lite === undefined) throw new Error(`no lite topic ${name}`);
    return lite;
  }

  private wished(clientId: string): Set<string> {
    return this.wishes.get(clientId) ?? new Set();
  }

  private wish(clientId: string, wished: Set<string>): void {
    this.wishes.set(clientId, wished);
    for (const name of wished) this.lite(name).open ??= [];
  }
}

it(
  'lite topics come to those who ask for them, in order, and nothing is lost',
  async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 20, maxLength: 60 }), async (steps) => {
        const bench = await LiteBench.ready();
        const model = new Model(bench);
        for (const one of steps) await model.run(one);
        await model.drain();
      }),
      { numRuns: RUNS, seed: SEED },
    );
  },
  LIMIT_MS,
);
