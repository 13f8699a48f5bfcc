/** What `gantry start`, `namesrv`, `broker` and `proxy` have in common: options in, a role that runs until told to stop. */
import type { Command } from 'commander';

import type { Role } from '../config/schema';
import { addRoleFlags, roleInputs } from './role-flags';
import type * as RunRole from './run-role';
import type { RoleSpec } from './run-role';
import type { Terminal } from './terminal';

/* eslint-disable @typescript-eslint/no-require-imports -- a command loads what it needs when it runs, so that all others are quick */

export function addRoleCommand<R extends Role>(
  program: Command,
  terminal: Terminal,
  spec: RoleSpec<R>,
): Command {
  const command = program.command(spec.role).description(spec.description);
  addRoleFlags(command, spec.role);
  command.action(() => {
    const { runRole } = require('./run-role') as typeof RunRole;
    return runRole(spec, roleInputs(command, spec.role, terminal.env), terminal);
  });
  return command;
}
