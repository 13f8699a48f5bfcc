import type { ProxiesApi, ProxyInfo } from '../../../src/api/proxies-api';
import { proxiesClient } from '../../../src/link/proxies-client';
import { routeService } from '../../../src/link/route-service';
import type { StreamService } from '../../../src/link/stream-service';
import { Code } from '../../../src/message/status';
import { RouteTable } from '../../../src/namesrv/route-table';
import { nodePlatform } from '../../../src/platform/node-platform';
import { keptLog } from '../../support/kept-log';
import { serveOnLoopback, type ServedAddress } from '../../support/rpc-pair';
import { until } from '../../support/until';

const WAIT_MS = 10_000;
const platform = nodePlatform();

interface NameServer extends ServedAddress {
  readonly service: StreamService;
}

const servers: NameServer[] = [];
const clients: ProxiesApi[] = [];
afterEach(async () => {
  for (const client of clients.splice(0)) client.withdraw();
  for (const { service, stop } of servers.splice(0)) {
    await service.close(0);
    await stop();
  }
});

async function nameServer(port = 0): Promise<NameServer> {
  const service = routeService(new RouteTable(platform), { platform, log: keptLog() });
  const server = { service, ...(await serveOnLoopback([service], port)) };
  servers.push(server);
  return server;
}

function client(...to: readonly ServedAddress[]): ProxiesApi {
  const made = proxiesClient(
    to.map(({ address }) => address),
    platform,
  );
  clients.push(made);
  return made;
}

const info = (n: number): ProxyInfo => ({ address: `10.0.0.${n}:8081`, version: '0.1.0' });

/** Waits until the name servers of a client list these. */
const lists = (of: ProxiesApi, expected: readonly ProxyInfo[]): Promise<unknown> =>
  until(`${expected.length} proxies`, WAIT_MS, async () => {
    const found = await of.list().catch(() => undefined);
    return JSON.stringify(found) === JSON.stringify(expected) ? true : undefined;
  });

describe('proxies at name servers', () => {
  it('are listed once each, sorted, as long as they are there', async () => {
    const both = [await nameServer(), await nameServer()];
    const [first, second] = [client(...both), client(...both)];
    second.announce(info(2));
    first.announce(info(1));
    await lists(first, [info(1), info(2)]);
    second.withdraw();
    await lists(first, [info(1)]);
  });

  it('are not listed any more once they withdraw, and list the others still', async () => {
    const server = await nameServer();
    const [leaving, staying] = [client(server), client(server)];
    leaving.announce(info(1));
    staying.announce(info(2));
    await lists(leaving, [info(1), info(2)]);
    leaving.withdraw();
    await lists(leaving, [info(2)]);
  });

  it('make themselves known again to a name server that comes back', async () => {
    const server = await nameServer();
    const proxy = client(server);
    proxy.announce(info(1));
    await lists(proxy, [info(1)]);
    await server.service.close(0);
    await server.stop();
    servers.length = 0;
    await nameServer(server.port);
    await lists(proxy, [info(1)]);
  });

  it('are told of by the name servers that answer, and by none in words', async () => {
    const [up, down] = [await nameServer(), await nameServer()];
    const proxy = client(up, down);
    proxy.announce(info(1));
    await lists(proxy, [info(1)]);
    await down.service.close(0);
    await down.stop();
    await lists(proxy, [info(1)]);
    await up.service.close(0);
    await up.stop();
    servers.length = 0;
    await expect(proxy.list()).rejects.toMatchObject({
      code: Code.PROXY_TIMEOUT,
      message: `none of the name servers answers: ${up.address}, ${down.address}`,
    });
  });
});
