/** Receives that wait: what one more costs, and one that is served, when 5,000 do. */
import type { Receive } from '../../support/public-client';
import { cpuUs, held, mean, type Report } from './measure';
import { ScaleBroker } from './scale-broker';
import { answered, nextTurn, ScaleProxy } from './scale-proxy';

const SMALL = 50;
const LARGE = 5000;
const ROUNDS = 8;
const TURNS = 40;
const AT_ONCE = 25;
const LIMIT = 1.5;

export async function polls(report: Report): Promise<void> {
  const proxy = await ScaleProxy.open(new ScaleBroker());
  try {
    const waiting = new Waiting(proxy);
    await waiting.grow(SMALL);
    await waiting.served();
    const before = held();
    const first = await waiting.served();
    await waiting.grow(LARGE);
    const after = held();
    const large = await waiting.served();
    const ended = await waiting.end(LARGE - SMALL);
    const last = await waiting.served();
    report.cost(
      'a message sent, and received by one who waits',
      mean([...first, ...last]),
      mean(large),
      LIMIT,
    );
    report.cost('a receive whose time is over', await waiting.cycle(SMALL), ended, LIMIT);
    report.memory('5,000 waiting receives of as many clients', LARGE - SMALL, before, after);
  } finally {
    await proxy.close();
  }
}

/** Keeps a number of receives waiting, each of another client. */
class Waiting {
  private readonly open: Receive[] = [];
  private clients = 0;

  constructor(private readonly proxy: ScaleProxy) {}

  async grow(to: number): Promise<void> {
    while (this.open.length < to) {
      const client = this.proxy.client(`client-${this.clients++}`);
      this.open.push(this.proxy.receive(client));
    }
    for (let i = 0; i < 20; i++) await nextTurn();
  }

  /** The oldest ones are served while as many new ones come. */
  async served(): Promise<number[]> {
    const costs: number[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      const work = async (): Promise<void> => {
        for (let turn = 0; turn < TURNS; turn++) await this.turn();
      };
      costs.push(await cpuUs(TURNS * AT_ONCE, work));
    }
    return costs;
  }

  /** Ends so many by time; answers what that costs each. */
  async end(count: number): Promise<number> {
    const receives = this.open.splice(0);
    const us = await cpuUs(receives.length, async () => {
      this.proxy.sim.advance(20_000);
      await Promise.all(receives.map(answered));
    });
    await this.grow(receives.length - count);
    return us;
  }

  /** As `end`, of few: often, since each takes no time. */
  async cycle(count: number): Promise<number> {
    const costs: number[] = [];
    for (let i = 0; i < LARGE / count; i++) costs.push(await this.end(0));
    return mean(costs);
  }

  private async turn(): Promise<void> {
    await this.grow(this.open.length + AT_ONCE);
    const oldest = this.open.splice(0, AT_ONCE);
    await this.proxy.send(AT_ONCE);
    await Promise.all(oldest.map(answered));
    if (oldest.some(({ messages }) => messages.length !== 1)) {
      throw new Error('one that waited got another number of messages than one');
    }
  }
}
