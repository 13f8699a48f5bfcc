/** `gantry namesrv`: a name server. */
import type { Command } from 'commander';

import type * as StartNamesrv from '../assembly/start-namesrv';
import { addRoleCommand } from './role-command';
import type { Terminal } from './terminal';

/* eslint-disable @typescript-eslint/no-require-imports -- a command loads what it needs when it runs, so that all others are quick */

export function namesrvCommand(program: Command, terminal: Terminal): void {
  addRoleCommand(program, terminal, {
    role: 'namesrv',
    description: 'Run a name server: it tells proxies which broker holds which topic.',
    start: (options, surroundings) => {
      const { startNamesrv } = require('../assembly/start-namesrv') as typeof StartNamesrv;
      return startNamesrv(options, surroundings);
    },
  });
}
