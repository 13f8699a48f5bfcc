#!/usr/bin/env node
/** The command line's entry. */
import { run } from './cli/run';
import { processTerminal } from './cli/terminal';

// Whoever reads our output may stop (`gantry topic list | head -1`).
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  process.exit(error.code === 'EPIPE' ? 0 : 1);
});

void run(process.argv.slice(2), processTerminal()).then((code) => {
  process.exitCode = code;
});
