import type { BrokerRegistration } from '../../../src/api/route-api';
import { BrokerUnreachableError } from '../../../src/api/broker-unreachable';
import { brokerDialer } from '../../../src/link/broker-dialer';
import { brokerLinkService } from '../../../src/link/broker-link-service';
import { routeClient, type RouteClient } from '../../../src/link/route-client';
import { routeService } from '../../../src/link/route-service';
import type { StreamService } from '../../../src/link/stream-service';
import { Code } from '../../../src/message/status';
import { RouteTable } from '../../../src/namesrv/route-table';
import { nodePlatform } from '../../../src/platform/node-platform';
import { keptLog } from '../../support/kept-log';
import { groupConfig, ModelBroker } from '../../support/model-broker';
import { registration, topics } from '../../support/registration';
import { serveOnLoopback, type ServedAddress } from '../../support/rpc-pair';
import { messageDraft, popRequest } from '../../support/test-broker';
import { until, within } from '../../support/until';

const platform = nodePlatform();
const LIMIT_MS = 5_000;
const soon = <T>(what: string, promise: Promise<T>): Promise<T> => within(what, LIMIT_MS, promise);

/** What a test has started, ended in reverse. */
const cleanups: (() => Promise<unknown> | void)[] = [];

afterEach(async () => {
  for (const end of cleanups.splice(0).reverse()) await end();
});

interface NameServer {
  table: RouteTable;
  readonly address: string;
  stop(): Promise<void>;
  restart(): Promise<void>;
}

async function nameServer(): Promise<NameServer> {
  let table = new RouteTable(platform);
  let service: StreamService = routeService(table, { platform, log: keptLog() });
  let served: ServedAddress = await serveOnLoopback([service]);
  let running = true;
  const server: NameServer = {
    table,
    address: served.address,
    stop: async () => {
      if (!running) return;
      running = false;
      await service.close(1_000);
      await served.stop();
      table.close();
    },
    restart: async () => {
      table = new RouteTable(platform);
      server.table = table;
      service = routeService(table, { platform, log: keptLog() });
      served = await serveOnLoopback([service], served.port);
      running = true;
    },
  };
  cleanups.push(() => server.stop());
  return server;
}

function routes(...servers: NameServer[]): RouteClient {
  const addresses = servers.map(({ address }) => address);
  const client = routeClient({ addresses, platform, log: keptLog() });
  cleanups.push(() => client.close());
  return client;
}

const names = (brokers: readonly BrokerRegistration[]): string =>
  brokers.map((b) => `${b.brokerName}:${b.topics.map(({ name }) => name).join()}`).join(' ');

describe('name servers over gRPC', () => {
  it('have a new topic in force at every watcher when the update resolves', async () => {
    const servers = [await nameServer(), await nameServer()];
    const lease = await soon('registered', routes(...servers).register(registration()));
    const seen = ['', ''];
    seen.forEach((_, i) => {
      routes(...servers).watch((brokers) => (seen[i] = names(brokers)));
    });
    await until('both watch', LIMIT_MS, () => (seen.join() === 'a:,a:' ? true : undefined));
    await soon('updated', lease.update(registration({ version: 2, topics: topics('t') })));
    expect(seen).toEqual(['a:t', 'a:t']);
    await soon('unregistered', lease.close());
    expect(seen).toEqual(['', '']);
  });

  it('tell every watcher of a new master in under a second', async () => {
    const servers = [await nameServer(), await nameServer()];
    const place = (address: string, epoch: number): BrokerRegistration =>
      registration({ brokerId: 0, address, epoch });
    await soon('registered', routes(...servers).register(place('old:1', 1)));
    const seen = ['', ''];
    seen.forEach((_, i) => {
      routes(...servers).watch((brokers) => (seen[i] = brokers.map((b) => b.address).join()));
    });
    await until('both watch', LIMIT_MS, () => (seen.join() === 'old:1,old:1' ? true : undefined));
    const beganMs = performance.now();
    const registered = routes(...servers).register(place('new:1', 2));
    await until('both know', LIMIT_MS, () => (seen.join() === 'new:1,new:1' ? true : undefined));
    expect(performance.now() - beganMs).toBeLessThan(1000);
    await soon('registered', registered);
  });

  it('learn of a broker again after a restart, while its routes stay in force', async () => {
    const server = await nameServer();
    await soon('registered', routes(server).register(registration()));
    const seen: string[] = [];
    const proxy = routes(server);
    proxy.watch((brokers) => void seen.push(names(brokers)));
    expect(await proxy.ready(LIMIT_MS)).toBe(true);
    await server.stop();
    expect(proxy.reachable).toBe(0);
    await server.restart();
    await until('registered again', LIMIT_MS, () =>
      server.table.brokers().length === 1 ? true : undefined,
    );
    await until('watched again', LIMIT_MS, () => (proxy.reachable === 1 ? true : undefined));
    expect(seen.filter((routesThen) => routesThen !== 'a:')).toEqual(['']);
  });

  it('drop a broker at once when its process is gone', async () => {
    const server = await nameServer();
    const broker = routes(server);
    await soon('registered', broker.register(registration()));
    const gone = new Promise<void>((resolve) => {
      server.table.watch((brokers) => {
        if (brokers.length === 0) resolve();
      });
    });
    await broker.close();
    await soon('gone', gone);
  });
});

describe('a broker over gRPC', () => {
  it('is lost and found again by its proxies', async () => {
    const broker = new ModelBroker('a', () => undefined);
    broker.topics.set('t', { name: 't', type: 'NORMAL', queues: 8 });
    broker.groups.set('g', groupConfig('g'));
    const service = (): StreamService =>
      brokerLinkService(() => broker, {
        platform,
        log: keptLog(),
        brokerName: 'a',
        brokerId: () => 0,
      });
    let served = await serveOnLoopback([service()]);
    cleanups.push(() => served.stop());
    const link = brokerDialer({ platform, log: keptLog() })(
      registration({ address: served.address }),
    );
    cleanups.push(() => link.close());
    const send = (id: string): Promise<unknown> =>
      link.send({ queueId: 0, draft: messageDraft('t', id) });
    await soon('sent', send('m1'));
    await soon('received', link.pop(popRequest('g', 't'), new AbortController().signal));

    const pop = link.pop(popRequest('g', 't', { pollMs: 20_000 }), new AbortController().signal);
    const lost = expect(pop).rejects.toMatchObject({
      code: Code.PROXY_TIMEOUT,
      message: expect.stringMatching(/^broker a\/0 at .* was lost during the call/) as string,
    });
    await until('waits', LIMIT_MS, () => (broker.waitingPolls === 1 ? true : undefined));
    await served.stop();
    await soon('lost', lost);
    await until('ended', LIMIT_MS, () => (broker.waitingPolls === 0 ? true : undefined));
    await expect(soon('refused', send('m2'))).rejects.toBeInstanceOf(BrokerUnreachableError);

    served = await serveOnLoopback([service()], served.port);
    await until('sent again', LIMIT_MS, () =>
      send('m3').then(
        () => true,
        () => undefined,
      ),
    );
    expect(broker.sends).toHaveLength(2);
  });

  it('finishes its calls before it goes', async () => {
    const broker = new ModelBroker('a', () => undefined);
    broker.topics.set('t', { name: 't', type: 'NORMAL', queues: 8 });
    let open = (): void => undefined;
    broker.sendGate = new Promise((resolve) => (open = resolve));
    const service = brokerLinkService(() => broker, {
      platform,
      log: keptLog(),
      brokerName: 'a',
      brokerId: () => 0,
    });
    const served = await serveOnLoopback([service]);
    cleanups.push(() => served.stop());
    const link = brokerDialer({ platform, log: keptLog() })(
      registration({ address: served.address }),
    );
    cleanups.push(() => link.close());
    await soon('up', link.clientSeen('c'));
    const sent = link.send({ queueId: 0, draft: messageDraft('t', 'm1') });
    await soon('up', link.clientSeen('c'));
    const closed = service.close(5_000);
    open();
    expect(await soon('sent', sent)).toEqual({ queueOffset: 0, physicalOffset: 0 });
    await soon('closed', closed);
  });
});
