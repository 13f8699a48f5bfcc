/** gzip of messages. What comes in is unpacked off the event loop and up to a limit. */
import { constants, gunzip, gzipSync } from 'node:zlib';
import { status as Status } from '@grpc/grpc-js';
import type { GrpcStatus } from './status';

/** Smaller answers are not worth it. */
const MIN_GZIP_BYTES = 1024;
/** Smallest piece that is unpacked into. */
const MIN_ROOM_BYTES = 16 * 1024;

export interface Packed {
  readonly compressed: boolean;
  readonly bytes: Uint8Array;
}

/** Compresses an answer if that makes it smaller. */
export function pack(bytes: Uint8Array): Packed {
  if (bytes.length >= MIN_GZIP_BYTES) {
    const packed = gzipSync(bytes, { level: constants.Z_BEST_SPEED });
    if (packed.length < bytes.length) return { compressed: true, bytes: packed };
  }
  return { compressed: false, bytes };
}

/** Messages that a server unpacks at a time: each may become as large as the largest that is taken. */
export const MAX_UNPACKING = 4;

/** Unpacks the messages of a server, some at a time; the others wait as they came, in their order. */
export class Unpacker {
  private running = 0;
  private readonly waiting: (() => void)[] = [];

  /** @param limit how many are unpacked at a time, at least 1 */
  constructor(private readonly limit: number = MAX_UNPACKING) {}

  /** Messages being unpacked now. */
  get underWay(): number {
    return this.running;
  }

  /**
   * See `unpack`.
   * @param wanted asked when it is the message's turn: false spares the work, the answer is `undefined` then
   */
  async unpack(
    bytes: Buffer,
    encoding: string,
    maxBytes: number,
    wanted: () => boolean,
  ): Promise<Buffer | GrpcStatus | undefined> {
    if (this.running >= this.limit) {
      await new Promise<void>((resolve) => this.waiting.push(resolve));
    } else {
      this.running++;
    }
    try {
      return wanted() ? await unpack(bytes, encoding, maxBytes) : undefined;
    } finally {
      // Who waits takes over the place.
      const next = this.waiting.shift();
      if (next === undefined) this.running--;
      else next();
    }
  }
}

/**
 * Unpacks a message that its flags call compressed.
 * @param encoding what the request's `grpc-encoding` says
 * @returns the message, or the status that answers instead: UNIMPLEMENTED for an encoding that is not gzip,
 *   RESOURCE_EXHAUSTED above `maxBytes`, INTERNAL for bytes that are not gzip's
 */
function unpack(bytes: Buffer, encoding: string, maxBytes: number): Promise<Buffer | GrpcStatus> {
  if (encoding === 'identity') {
    return Promise.resolve({
      code: Status.INTERNAL,
      details: 'a message is compressed, though grpc-encoding names no compression',
    });
  }
  if (encoding !== 'gzip') {
    return Promise.resolve({
      code: Status.UNIMPLEMENTED,
      details: `Received message compressed with unsupported encoding "${encoding}"`,
    });
  }
  return new Promise((resolve) => {
    gunzip(
      bytes,
      { maxOutputLength: maxBytes, chunkSize: roomFor(bytes, maxBytes) },
      (error, message) => {
        if (error === null) resolve(withoutRoom(message));
        else resolve(unpackError(error, maxBytes));
      },
    );
  });
}

/**
 * Room for all of the message in one piece: gzip says its length in its last four bytes (RFC 1952, section 2.3.1). Where
 * that is a lie, more pieces are made.
 */
function roomFor(bytes: Buffer, maxBytes: number): number {
  const told = bytes.length >= 4 ? bytes.readUInt32LE(bytes.length - 4) : 0;
  return Math.max(MIN_ROOM_BYTES, Math.min(told, maxBytes) + 1);
}

/** A message that keeps no more than twice its size in memory, wherever it was unpacked. */
function withoutRoom(message: Buffer): Buffer {
  return message.length * 2 < message.buffer.byteLength ? Buffer.from(message) : message;
}

function unpackError(error: NodeJS.ErrnoException, maxBytes: number): GrpcStatus {
  if (error.code === 'ERR_BUFFER_TOO_LARGE') {
    return {
      code: Status.RESOURCE_EXHAUSTED,
      details: `Received message that decompresses to a size larger than ${maxBytes}`,
    };
  }
  return { code: Status.INTERNAL, details: 'Failed to decompress message' };
}
