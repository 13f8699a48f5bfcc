/**
 * grpc-js keeps the time that is left for a call as 32 bits of milliseconds: a deadline more than 24.8
 * days ahead ends the call at once. Java's Telemetry stream has one of decades. Such a header is taken
 * off before grpc-js sees it: the call then has no deadline.
 */
import type { Http2Server, IncomingHttpHeaders } from 'node:http2';
import type { Server } from '@grpc/grpc-js';

const HEADER = 'grpc-timeout';
const LONGEST_MS = 2 ** 31 - 1;
const UNIT_MS: Readonly<Record<string, number>> = {
  H: 3_600_000,
  M: 60_000,
  S: 1000,
  m: 1,
  u: 0.001,
  n: 0.000001,
};

interface Internals {
  _setupHandlers(http2: Http2Server | null, interceptors: unknown): void;
}

/** Call before `bindAsync`. */
export function tolerateLongDeadlines(server: Server): void {
  const internals = server as unknown as Internals;
  const setup = internals._setupHandlers.bind(server);
  internals._setupHandlers = (http2, interceptors) => {
    // Listeners run in the order in which they were added: this one before grpc-js's own.
    http2?.on('stream', (_stream, headers) => dropLongTimeout(headers));
    setup(http2, interceptors);
  };
}

function dropLongTimeout(headers: IncomingHttpHeaders): void {
  const text = headers[HEADER];
  if (typeof text !== 'string') return;
  const unitMs = UNIT_MS[text.slice(-1)];
  if (unitMs !== undefined && Number(text.slice(0, -1)) * unitMs > LONGEST_MS)
    delete headers[HEADER];
}
