/** Logs: pino, one JSON line an event on standard output, with stable field names. */
import pino, { type Logger } from 'pino';

export interface LogOptions {
  /** trace, debug, info, warn, error or silent. */
  readonly level: string;
  /** Lines for people; needs the package pino-pretty. */
  readonly pretty: boolean;
}

/** The parts' loggers, by that of their process: each has a level of its own. */
const partsOf = new WeakMap<Logger, Logger[]>();

/** A logger whose lines carry the role of the process. */
export function createLogger(role: string, options: LogOptions): Logger {
  const parts: Logger[] = [];
  const base = { role, pid: process.pid };
  const common = { level: options.level, base, onChild: (child: Logger) => void parts.push(child) };
  const logger = options.pretty
    ? pino({ ...common, transport: { target: 'pino-pretty' } })
    : pino(common, pino.destination({ dest: 1, sync: true }));
  partsOf.set(logger, parts);
  return logger;
}

/**
 * Sets the level of a logger and, where `createLogger` has made it, of all parts of its process.
 * @returns the level before
 */
export function setLogLevel(logger: Logger, level: string): string {
  const before = logger.level;
  logger.level = level;
  for (const part of partsOf.get(logger) ?? []) part.level = level;
  return before;
}
