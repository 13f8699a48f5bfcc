/** One name server, a process of its own: what a changed topic costs it, and what it holds, with few and with many brokers, topics and proxies. */
import pino from 'pino';
import type { RegistrationLease } from '../../../src/api/route-api';
import { type RouteClient, routeClient } from '../../../src/link/route-client';
import { nodePlatform } from '../../../src/platform/node-platform';
import { type GantryProcess, startGantry } from '../../support/process';
import { registration, topics } from '../../support/registration';
import { usageOf } from '../../support/usage';
import type { Report } from './measure';

const TOPICS = 1000;
const UPDATES = 40;
const MIB = 1024 * 1024;

interface Size {
  readonly brokers: number;
  readonly proxies: number;
}

const SIZES: readonly Size[] = [
  { brokers: 2, proxies: 2 },
  { brokers: 100, proxies: 2 },
  { brokers: 100, proxies: 100 },
];

/** All changes of a broker travel as its whole registration, so costs grow with its topics and with the proxies. */
export async function routes(report: Report): Promise<void> {
  for (const size of SIZES) await measure(report, size);
}

async function measure(report: Report, { brokers, proxies }: Size): Promise<void> {
  const server = await startGantry('namesrv', { args: ['--log-level', 'warn'] });
  const clients: RouteClient[] = [];
  try {
    const client = (): RouteClient => {
      const log = pino({ level: 'warn' });
      const made = routeClient({ addresses: [server.endpoint], platform: nodePlatform(), log });
      clients.push(made);
      return made;
    };
    for (let i = 0; i < proxies; i++) client().watch(() => undefined);
    const leases: RegistrationLease[] = [];
    for (let i = 0; i < brokers; i++) leases.push(await client().register(broker(i, 1)));
    const before = usageOf(server.pid).cpuMs;
    for (let i = 0; i < UPDATES; i++) {
      const at = i % brokers;
      await leases[at]?.update(broker(at, 2 + i));
    }
    const ms = (usageOf(server.pid).cpuMs - before) / UPDATES;
    const what = `${brokers} brokers of ${TOPICS} topics, ${proxies} proxies`;
    report.note(
      `name server: ${what}`,
      `${ms.toFixed(1)} ms CPU a change, ${resident(server)} MiB resident`,
    );
  } finally {
    for (const made of clients) await made.close();
    await server.stop();
  }
}

function broker(index: number, version: number): ReturnType<typeof registration> {
  const names = Array.from({ length: TOPICS }, (_, i) => `topic-${i}`);
  return registration({
    brokerName: `broker-${index}`,
    address: `127.0.0.1:${20_000 + index}`,
    version,
    topics: topics(...names),
  });
}

function resident({ pid }: GantryProcess): string {
  return (usageOf(pid).rssBytes / MIB).toFixed(0);
}
