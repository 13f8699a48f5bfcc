/** What commands over the admin service have in common: an endpoint in, an answer for people or programs out. */
import type { Command } from 'commander';

import type { AdminApi } from '../api/admin-api';
import type * as AdminAccess from './admin-access';
import { addEndpoint, endpointOf } from './endpoint';
import { addOutput, wantsJson } from './output';
import type { Terminal } from './terminal';
import { UsageError } from './usage-error';
import { errorText } from '../platform/error-text';

/* eslint-disable @typescript-eslint/no-require-imports -- a command loads what it needs when it runs, so that all others are quick */

export interface Answer {
  readonly people: string;
  readonly programs: string;
}

export interface AdminCommand {
  /** With its argument, at most one: `show <NAME>`. */
  readonly name: string;
  readonly description: string;
  /** Flags and what they do. */
  readonly options?: readonly (readonly [flags: string, description: string])[];
  /**
   * Checks the command line, before anything is asked of anybody.
   * @param argument '' for a command without one
   * @throws UsageError
   */
  readonly prepare: (
    argument: string,
    options: Readonly<Record<string, unknown>>,
  ) => (admin: AdminApi) => Promise<Answer>;
}

export function adminCommand(parent: Command, terminal: Terminal, spec: AdminCommand): void {
  const command = parent.command(spec.name).description(spec.description);
  for (const [flags, description] of spec.options ?? []) command.option(flags, description);
  addEndpoint(command);
  addOutput(command);
  command.action(async () => {
    const ask = spec.prepare(command.args[0] ?? '', command.opts());
    const endpoint = endpointOf(command, terminal);
    const { withAdmin } = require('./admin-access') as typeof AdminAccess;
    const answer = await withAdmin(endpoint, ask);
    terminal.out(wantsJson(command) ? answer.programs : answer.people);
  });
}

/** What `parse` gives; its Error becomes a UsageError. */
export function usage<T>(parse: () => T): T {
  try {
    return parse();
  } catch (error) {
    throw new UsageError(errorText(error));
  }
}

/** @throws UsageError when the text is no whole number in `min` .. `max` */
export function wholeNumber(name: string, text: string, min: number, max: number): number {
  const value = /^\d{1,15}$/.test(text) ? Number(text) : NaN;
  if (value >= min && value <= max) return value;
  throw new UsageError(`${name} must be a whole number from ${min} to ${max}, got ${text}`);
}

/** Milliseconds since the epoch. @throws UsageError when the text is no time */
export function timeOf(flag: string, text: string): number {
  const ms = /^\d{1,15}$/.test(text) ? Number(text) : Date.parse(text);
  if (Number.isSafeInteger(ms) && ms >= 0) return ms;
  throw new UsageError(`${flag} must be like 2026-11-21T07:00:00Z or milliseconds, got ${text}`);
}
