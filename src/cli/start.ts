/** `gantry start`: all roles in one process. */
import type { Command } from 'commander';

import { addRoleCommand } from './role-command';
import type { Terminal } from './terminal';
import type * as StartStandalone from '../assembly/start-standalone';

/* eslint-disable @typescript-eslint/no-require-imports -- a command loads what it needs when it runs, so that all others are quick */

export function startCommand(program: Command, terminal: Terminal): void {
  addRoleCommand(program, terminal, {
    role: 'start',
    description: 'Run name server, broker and proxy in one process.',
    data: ({ memory, dataDir, flush }) =>
      memory ? 'in memory, gone when the process ends' : `${dataDir}, flush ${flush}`,
    memory: ({ memory }) => memory,
    start: (options, surroundings) => {
      const { startStandalone } = require('../assembly/start-standalone') as typeof StartStandalone;
      return startStandalone(options, surroundings);
    },
  });
}
