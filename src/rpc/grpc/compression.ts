/** gzip of messages. What comes in is unpacked off the event loop and up to a limit. */
import { constants, gunzip, gzipSync } from 'node:zlib';
import { status as Status } from '@grpc/grpc-js';
import type { GrpcStatus } from './status';

/** Smaller answers are not worth it. */
const MIN_GZIP_BYTES = 1024;

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

/**
 * Unpacks a message that its flags call compressed.
 * @param encoding what the request's `grpc-encoding` says
 * @returns the message, or the status that answers instead: UNIMPLEMENTED for an encoding that is not gzip,
 *   RESOURCE_EXHAUSTED above `maxBytes`, INTERNAL for bytes that are not gzip's
 */
export function unpack(
  bytes: Buffer,
  encoding: string,
  maxBytes: number,
): Promise<Buffer | GrpcStatus> {
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
    gunzip(bytes, { maxOutputLength: maxBytes }, (error, message) => {
      if (error === null) resolve(message);
      else resolve(unpackError(error, maxBytes));
    });
  });
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
