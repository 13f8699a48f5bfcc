/** `gantry proxy`: a proxy between clients and brokers; `gantry proxy stats` asks one. */
import type { Command } from 'commander';

import type * as StartProxy from '../assembly/start-proxy';
import { proxyStatsCommand } from './proxy-stats';
import { addRoleCommand } from './role-command';
import type { Terminal } from './terminal';

/* eslint-disable @typescript-eslint/no-require-imports -- a command loads what it needs when it runs, so that all others are quick */

export function proxyCommand(program: Command, terminal: Terminal): void {
  const proxy = addRoleCommand(program, terminal, {
    role: 'proxy',
    description: 'Run a proxy: clients connect to it.',
    start: (options, surroundings) => {
      const { startProxy } = require('../assembly/start-proxy') as typeof StartProxy;
      return startProxy(options, surroundings);
    },
  });
  proxyStatsCommand(proxy, terminal);
}
