/** Three etcds, processes of their own: what broker groups of three cost them while nothing happens, and a change of a master. */
import { setTimeout as pause } from 'node:timers/promises';
import pino from 'pino';
import type { LeaseApi, Leadership } from '../../../src/api/lease-api';
import { etcdLease } from '../../../src/link/etcd/etcd-lease';
import { nodePlatform } from '../../../src/platform/node-platform';
import { EtcdCluster } from '../../etcd/support/etcd-process';
import { usageOf } from '../../support/usage';
import type { Report } from './measure';

const REPLICAS = 3;
const GROUPS = [0, 10, 300];
/** As docs/scaling.md has it. */
const LEASE_SECONDS = 3;
const QUIET_MS = 15_000;
const CHANGES = 50;
const MIB = 1024 * 1024;

export async function leases(report: Report): Promise<void> {
  for (const groups of GROUPS) await measure(report, groups);
}

async function measure(report: Report, groups: number): Promise<void> {
  const etcd = await EtcdCluster.start();
  const made: LeaseApi[] = [];
  try {
    const held: Leadership[] = [];
    for (let group = 0; group < groups; group++) held.push(await begin(etcd, group, made));
    const before = cpuMs(etcd);
    await pause(QUIET_MS);
    const quietMs = (cpuMs(etcd) - before) / (QUIET_MS / 1000);
    report.note(
      `etcd: ${groups} groups of ${REPLICAS}, lease of ${LEASE_SECONDS} s`,
      `${quietMs.toFixed(1)} ms CPU a second of each of three, ${resident(etcd)} MiB resident`,
    );
    const first = held[0];
    if (first === undefined) return;
    const start = cpuMs(etcd);
    const beganMs = performance.now();
    for (let i = 0; i < CHANGES; i++) {
      await first.setInSync(i % 2 === 0 ? ['0/s', '1/s'] : ['0/s', '1/s', '2/s']);
    }
    const tookMs = performance.now() - beganMs;
    const alsoMs = (quietMs * tookMs) / 1000;
    report.note(
      `etcd: ${groups} groups of ${REPLICAS}, the in-sync set of one changed`,
      `${((cpuMs(etcd) - start - alsoMs) / CHANGES).toFixed(1)} ms CPU of each, ${(tookMs / CHANGES).toFixed(1)} ms until it is agreed`,
    );
  } finally {
    await Promise.all(made.map((lease) => lease.close()));
    await etcd.stop();
  }
}

/** The replicas of one group, the first of them its leader; all hear of changes. */
async function begin(etcd: EtcdCluster, group: number, made: LeaseApi[]): Promise<Leadership> {
  const replicas = Array.from({ length: REPLICAS }, () => {
    const lease = etcdLease({
      ...{ endpoints: etcd.endpoints, user: '', password: '' },
      ...{ cluster: 'bench', brokerName: `broker-${group}`, leaseSeconds: LEASE_SECONDS },
      ...{ ownThread: false, platform: nodePlatform(), log: pino({ level: 'warn' }) },
    });
    made.push(lease);
    lease.watch(() => undefined);
    return lease;
  });
  const [first] = replicas;
  if (first === undefined) throw new Error('no replica');
  return first.campaign({ member: '0/s', address: '127.0.0.1:10911' });
}

/** Of one member on average. */
function cpuMs({ pids }: EtcdCluster): number {
  return pids.reduce((sum, pid) => sum + usageOf(pid).cpuMs, 0) / pids.length;
}

/** Of the largest member. */
function resident({ pids }: EtcdCluster): string {
  return (Math.max(...pids.map((pid) => usageOf(pid).rssBytes)) / MIB).toFixed(0);
}
