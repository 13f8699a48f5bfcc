/** Logs: pino, one JSON line an event on standard output, with stable field names. */
import pino, { type Logger } from 'pino';

export interface LogOptions {
  /** trace, debug, info, warn, error or silent. */
  readonly level: string;
  /** Lines for people; needs the package pino-pretty. */
  readonly pretty: boolean;
}

/** A logger whose lines carry the role of the process. */
export function createLogger(role: string, options: LogOptions): Logger {
  const base = { role, pid: process.pid };
  if (options.pretty) {
    return pino({ level: options.level, base, transport: { target: 'pino-pretty' } });
  }
  return pino({ level: options.level, base }, pino.destination({ dest: 1, sync: true }));
}
