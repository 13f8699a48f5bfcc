/**
 * The payload of SETTINGS (RFC 9113, section 6.5): any number of
 *
 *     +-------------------------------+-------------------------------+
 *     |       identifier (16)         |          value (32)  ...      |
 *     +-------------------------------+-------------------------------+
 */
import { ConnectionError, ErrorCode } from './error-code';
import { readUint32, writeUint32 } from './frame';

export const Setting = {
  HEADER_TABLE_SIZE: 0x1,
  ENABLE_PUSH: 0x2,
  MAX_CONCURRENT_STREAMS: 0x3,
  INITIAL_WINDOW_SIZE: 0x4,
  MAX_FRAME_SIZE: 0x5,
  MAX_HEADER_LIST_SIZE: 0x6,
} as const;

export const SETTING_BYTES = 6;

/** Largest flow-control window (section 6.9.1), bytes. */
export const MAX_WINDOW_BYTES = 0x7fff_ffff;
/** Windows of both sides until SETTINGS say otherwise, bytes. */
export const DEFAULT_WINDOW_BYTES = 65_535;
/** Dynamic tables of both sides until SETTINGS say otherwise, bytes. */
export const DEFAULT_TABLE_BYTES = 4096;
/** Smallest and largest SETTINGS_MAX_FRAME_SIZE, bytes. */
const MIN_FRAME_BYTES = 16_384;
const MAX_FRAME_BYTES = 16_777_215;

/**
 * Reads pairs into `apply`, in order; what they may be is checked, what is unknown is passed on.
 * @throws ConnectionError with the code that the section names for a value out of range
 */
export function readSettings(
  bytes: Uint8Array,
  start: number,
  end: number,
  apply: (identifier: number, value: number) => void,
): void {
  for (let at = start; at < end; at += SETTING_BYTES) {
    const identifier = ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);
    const value = readUint32(bytes, at + 2);
    check(identifier, value);
    apply(identifier, value);
  }
}

function check(identifier: number, value: number): void {
  if (identifier === Setting.ENABLE_PUSH && value > 1) {
    throw new ConnectionError(ErrorCode.PROTOCOL_ERROR, `ENABLE_PUSH is ${value}, not 0 or 1`);
  }
  if (identifier === Setting.INITIAL_WINDOW_SIZE && value > MAX_WINDOW_BYTES) {
    throw new ConnectionError(
      ErrorCode.FLOW_CONTROL_ERROR,
      `INITIAL_WINDOW_SIZE ${value} is above ${MAX_WINDOW_BYTES}`,
    );
  }
  if (
    identifier === Setting.MAX_FRAME_SIZE &&
    (value < MIN_FRAME_BYTES || value > MAX_FRAME_BYTES)
  ) {
    throw new ConnectionError(
      ErrorCode.PROTOCOL_ERROR,
      `MAX_FRAME_SIZE ${value} is not within ${MIN_FRAME_BYTES} .. ${MAX_FRAME_BYTES}`,
    );
  }
}

/** The payload that says these settings. */
export function settingsPayload(settings: readonly (readonly [number, number])[]): Buffer {
  const payload = Buffer.alloc(settings.length * SETTING_BYTES);
  settings.forEach(([identifier, value], index) => {
    payload.writeUInt16BE(identifier, index * SETTING_BYTES);
    writeUint32(payload, index * SETTING_BYTES + 2, value);
  });
  return payload;
}
