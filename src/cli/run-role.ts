/** A role from its options to its end. */
import { logVerbosity, setLogVerbosity } from '@grpc/grpc-js';

import type { RunningRole, Surroundings } from '../assembly/role';
import { loadConfig, type Inputs } from '../config/load';
import type { RoleOptions } from '../config/options';
import type { Role } from '../config/schema';
import { createLogger } from '../observe/logger';
import { growSmallHeaps } from '../platform/heap-growth';
import { memoryPlatform } from '../platform/memory-files';
import { nodePlatform } from '../platform/node-platform';
import { banner } from './banner';
import type { Terminal } from './terminal';

export interface RoleSpec<R extends Role> {
  readonly role: R;
  readonly description: string;
  /** Where the data are; roles without any say nothing. */
  readonly data?: (options: RoleOptions[R]) => string;
  /** Whether the role keeps its files in memory. */
  readonly memory?: (options: RoleOptions[R]) => boolean;
  readonly start: (options: RoleOptions[R], surroundings: Surroundings) => Promise<RunningRole>;
}

/** The second signal ends the process at once with this code. */
const EXIT_AT_ONCE = 1;

/**
 * Starts a role and resolves when it has stopped, which the first SIGTERM or SIGINT asks for.
 * @throws ConfigError; Error when a port is taken, or the directory is another process's
 */
export async function runRole<R extends Role>(
  spec: RoleSpec<R>,
  inputs: Inputs,
  terminal: Terminal,
): Promise<void> {
  const options = loadConfig(spec.role, inputs);
  // What fails is thrown, and said once; grpc-js would write lines of its own beside it.
  setLogVerbosity(logVerbosity.NONE);
  growSmallHeaps(nodePlatform().timers);
  const { stopAsked, forget } = stopSignal();
  try {
    const running: RunningRole = await spec.start(options, surroundings(spec, options));
    terminal.err(banner(terminal, spec.role, running.endpoints, spec.data?.(options)));
    await stopAsked;
    await running.stop();
  } finally {
    forget();
  }
}

function surroundings<R extends Role>(spec: RoleSpec<R>, options: RoleOptions[R]): Surroundings {
  return {
    platform: spec.memory?.(options) === true ? memoryPlatform() : nodePlatform(),
    logger: createLogger(spec.role, options.log),
    settingsFiles: nodePlatform().files,
  };
}

/** `stopAsked` resolves at the first SIGTERM or SIGINT; the second one ends the process. */
function stopSignal(): { readonly stopAsked: Promise<void>; readonly forget: () => void } {
  let onSignal: () => void = () => undefined;
  const stopAsked = new Promise<void>((resolve) => {
    let asked = false;
    onSignal = () => {
      if (asked) process.exit(EXIT_AT_ONCE);
      asked = true;
      resolve();
    };
  });
  process.on('SIGTERM', onSignal);
  process.on('SIGINT', onSignal);
  const forget = (): void => {
    process.off('SIGTERM', onSignal);
    process.off('SIGINT', onSignal);
  };
  return { stopAsked, forget };
}
