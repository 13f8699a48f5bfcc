/** What goes through this proxy, and who is connected. */
import type { ProxyStats } from '../api/client-view';
import type { ClientRegistry } from './client-registry';
import type { ProxyProcess } from './process';
import type { RateMeter } from './rate-meter';

/** Messages through this proxy. */
export interface Traffic {
  readonly in: RateMeter;
  readonly out: RateMeter;
}

interface StatsParts {
  readonly clients: ClientRegistry;
  readonly traffic: Traffic;
  readonly process: ProxyProcess;
}

export function proxyStats({ clients, traffic, process }: StatsParts): ProxyStats {
  let consumers = 0;
  let connected = 0;
  for (const [, { settings, stream }] of clients.all()) {
    if (settings.group !== '') consumers++;
    if (stream !== undefined) connected++;
  }
  return {
    name: process.name(),
    version: process.version,
    inPerSecond: traffic.in.perSecond(),
    outPerSecond: traffic.out.perSecond(),
    connections: process.connections() ?? connected,
    producers: clients.size - consumers,
    consumers,
  };
}
