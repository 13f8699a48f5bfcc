import { BrokerUnreachableError } from '../../../src/api/broker-unreachable';
import { Code, StatusError } from '../../../src/message/status';
import { DEFAULT_PROXY_SETTINGS } from '../../../src/proxy/settings';
import { ModelCluster } from '../../support/model-cluster';
import { message, PublicClient, receiveRequest } from '../../support/public-client';

const { firstMs, longestMs, probeMs, slowMs, slowAnswers } = DEFAULT_PROXY_SETTINGS.health;
const unreachable = new BrokerUnreachableError('broker-a');
const noAnswer = new StatusError(Code.PROXY_TIMEOUT, 'no answer');

class Scene {
  readonly cluster = new ModelCluster({}, ['broker-a', 'broker-b']);
  readonly client = new PublicClient(this.cluster);
  readonly a = this.cluster.broker('broker-a');
  readonly b = this.cluster.broker('broker-b');
  private ids = 0;

  constructor() {
    this.cluster.topic('t', 'NORMAL', 4);
  }

  /** Sends `count` messages one after the other; answers their codes. */
  async send(count: number): Promise<number[]> {
    const codes: number[] = [];
    for (let i = 0; i < count; i++) {
      const sent = message('t', `id-${this.ids++}`);
      codes.push((await this.client.status('SendMessage', { messages: [sent] })).code);
    }
    return codes;
  }

  /** How many of `count` messages went to each broker. */
  async spread(count = 20): Promise<{ a: number; b: number }> {
    const before = { a: this.a.sends.length, b: this.b.sends.length };
    expect(await this.send(count)).toEqual(new Array<number>(count).fill(Code.OK));
    return { a: this.a.sends.length - before.a, b: this.b.sends.length - before.b };
  }

  /** A receive that leaves the broker to the proxy. */
  receiveAnywhere(): void {
    const message_queue = { topic: { name: 't' } };
    this.client.receive(receiveRequest('g', 't', { message_queue }));
  }

  /** Has broker-a fail once, and mends it. */
  async failOnce(error: Error): Promise<void> {
    this.a.failure = error;
    await this.send(20);
    this.a.failure = undefined;
  }
}

describe('a broker that is not reachable', () => {
  it('is left out of sends, and another takes them', async () => {
    const scene = new Scene();
    scene.a.failure = unreachable;
    expect(await scene.spread()).toEqual({ a: 0, b: 20 });
    scene.a.failure = undefined;
    expect(await scene.spread()).toEqual({ a: 0, b: 20 });
  });

  it('is chosen again when a probe succeeds after its time, not before', async () => {
    const scene = new Scene();
    await scene.failOnce(unreachable);
    await scene.cluster.sim.advance(firstMs - 1);
    expect(scene.a.probes).toBe(0);
    expect((await scene.spread()).a).toBe(0);
    await scene.cluster.sim.advance(1);
    expect(scene.a.probes).toBe(1);
    expect((await scene.spread()).a).toBeGreaterThan(0);
  });

  it('is left out twice as long after each probe that fails, up to five minutes', async () => {
    const scene = new Scene();
    scene.a.failure = unreachable;
    await scene.send(20);
    const atMs: number[] = [];
    const { clock } = scene.cluster.sim;
    const probe = scene.a.probe.bind(scene.a);
    scene.a.probe = () => {
      atMs.push(clock.monotonicMs());
      return probe();
    };
    const beganMs = clock.monotonicMs();
    await scene.cluster.sim.advance(1_500_000);
    const waits = atMs.map((ms, i) => ms - (atMs[i - 1] ?? beganMs));
    expect(waits.slice(0, 4)).toEqual([firstMs, 2 * firstMs, 4 * firstMs, 8 * firstMs]);
    expect(waits.slice(-2)).toEqual([longestMs, longestMs]);
    expect(Math.max(...waits)).toBe(300_000);
    expect((await scene.spread()).a).toBe(0);
  });

  it('is left out for longer when it fails again soon, and for the first time after a while', async () => {
    const scene = new Scene();
    await scene.failOnce(unreachable);
    await scene.cluster.sim.advance(firstMs);
    await scene.failOnce(unreachable);
    await scene.cluster.sim.advance(2 * firstMs - 1);
    expect(scene.a.probes).toBe(1);
    await scene.cluster.sim.advance(60_000);
    expect(scene.a.probes).toBe(2);
    await scene.failOnce(unreachable);
    await scene.cluster.sim.advance(firstMs);
    expect(scene.a.probes).toBe(3);
  });

  it('is chosen at once when it has started anew', async () => {
    const scene = new Scene();
    await scene.failOnce(unreachable);
    scene.cluster.epoch++;
    scene.cluster.announce();
    expect((await scene.spread()).a).toBeGreaterThan(0);
    await scene.cluster.sim.advance(longestMs);
    expect(scene.a.probes).toBe(0);
  });

  it('is not asked when it has left the routes', async () => {
    const scene = new Scene();
    await scene.failOnce(unreachable);
    scene.cluster.absent.add('broker-a');
    scene.cluster.announce();
    await scene.cluster.sim.advance(longestMs);
    expect(scene.a.probes).toBe(0);
  });

  it('is used all the same when there is no other', async () => {
    const scene = new Scene();
    await scene.failOnce(unreachable);
    scene.b.failure = unreachable;
    await scene.send(1);
    scene.b.failure = undefined;
    expect(await scene.spread()).toEqual({
      a: expect.any(Number) as number,
      b: expect.any(Number) as number,
    });
    expect(scene.a.sends.length).toBeGreaterThan(0);
  });

  it('is passed over by receives that ask for no broker, and not by those that ask for it', async () => {
    const scene = new Scene();
    await scene.failOnce(unreachable);
    for (let i = 0; i < 4; i++) scene.receiveAnywhere();
    await scene.cluster.sim.settle();
    expect([scene.a.pops.length, scene.b.pops.length]).toEqual([0, 4]);
    const asked = { topic: { name: 't' }, broker: { name: 'broker-a' } };
    scene.client.receive(receiveRequest('g', 't', { message_queue: asked }));
    await scene.cluster.sim.settle();
    expect(scene.a.pops).toHaveLength(1);
  });

  it('is found out by receives, too', async () => {
    const scene = new Scene();
    scene.a.failure = unreachable;
    for (let i = 0; i < 2; i++) scene.receiveAnywhere();
    await scene.cluster.sim.settle();
    scene.a.failure = undefined;
    expect(await scene.spread()).toEqual({ a: 0, b: 20 });
  });
});

describe('a broker that does not answer', () => {
  it('is left out of later sends, and the send that it may have stored is not repeated elsewhere', async () => {
    const scene = new Scene();
    scene.a.failure = noAnswer;
    const codes = await scene.send(20);
    expect(codes.filter((code) => code === Code.PROXY_TIMEOUT)).toHaveLength(1);
    expect(scene.b.sends).toHaveLength(19);
  });

  it('to a probe either is left out for longer', async () => {
    const scene = new Scene();
    await scene.failOnce(noAnswer);
    scene.a.probe = () => new Promise(() => undefined);
    await scene.cluster.sim.advance(firstMs + probeMs);
    scene.a.probe = () => Promise.resolve();
    await scene.cluster.sim.advance(2 * firstMs - 1);
    expect((await scene.spread()).a).toBe(0);
    await scene.cluster.sim.advance(1);
    expect((await scene.spread()).a).toBeGreaterThan(0);
  });

  it('gets no other broker for a message group', async () => {
    const scene = new Scene();
    scene.cluster.topic('fifo', 'FIFO', 4);
    scene.a.failure = unreachable;
    const groups = Array.from({ length: 16 }, (_, i) => `group-${i}`);
    const sending = groups.map((group) => {
      const sent = message('fifo', `of ${group}`, { message_group: group, message_type: 2 });
      return scene.client.status('SendMessage', { messages: [sent] }, { timeoutMs: 3000 });
    });
    await scene.cluster.sim.advance(3000);
    const codes = (await Promise.all(sending)).map(({ code }) => code);
    const refused = codes.filter((code) => code === Code.PROXY_TIMEOUT).length;
    expect(refused).toBeGreaterThan(0);
    expect(scene.b.sends).toHaveLength(16 - refused);
  });
});

describe('a broker that answers slowly', () => {
  /** Sends one message to broker-a that is stored after `ms`. */
  async function sendSlowly(scene: Scene, ms: number): Promise<void> {
    scene.a.sendGate = new Promise((resolve) => scene.cluster.sim.timers.after(ms, resolve));
    const sends = Promise.all(
      Array.from({ length: 8 }, (_, i) =>
        scene.client.status('SendMessage', { messages: [message('t', `slow-${ms}-${i}`)] }),
      ),
    );
    await scene.cluster.sim.advance(ms);
    await sends;
    scene.a.sendGate = Promise.resolve();
  }

  it(`is left out after ${slowAnswers} answers over ${slowMs} ms`, async () => {
    const scene = new Scene();
    await sendSlowly(scene, slowMs + 1);
    expect(scene.a.sends.length).toBeGreaterThanOrEqual(slowAnswers);
    expect((await scene.spread()).a).toBe(0);
    await scene.cluster.sim.advance(firstMs);
    expect((await scene.spread()).a).toBeGreaterThan(0);
  });

  it('is kept while its answers come in time', async () => {
    const scene = new Scene();
    await sendSlowly(scene, slowMs);
    expect((await scene.spread()).a).toBeGreaterThan(0);
  });
});

describe('a broker that fails otherwise', () => {
  it('is asked at once, and stays when it takes messages', async () => {
    const scene = new Scene();
    scene.a.probe = () => {
      scene.a.probes++;
      return Promise.resolve();
    };
    await scene.failOnce(new Error('one message is not liked'));
    expect(scene.a.probes).toBeGreaterThan(0);
    expect((await scene.spread()).a).toBeGreaterThan(0);
  });

  it('is left out when it takes none', async () => {
    const scene = new Scene();
    await scene.failOnce(new Error('the store is read-only'));
    await scene.cluster.sim.settle();
    expect(await scene.spread()).toEqual({ a: 0, b: 20 });
  });

  it('stays when it only asks for less', async () => {
    const scene = new Scene();
    await scene.failOnce(new StatusError(Code.TOO_MANY_REQUESTS, 'tail is full'));
    expect((await scene.spread()).a).toBeGreaterThan(0);
    expect(scene.a.probes).toBe(0);
  });
});
