/** `gantry broker`: a broker that proxies reach. */
import type { Command } from 'commander';

import type * as StartBroker from '../assembly/start-broker';
import { reachableHost } from '../config/address';
import { addRoleCommand } from './role-command';
import type { Terminal } from './terminal';

/* eslint-disable @typescript-eslint/no-require-imports -- a command loads what it needs when it runs, so that all others are quick */

export function brokerCommand(program: Command, terminal: Terminal): void {
  addRoleCommand(program, terminal, {
    role: 'broker',
    description: 'Run a broker: it stores messages and hands them out.',
    data: ({ memory, dataDir, flush }) =>
      memory ? 'in memory, gone when the process ends' : `${dataDir}, flush ${flush}`,
    memory: ({ memory }) => memory,
    start: (options, surroundings) => {
      const { startBroker } = require('../assembly/start-broker') as typeof StartBroker;
      return startBroker(options, surroundings, reachableHost);
    },
  });
}
