import { randomUUID } from 'node:crypto';
import type { ClientName } from '../../interop/support/driver-command';
import { scenarioSuite } from '../../interop/support/suite';
import { runGantry, startGantry, type GantryProcess } from '../../support/process';
import { Code, RawClient, type RawMessage } from '../../support/raw-client';
import { until } from '../../support/until';
import { BALANCERS, type BalancerName } from './balancer';
import { Load } from './load';
import { type BalancedCluster, startBehind } from './topology';

/** The scenarios of test/interop, with one client that knows only the balancer. */
export function clientSuite(name: BalancerName, client: ClientName): void {
  scenarioSuite(`two proxies behind ${name}`, client, () => startBehind(name));
}

const TOPIC = 'balanced';
const LARGE_GROUP = 'large-group';
const NOTICED_MS = 60_000;

/** What goes through a proxy. */
interface Flow {
  readonly inPerSecond: number;
  readonly outPerSecond: number;
}

/** A message of the group of large ones, if there is one now. */
async function receiveOne(client: RawClient): Promise<RawMessage | undefined> {
  const { queues } = await client.queryRoute(TOPIC);
  for (const queue of queues) {
    const wanted = { group: LARGE_GROUP, topic: TOPIC, queue, batchSize: 1, invisibleMs: 10_000 };
    const { messages } = await client.receive({ ...wanted, pollMs: 1000 });
    if (messages[0] !== undefined) return messages[0];
  }
  return undefined;
}

/** What a balancer does for proxies that come and go. */
export function balancerSuite(name: BalancerName): void {
  const { spreadsCalls, namesClients, asksHealth } = BALANCERS[name];

  describe(`two proxies behind ${name}`, () => {
    let cluster: BalancedCluster;
    let proxies: GantryProcess[] = [];

    beforeAll(async () => {
      cluster = await startBehind(name);
      proxies = [...cluster.proxies];
      await cluster.createTopic(TOPIC, 'NORMAL');
    });

    afterAll(async () => {
      await cluster.balancer.stop();
      await Promise.all(proxies.map((proxy) => proxy.kill()));
      await cluster.kill();
    });

    const client = (id: string): RawClient => new RawClient(cluster.balancer.endpoint, id, 20_000);
    const ask = async ({ endpoint }: GantryProcess, ...words: string[]): Promise<unknown> =>
      JSON.parse(await runGantry([...words, '-o', 'json', '--endpoint', endpoint]));
    const stats = async (proxy: GantryProcess): Promise<Flow> =>
      (await ask(proxy, 'proxy', 'stats')) as Flow;

    /** Whether some clients that come now, all at once, are served. */
    async function allServed(): Promise<boolean> {
      const { endpoint } = cluster.balancer;
      const clients = Array.from({ length: 20 }, (_, i) => new RawClient(endpoint, `new-${i}`));
      const sent = clients.map((one) => one.send(TOPIC, randomUUID(), Buffer.from('new')));
      const codes = await Promise.allSettled(sent);
      for (const one of clients) one.close();
      return codes.every((one) => one.status === 'fulfilled' && one.value.code === Code.OK);
    }

    /** New clients may fail until the balancer has noticed what became of a proxy; then they are served. */
    async function untilNoticed(): Promise<void> {
      await until('calls that do not fail', NOTICED_MS, async () =>
        (await allServed()) ? true : undefined,
      );
      for (let round = 0; round < 5; round++) expect(await allServed()).toBe(true);
    }

    async function untilUsed(index: number): Promise<void> {
      await until('calls through the proxy that is back', NOTICED_MS, async () => {
        const load = await Load.start([client('fresh')], TOPIC, 'fresh-group');
        const [back] = proxies.slice(index);
        const seen = back === undefined ? 0 : (await stats(back)).inPerSecond;
        expect(await load.stop()).toEqual([]);
        return seen > 0 ? true : undefined;
      });
    }

    /** Starts the proxy again where it was. */
    async function startAgain(index: number): Promise<void> {
      const { port, httpPort } = proxies[index] ?? {};
      const args = cluster.proxyFlags;
      proxies[index] = await startGantry('proxy', {
        args,
        ...(port !== undefined && { port }),
        ...(httpPort !== undefined && { httpPort }),
      });
    }

    it('passes on messages of 4 MiB, both ways', async () => {
      const large = client('large');
      const end = await large.subscribe(LARGE_GROUP, TOPIC);
      const body = Buffer.alloc(4 * 1024 * 1024, 'x');
      expect((await large.send(TOPIC, 'large-1', body)).code).toBe(Code.OK);
      const message = await until('the large message', NOTICED_MS, () => receiveOne(large));
      expect(message.body.equals(body)).toBe(true);
      expect((await large.ack(LARGE_GROUP, TOPIC, message)).code).toBe(Code.OK);
      end();
      large.close();
    });

    if (namesClients) {
      it('tells the proxies the client’s address', async () => {
        const known = client('known');
        const end = await known.subscribe('known-group', TOPIC);
        const addresses = proxies.map(async (proxy) => {
          const shown = await ask(proxy, 'client', 'show', 'known');
          return (shown as { readonly address: string }).address;
        });
        // The client is at the proxy that has its stream.
        expect(await Promise.any(addresses)).toMatch(/^127\.0\.0\.1\b/);
        end();
        known.close();
      });
    }

    if (spreadsCalls) {
      it('spreads the calls of one client over the proxies, and loses no message', async () => {
        const load = await Load.start([client('one')], TOPIC, 'one-group');
        await until('messages through both proxies', NOTICED_MS, async () => {
          const seen = await Promise.all(proxies.map(stats));
          const both = seen.every((one) => one.inPerSecond > 0 && one.outPerSecond > 0);
          return both ? true : undefined;
        });
        expect(await load.stop()).toEqual([]);
      });

      it('keeps the admin services from clients', async () => {
        const { endpoint } = cluster.balancer;
        await expect(runGantry(['topic', 'list', '--endpoint', endpoint])).rejects.toThrow(
          /UNIMPLEMENTED/,
        );
      });
    }

    it('has no call fail and loses no message when proxies are drained and started again, one by one', async () => {
      const load = await Load.start(
        ['a', 'b', 'c', 'd'].map((id) => client(`drain-${id}`)),
        TOPIC,
        'drain-group',
      );
      for (const index of proxies.keys()) {
        await load.goOn(200);
        expect(await proxies[index]?.stop()).toBe(0);
        await load.goOn(200);
        await startAgain(index);
        await load.goOn(200);
      }
      expect(await load.stop()).toEqual([]);
    });

    it('sends no calls to a proxy that was killed, and some again when it is back', async () => {
      await proxies[0]?.kill();
      await untilNoticed();
      await startAgain(0);
      await untilUsed(0);
    });

    if (asksHealth) {
      it('sends no new connections to a proxy that does not answer, and some again when it does', async () => {
        const pid = proxies[1]?.pid ?? 0;
        process.kill(pid, 'SIGSTOP');
        try {
          await untilNoticed();
        } finally {
          process.kill(pid, 'SIGCONT');
        }
        await untilUsed(1);
      });
    }
  });
}
