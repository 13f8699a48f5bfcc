/** What a handler wants to know of a call beside its request. */
import type { Metadata } from '@grpc/grpc-js';

/**
 * The last value of a header, '' when it is absent: clients may repeat headers, and mean the last. For headers
 * whose values hold no ', ', since Node's HTTP/2 joins repeated ones by it.
 * @param name in lower case; values of a `-bin` header are read as Latin-1
 */
export function lastHeader(metadata: Metadata, name: string): string {
  const values = metadata.get(name);
  const last = values[values.length - 1];
  if (last === undefined) return '';
  if (typeof last !== 'string') return last.toString('latin1');
  return lastOfJoint(last);
}

/** The last of values that a sender or a balancer has joined by ', '. */
export function lastOfJoint(value: string): string {
  const joint = value.lastIndexOf(', ');
  return joint < 0 ? value : value.slice(joint + 2);
}

/** A call as far as its headers go: those of our own server answer without making a `Metadata`. */
export interface HeaderSource {
  readonly metadata: Metadata;
  /** The last value of a header, '' when it is absent. */
  lastHeader?(name: string): string;
}

/** The last value of a call's header; see `lastHeader`. */
export function headerOf(call: HeaderSource, name: string): string {
  return call.lastHeader?.(name) ?? lastHeader(call.metadata, name);
}

/** Milliseconds until a call's deadline, negative when it is over; `undefined` when it has none. */
export function remainingMs(deadline: Date | number, wallMs: number): number | undefined {
  const at = deadline instanceof Date ? deadline.getTime() : deadline;
  return Number.isFinite(at) ? at - wallMs : undefined;
}

/** A peer as `getPeer()` gives it (`1.2.3.4:5`, `[::1]:5`, `::1:5`), taken apart. */
export function peerAddress(peer: string): { readonly ip: string; readonly port: number } {
  const at = peer.lastIndexOf(':');
  const ip = at < 0 ? peer : peer.slice(0, at);
  const port = Number(at < 0 ? 0 : peer.slice(at + 1));
  return { ip: ip.replace(/^\[|\]$/g, ''), port: Number.isInteger(port) ? port : 0 };
}
