/**
 * Frames as they lie in the byte stream (RFC 9113, section 4.1 and 6).
 *
 *      0                   1                   2                   3
 *      0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
 *     +-----------------------------------------------+---------------+
 *     |                 length (24)                   |   type (8)    |
 *     +---------------+-+-----------------------------+---------------+
 *     |   flags (8)   |R|             stream id (31)                  |
 *     +---------------+-+---------------------------------------------+
 *     |                      payload (length bytes) ...               |
 *     +---------------------------------------------------------------+
 *
 *     type           stream   flags                        payload
 *     DATA           >0       END_STREAM, PADDED           [pad length 1] data [padding]
 *     HEADERS        >0       END_STREAM, END_HEADERS,     [pad length 1] [E+dependency 4, weight 1]
 *                             PADDED, PRIORITY               header block fragment [padding]
 *     PRIORITY       >0                                    E+dependency 4, weight 1
 *     RST_STREAM     >0                                    error code 4
 *     SETTINGS       0        ACK                          (identifier 2, value 4) *
 *     PUSH_PROMISE   >0       (never sent to a server)
 *     PING           0        ACK                          opaque 8
 *     GOAWAY         0                                     R+last stream id 4, error code 4, debug data
 *     WINDOW_UPDATE  any                                   R+increment 4
 *     CONTINUATION   >0       END_HEADERS                  header block fragment
 */
export const FrameType = {
  DATA: 0x0,
  HEADERS: 0x1,
  PRIORITY: 0x2,
  RST_STREAM: 0x3,
  SETTINGS: 0x4,
  PUSH_PROMISE: 0x5,
  PING: 0x6,
  GOAWAY: 0x7,
  WINDOW_UPDATE: 0x8,
  CONTINUATION: 0x9,
} as const;

export const Flag = {
  ACK: 0x1,
  END_STREAM: 0x1,
  END_HEADERS: 0x4,
  PADDED: 0x8,
  PRIORITY: 0x20,
} as const;

/** Bytes before the payload of every frame. */
export const FRAME_HEADER_BYTES = 9;

/** What a client sends first, before its SETTINGS (RFC 9113, section 3.4). */
export const CLIENT_PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 'latin1');

/** A 32-bit unsigned number in network order. */
export function readUint32(bytes: Uint8Array, at: number): number {
  return readUint31(bytes, at) + ((bytes[at] ?? 0) & 0x80) * 0x100_0000;
}

/** A 31-bit number in network order, the highest bit (reserved) ignored. */
export function readUint31(bytes: Uint8Array, at: number): number {
  return (
    (((bytes[at] ?? 0) & 0x7f) << 24) |
    ((bytes[at + 1] ?? 0) << 16) |
    ((bytes[at + 2] ?? 0) << 8) |
    (bytes[at + 3] ?? 0)
  );
}

/** Writes a 32-bit number in network order at `at`. */
export function writeUint32(target: Uint8Array, at: number, value: number): void {
  target[at] = value >>> 24;
  target[at + 1] = value >>> 16;
  target[at + 2] = value >>> 8;
  target[at + 3] = value;
}

/** Writes a frame's first 9 bytes at `at`; answers where its payload goes. */
export function writeFrameHeader(
  target: Uint8Array,
  at: number,
  payloadBytes: number,
  type: number,
  flags: number,
  streamId: number,
): number {
  target[at] = payloadBytes >>> 16;
  target[at + 1] = payloadBytes >>> 8;
  target[at + 2] = payloadBytes;
  target[at + 3] = type;
  target[at + 4] = flags;
  writeUint32(target, at + 5, streamId);
  return at + FRAME_HEADER_BYTES;
}
