/** What a process says to its thread that renews, and what both read and write beside. */
import type { EtcdOptions } from './etcd-client';
import type { HeldKey } from './renewal-loop';

export interface RenewalWorkerData {
  readonly etcd: EtcdOptions;
  /** Two 64-bit integers, microseconds of the process's monotonic clock: `RENEWED` and `ALIVE`. */
  readonly shared: SharedArrayBuffer;
  /** The thread renews nothing once the process's event loop has stood still for so long, ms. */
  readonly stallMs: number;
}

export type RenewalOrder =
  { readonly kind: 'begin'; readonly held: HeldKey } | { readonly kind: 'end' };

/** `ready`: it has tried to reach etcd, so that the first renewal need not wait for its connection. */
export type RenewalReport =
  { readonly kind: 'ready' } | { readonly kind: 'lost'; readonly revision: number };

/** When the newest renewal that succeeded was sent. */
export const RENEWED = 0;
/** When the process's event loop last ran. */
export const ALIVE = 1;
export const SHARED_BYTES = 16;

export function readMs(shared: BigInt64Array, index: number): number {
  return Number(Atomics.load(shared, index)) / 1000;
}

/** Rounds down: a renewal is never said to have been sent later than it was. */
export function writeMs(shared: BigInt64Array, index: number, ms: number): void {
  Atomics.store(shared, index, BigInt(Math.floor(ms * 1000)));
}
