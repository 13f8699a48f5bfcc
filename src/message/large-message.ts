/**
 * Messages that are larger than what every client takes. Several official clients (Java's and Node's
 * among them) refuse a gRPC message above 4 MiB and lose the whole answer that it is part of.
 */

/** Largest gRPC message that every official client takes, bytes. */
export const COMMON_MESSAGE_BYTES = 4 * 1024 * 1024;

/** What a delivery may add to the bytes of a record: digest, handle, times, field tags of up to 128 properties. */
const DELIVERY_BYTES = 4096;

/** Whether a record's delivery may be larger than what every client takes: it must be alone in its answer. */
export function isLargeRecord(recordBytes: number): boolean {
  return recordBytes > COMMON_MESSAGE_BYTES - DELIVERY_BYTES;
}
