/** `gantry proxy stats`: what goes through a proxy. */
import type { Command } from 'commander';

import type { ProxyStats } from '../api/client-view';
import { adminCommand, type Answer } from './admin-command';
import type { Terminal } from './terminal';
import { json, table } from './text';

export function proxyStatsCommand(proxy: Command, terminal: Terminal): void {
  adminCommand(proxy, terminal, {
    name: 'stats',
    description: 'Show what goes through a proxy, and how many are connected.',
    prepare: () => async (admin) => answer(await admin.proxyStats()),
  });
}

function answer(stats: ProxyStats): Answer {
  const rows = [
    ['name', stats.name],
    ['version', stats.version],
    ['messages in per second', stats.inPerSecond.toFixed(1)],
    ['messages out per second', stats.outPerSecond.toFixed(1)],
    ['connections', String(stats.connections)],
    ['producers', String(stats.producers)],
    ['consumers', String(stats.consumers)],
  ];
  return { people: table(['FIELD', 'VALUE'], rows), programs: json(stats) };
}
