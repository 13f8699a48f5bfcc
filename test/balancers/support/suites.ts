import type { ClientName } from '../../interop/support/driver-command';
import { scenarioSuite } from '../../interop/support/suite';
import { runGantry, startGantry, type GantryProcess } from '../../support/process';
import { Code, RawClient } from '../../support/raw-client';
import { until } from '../../support/until';
import { BALANCERS, type BalancerName } from './balancer';
import { Load } from './load';
import { type BalancedCluster, startBehind } from './topology';

/** The scenarios of test/interop, with one client that knows only the balancer. */
export function clientSuite(name: BalancerName, client: ClientName): void {
  scenarioSuite(`two proxies behind ${name}`, client, () => startBehind(name));
}

const TOPIC = 'balanced';
const NOTICED_MS = 60_000;

/** What a balancer does for proxies that come and go. */
export function balancerSuite(name: BalancerName): void {
  const { spreadsCalls, namesClients } = BALANCERS[name];

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
    const stats = async ({ endpoint }: GantryProcess): Promise<{ inPerSecond: number }> =>
      JSON.parse(
        await runGantry(['proxy', 'stats', '-o', 'json', '--endpoint', endpoint]),
      ) as never;

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
      const end = await large.subscribe('large-group', TOPIC);
      const body = Buffer.alloc(4 * 1024 * 1024, 'x');
      expect((await large.send(TOPIC, 'large-1', body)).code).toBe(Code.OK);
      const load = new Load(large, TOPIC, 'large-group');
      const message = await until('the large message', NOTICED_MS, () => load.receiveOne());
      expect(message.body.equals(body)).toBe(true);
      expect((await large.ack('large-group', TOPIC, message)).code).toBe(Code.OK);
      end();
      large.close();
    });

    if (namesClients) {
      it('tells the proxies the client’s address', async () => {
        const known = client('known');
        const end = await known.subscribe('known-group', TOPIC);
        const shown = await Promise.all(
          proxies.map(async ({ endpoint }) =>
            runGantry(['client', 'list', '--group', 'known-group', '--endpoint', endpoint]),
          ),
        );
        expect(shown.join('')).toMatch(/known +\S.* 127\.0\.0\.1 /);
        end();
        known.close();
      });
    }

    if (spreadsCalls) {
      it('spreads the calls of one client over the proxies', async () => {
        const load = await Load.start([client('one')], TOPIC, 'one-group');
        await until('messages through both proxies', NOTICED_MS, async () => {
          const seen = await Promise.all(proxies.map(stats));
          return seen.every(({ inPerSecond }) => inPerSecond > 0) ? true : undefined;
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

    it('has no call fail when proxies are drained and started again, one by one', async () => {
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
      const after = client('after');
      // Those that were under way, and those until the balancer notices, may fail.
      await until('calls that do not fail', NOTICED_MS, async () => {
        const codes = await Promise.allSettled(
          Array.from({ length: 20 }, (_, i) => after.send(TOPIC, `killed-${i}`, Buffer.of(i))),
        );
        const fine = codes.every((one) => one.status === 'fulfilled' && one.value.code === Code.OK);
        return fine ? true : undefined;
      });
      for (let i = 0; i < 50; i++) {
        expect((await after.send(TOPIC, `after-${i}`, Buffer.of(i))).code).toBe(Code.OK);
      }
      after.close();
      await startAgain(0);
      await until('calls through the proxy that is back', NOTICED_MS, async () => {
        const load = await Load.start([client('fresh')], TOPIC, 'fresh-group');
        const [back] = proxies;
        const seen = back === undefined ? 0 : (await stats(back)).inPerSecond;
        expect(await load.stop()).toEqual([]);
        return seen > 0 ? true : undefined;
      });
    });
  });
}
