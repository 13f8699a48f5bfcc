/** `gantry cluster`: which brokers there are, who leads, how far the others are; and brokers that leave. */
import type { Command } from 'commander';

import type { AdminApi } from '../api/admin-api';
import type { BrokerView, ClusterView, GroupView } from '../api/cluster-api';
import type { ReplicationStatus } from '../api/cluster-view';
import type { ProxyInfo } from '../api/proxies-api';
import { adminCommand, type Answer, wholeNumber } from './admin-command';
import { membershipCommands } from './cluster-membership';
import type { Terminal } from './terminal';
import { json, table } from './text';

/** What a replica's id may be. */
const MAX_REPLICA_ID = 1_000_000;

export function clusterCommand(program: Command, terminal: Terminal): void {
  const cluster = program.command('cluster').description('Brokers, their groups and who leads.');
  adminCommand(cluster, terminal, {
    name: 'status',
    description: 'Show of each broker group who leads, who is in sync, and how far the others are.',
    prepare: () => async (admin) => status(await admin.cluster()),
  });
  adminCommand(cluster, terminal, {
    name: 'brokers',
    description: 'Show the brokers that the name servers know.',
    prepare: () => async (admin) => brokers(await admin.cluster()),
  });
  adminCommand(cluster, terminal, {
    name: 'proxies',
    description: 'Show the proxies that the name servers know.',
    prepare: () => async (admin) => proxies(await admin.proxies()),
  });
  adminCommand(cluster, terminal, {
    name: 'failover <BROKER>',
    description: 'Make the master of a broker group hand over to another replica.',
    options: [['--to <REPLICA>', 'its id (default: any that is in sync)']],
    prepare: (brokerName, { to: text }) => {
      const to =
        typeof text === 'string' ? wholeNumber('--to', text, 0, MAX_REPLICA_ID) : undefined;
      return (admin) => failover(admin, brokerName, to);
    },
  });
  membershipCommands(cluster, terminal);
}

function status({ brokers: known, groups }: ClusterView): Answer {
  const headers = ['GROUP', 'REPLICA', 'ROLE', 'EPOCH', 'IN SYNC', 'LAG BYTES', 'LAG', 'ADDRESS'];
  const rows = groups.flatMap((group) => groupRows(group, known));
  const silent = groups.filter((group) => group.status === undefined);
  const lines = silent.map(({ brokerName, reason }) => `${brokerName}: ${reason}\n`);
  const leads = groups.filter((group) => isLeader(group.status?.role)).length;
  const led = `${leads} of ${groups.length} broker groups are led\n`;
  return {
    people: `${table(headers, rows)}${lines.join('')}${led}`,
    programs: json({ groups }),
  };
}

/** The master, or who stands in for it, then its followers by id. */
function groupRows(
  { brokerName, status: told }: GroupView,
  known: readonly BrokerView[],
): readonly (readonly string[])[] {
  if (told === undefined) return [];
  const { replicaId, role, epoch, inSync, followers } = told;
  const brokerId = isLeader(role) ? 0 : replicaId + 1;
  const place = known.find((one) => one.brokerName === brokerName && one.brokerId === brokerId);
  const own = yesNo(inSync.includes(replicaId));
  const sorted = followers.toSorted((a, b) => a.replicaId - b.replicaId);
  return [
    [
      ...[brokerName, String(replicaId), role, String(epoch), own, '0', '0.0 s'],
      textOf(place?.address),
    ],
    ...sorted.map((one) => [
      ...[brokerName, String(one.replicaId), one.connected ? 'replica' : 'away', String(epoch)],
      ...[yesNo(one.inSync), String(one.lagBytes), seconds(one.lagMs), textOf(one.address)],
    ]),
  ];
}

function brokers({ brokers: known, groups }: ClusterView): Answer {
  const headers = ['GROUP', 'ID', 'ROLE', 'EPOCH', 'TOPICS', 'ADDRESS', 'CLUSTER'];
  const statuses = new Map(groups.map((group) => [group.brokerName, group.status]));
  const rows = known.map((one) => [
    ...[one.brokerName, String(one.brokerId), roleOf(one, statuses.get(one.brokerName))],
    ...[String(one.epoch), String(one.topics), textOf(one.address), one.cluster],
  ]);
  return { people: table(headers, rows), programs: json({ brokers: known }) };
}

function proxies(known: readonly ProxyInfo[]): Answer {
  const rows = known.map(({ address, version }) => [address, version]);
  return { people: table(['ADDRESS', 'VERSION'], rows), programs: json({ proxies: known }) };
}

/** Whether a broker of that role serves all. */
function isLeader(role: ReplicationStatus['role'] | undefined): boolean {
  return role === 'master' || role === 'alone';
}

function roleOf({ brokerId, standsIn }: BrokerView, told: ReplicationStatus | undefined): string {
  if (brokerId !== 0) return standsIn ? 'stand-in' : 'replica';
  return told?.role === 'alone' ? 'alone' : 'master';
}

async function failover(
  admin: AdminApi,
  brokerName: string,
  to: number | undefined,
): Promise<Answer> {
  await admin.handOver({ brokerName, to });
  const heir = to === undefined ? 'a replica that is in sync' : `replica ${to}`;
  return {
    people: `the master of ${brokerName} has stopped leading, for ${heir} to lead\n`,
    programs: json({ brokerName, to: to ?? null }),
  };
}

const yesNo = (yes: boolean): string => (yes ? 'yes' : 'no');
const seconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`;
const textOf = (address = ''): string => (address === '' ? '-' : address);
