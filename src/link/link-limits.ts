/** Bounds of one link between a proxy and a broker, the same at both ends. */
import { MAX_RECORD_BYTES } from '../message/record';

export interface LinkLimits {
  /** Calls under way that the broker answers as soon as it can; beyond: TOO_MANY_REQUESTS. */
  readonly callsMax: number;
  /** Receives under way, most of which wait for messages; beyond: TOO_MANY_REQUESTS. */
  readonly pollsMax: number;
  /**
   * Bytes that wait because the other side does not take them. Beyond, a proxy refuses calls with
   * TOO_MANY_REQUESTS, and a broker reads no more requests.
   */
  readonly queuedBytesMax: number;
  /** While a link is down, calls wait for it until the outage has lasted this long, milliseconds. */
  readonly outageMs: number;
  /** Longest wait for the other side's first message, milliseconds. */
  readonly helloMs: number;
}

export const LINK_LIMITS: LinkLimits = {
  callsMax: 8_192,
  pollsMax: 32_768,
  queuedBytesMax: 32 * 1024 * 1024,
  outageMs: 1_000,
  helloMs: 2_000,
};

/** Largest request: a record, or a configuration with its names. */
export const REQUEST_BYTES_MAX = MAX_RECORD_BYTES + 64 * 1024;
/** Largest answer: a receive of 32 full records with their handles. */
export const ANSWER_BYTES_MAX = 32 * (MAX_RECORD_BYTES + 4 * 1024);
