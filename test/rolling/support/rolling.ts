import { newGroup } from '../../../src/api/topic';
import { withAdmin } from '../../../src/cli/admin-access';
import type { ClientName } from '../../interop/support/driver-command';
import { ClientLoad, type ClientLoadResult } from './client-load';
import { TcpBalancer } from './tcp-balancer';

export interface RollingOptions<Name extends string> {
  readonly clients: readonly ClientName[];
  /** `host:port` of proxies on loopback; clients know the balancer before them only. */
  readonly proxies: readonly string[];
  /** Names for `replace`, in their order. */
  readonly order: readonly Name[];
  /** Ends a process in order, and starts it again; resolves when it is ready. */
  replace(name: Name): Promise<void>;
  /** How many messages each client sends and receives before each restart, and after the last. */
  readonly messages: number;
}

export interface RollingResult {
  readonly clients: Readonly<Partial<Record<ClientName, ClientLoadResult>>>;
  /** Calls that went wrong on the wire, whoever repeated them: method and what, with how many. */
  readonly troubles: Readonly<Record<string, number>>;
  /**
   * Heartbeats at a proxy that does not know the client: its Telemetry stream comes a second after its first calls, that
   * of the Python client minutes after. Nothing follows from them.
   */
  readonly strangers: number;
  /** Calls that a proxy left to others with a word: gRPC's libraries sent them again. */
  readonly notTaken: number;
  /** All calls. */
  readonly calls: number;
  /** Of the balancer. */
  readonly faults: readonly string[];
}

/** The official clients that take part: Rust's has no push consumer. */
export const CLIENTS = ['node', 'python', 'java'] as const;
const STRANGER = 'Heartbeat: UNRECOGNIZED_CLIENT_TYPE';
const STEP_MS = 60_000;
const DRAIN_MS = 60_000;
const QUEUES = 4;

/** Restarts processes one by one while official clients work, and tells what these and the wire saw of it. */
export async function restartUnderLoad<Name extends string>(
  options: RollingOptions<Name>,
): Promise<RollingResult> {
  const balancer = new TcpBalancer(options.proxies.map((proxy) => Number(proxy.split(':')[1])));
  const endpoints = await balancer.listen();
  const loads = new Map<ClientName, ClientLoad>();
  try {
    for (const client of options.clients) {
      const topics = await makeTopics(options.proxies[0] ?? '', client);
      loads.set(client, await ClientLoad.start({ client, endpoints, topics }));
    }
    const goOn = (): Promise<unknown> =>
      Promise.all([...loads.values()].map((load) => load.goOn(options.messages, STEP_MS)));
    for (const name of options.order) {
      await goOn();
      await options.replace(name);
    }
    await goOn();
    const results = await Promise.all(
      [...loads].map(async ([client, load]) => [client, await load.drain(DRAIN_MS)] as const),
    );
    const result = { clients: Object.fromEntries(results), ...seenBy(balancer) };
    process.stdout.write(`rolling: ${JSON.stringify({ order: options.order, ...result })}\n`);
    return result;
  } catch (error) {
    throw new Error(`${String(error)}\n${JSON.stringify(seenBy(balancer))}`, { cause: error });
  } finally {
    for (const load of loads.values()) await load.kill();
    await balancer.close();
  }
}

/** Asserts that nothing failed, neither what users called nor what clients would repeat by themselves. */
export function expectNothingFailed({ clients, troubles, faults }: RollingResult): void {
  for (const { failures, missing } of Object.values(clients)) {
    expect({ failures, missing }).toEqual({ failures: [], missing: { simple: 0, push: 0 } });
  }
  expect({ troubles, faults }).toEqual({ troubles: {}, faults: [] });
}

function seenBy(balancer: TcpBalancer): Omit<RollingResult, 'clients'> {
  const troubles: Record<string, number> = {};
  let notTaken = 0;
  let strangers = 0;
  for (const { method, outcome } of balancer.calls) {
    const what = `${method}: ${outcome}`;
    if (outcome === 'ok') continue;
    if (outcome === 'not taken') notTaken++;
    else if (what.startsWith(STRANGER)) strangers++;
    else troubles[what] = (troubles[what] ?? 0) + 1;
  }
  return { troubles, strangers, notTaken, calls: balancer.calls.length, faults: balancer.faults };
}

async function makeTopics(
  endpoint: string,
  client: ClientName,
): Promise<{ readonly normal: string; readonly transaction: string }> {
  const topics = { normal: `${client}-normal`, transaction: `${client}-transaction` };
  await withAdmin({ address: endpoint }, async (admin) => {
    await admin.putTopic({ name: topics.normal, type: 'NORMAL', queues: QUEUES });
    await admin.putTopic({ name: topics.transaction, type: 'TRANSACTION', queues: QUEUES });
    for (const kind of ['simple', 'push']) {
      await admin.putGroup({ ...newGroup(`${client}-${kind}`), startFrom: 'beginning' });
    }
  });
  return topics;
}
