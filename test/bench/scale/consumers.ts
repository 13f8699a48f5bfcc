/** A group of 1,000 consumers: what each of their calls costs. */
import type { PublicClient } from '../../support/public-client';
import { cpuUs, held, mean, type Report } from './measure';
import { inBatches, ScaleBroker } from './scale-broker';
import { answered, expectOk, nextTurn, ScaleProxy } from './scale-proxy';

const SMALL = 10;
const LARGE = 1000;
const ROUNDS = 6;
const ROUND = 2000;
const LIMIT = 1.5;
/** Messages that the group does not acknowledge meanwhile. */
const UNFINISHED = 100_000;

interface Costs {
  readonly heartbeat: number[];
  readonly receive: number[];
  readonly ack: number[];
  readonly leave: number[];
}

const NAMES = {
  heartbeat: 'Heartbeat',
  receive: 'ReceiveMessage of one message',
  ack: 'AckMessage',
  leave: 'a consumer leaves that holds a message, and comes again',
};

export async function consumers(report: Report): Promise<void> {
  const proxy = await ScaleProxy.open(new ScaleBroker());
  try {
    const group = new Consumers(proxy);
    await proxy.send(UNFINISHED);
    await proxy.scale.pop('g', 't', UNFINISHED, { clientId: 'keeper' });
    await group.grow(SMALL);
    await group.rounds(1);
    const before = held();
    const small = await group.rounds(ROUNDS);
    await group.grow(LARGE);
    const after = held();
    const large = await group.rounds(ROUNDS);
    for (const kind of ['heartbeat', 'receive', 'ack', 'leave'] as const) {
      report.cost(NAMES[kind], mean(small[kind]), mean(large[kind]), LIMIT);
    }
    report.memory('1,000 consumers with their streams', LARGE - SMALL, before, after);
  } finally {
    await proxy.close();
  }
}

class Consumers {
  private readonly clients: PublicClient[] = [];
  private next = 0;

  constructor(private readonly proxy: ScaleProxy) {}

  async grow(to: number): Promise<void> {
    while (this.clients.length < to) {
      const client = this.proxy.client(`consumer-${this.clients.length}`);
      await this.proxy.settle(client);
      this.clients.push(client);
    }
  }

  async rounds(rounds: number): Promise<Costs> {
    const costs: Costs = { heartbeat: [], receive: [], ack: [], leave: [] };
    for (let round = 0; round < rounds; round++) {
      this.proxy.sim.advance(10_000);
      costs.heartbeat.push(await this.each(ROUND, (client) => this.heartbeat(client)));
      await this.proxy.send(ROUND + LEAVING);
      const finish: (() => Promise<void>)[] = [];
      costs.receive.push(
        await this.each(ROUND, async (client) => {
          const receive = this.proxy.receive(client);
          await answered(receive);
          finish.push(() => this.proxy.ack(client, receive));
        }),
      );
      costs.ack.push(await cpuUs(ROUND, () => inBatches(0, ROUND, async (i) => finish[i]?.())));
      costs.leave.push(await this.each(LEAVING, (client) => this.leave(client)));
      await this.tidy();
    }
    return costs;
  }

  private each(count: number, call: (client: PublicClient) => Promise<void>): Promise<number> {
    const { clients } = this;
    return cpuUs(count, () =>
      inBatches(
        0,
        count,
        async () => {
          const client = clients[this.next++ % clients.length];
          if (client !== undefined) await call(client);
        },
        8,
      ),
    );
  }

  private async heartbeat(client: PublicClient): Promise<void> {
    expectOk(await client.status('Heartbeat', { group: { name: 'g' }, client_type: 3 }));
  }

  private async leave(client: PublicClient): Promise<void> {
    await answered(this.proxy.receive(client));
    expectOk(await client.status('NotifyClientTermination', { group: { name: 'g' } }));
    await this.proxy.settle(client);
  }

  /** What was given back comes again, and is finished. */
  private async tidy(): Promise<void> {
    this.proxy.sim.advance(1100);
    await nextTurn();
    const messages = await this.proxy.scale.pop('g', 't', LEAVING, { maxMessages: 1 });
    await this.proxy.scale.ack(
      'g',
      't',
      messages.map(({ receiptHandle }) => receiptHandle),
    );
  }
}

/** Consumers that leave in a round. */
const LEAVING = 200;
