/**
 * What must hold of the parts that read a client's bytes, whatever those are: the same bytes mean the same in every way
 * that they may be cut into pieces, what is wrong with them is said by the error that ends a connection and by no other,
 * and nothing that they say makes more memory be kept than the limits allow.
 */
import fc from 'fast-check';
import { MessageReader } from '../../../src/rpc/grpc/message-frame';
import { ConnectionError } from '../../../src/rpc/http2/error-code';
import { FrameReader } from '../../../src/rpc/http2/frame-reader';
import { HpackDecoder } from '../../../src/rpc/http2/hpack-decoder';
import { frame, uint32 } from '../../unit/rpc/http2/raw-client';
import { BLOCKS_TABLE_BYTES, BlockWriter, headerBlock } from './header-blocks';
import { inPieces, mutated, pieceSizes } from './mutations';

const FRAME_BYTES = 64;
const LIST_BYTES = 400;
const MESSAGE_BYTES = 300;

/** What reading told, line by line, and how it ended: with an error's code, or not. */
function told(read: (say: (line: string) => void) => void): readonly string[] {
  const lines: string[] = [];
  try {
    read((line) => lines.push(line));
  } catch (error) {
    if (!(error instanceof ConnectionError)) throw error;
    lines.push(`error ${error.code}`);
  }
  return lines;
}

const frames = fc
  .array(
    fc
      .tuple(fc.nat(11), fc.nat(255), fc.nat(9), fc.uint8Array({ maxLength: FRAME_BYTES + 2 }))
      .map(([type, flags, streamId, payload]) => frame(type, flags, streamId, payload)),
    { maxLength: 12 },
  )
  .map((all) => Buffer.concat(all));

function readFrames(pieces: Iterable<Buffer>): readonly string[] {
  return told((say) => {
    const reader = new FrameReader(FRAME_BYTES, (type, flags, streamId, bytes, start, end) => {
      say(`${type} ${flags} ${streamId} ${bytes.toString('hex', start, end)}`);
      return true;
    });
    for (const piece of pieces) reader.push(piece);
    say(reader.midFrame ? 'inside a frame' : 'between frames');
  });
}

export const framesProperty = fc.property(mutated(frames), pieceSizes, (bytes, sizes) => {
  expect(readFrames(inPieces(bytes, sizes))).toEqual(readFrames([bytes]));
});

const blocks = fc.array(headerBlock, { maxLength: 6 });

export const rightBlocksProperty = fc.property(blocks, (all) => {
  const writer = new BlockWriter();
  const decoder = new HpackDecoder(BLOCKS_TABLE_BYTES, 1 << 20);
  for (const instructions of all) {
    const { bytes, fields } = writer.write(instructions);
    const read = decoder.decode(bytes, 0, bytes.length);
    expect(read.map(({ name, value }) => [name, value])).toEqual(fields);
  }
});

const mutatedBlocks = blocks.chain((all) => {
  const writer = new BlockWriter();
  return fc.tuple(...all.map((block) => mutated(fc.constant(writer.write(block).bytes), 2)));
});

/** Reads the blocks, each at some place within other bytes. */
function readBlocks(all: readonly Buffer[], margin: number): readonly string[] {
  const decoder = new HpackDecoder(BLOCKS_TABLE_BYTES, LIST_BYTES);
  return told((say) => {
    for (const block of all) {
      const around = Buffer.alloc(margin, 0xff);
      const bytes = Buffer.concat([around, block, around]);
      const fields = decoder.decode(bytes, margin, margin + block.length);
      const size = fields.reduce((sum, field) => sum + field.bytes, 0);
      expect(size).toBeLessThanOrEqual(LIST_BYTES);
      say(fields.map(({ name, value, kind }) => `${kind} ${name}: ${value}`).join('\n'));
      say(decoder.overflowed ? 'too many fields' : 'all fields');
    }
  });
}

export const blocksProperty = fc.property(mutatedBlocks, fc.nat(20), (all, margin) => {
  expect(readBlocks(all, margin)).toEqual(readBlocks(all, 0));
});

const messages = fc
  .array(
    fc
      .tuple(fc.constantFrom(0, 0, 1), fc.uint8Array({ maxLength: MESSAGE_BYTES + 2 }))
      .map(([flags, body]) => Buffer.concat([Buffer.of(flags), uint32(body.length), body])),
    { maxLength: 6 },
  )
  .map((all) => Buffer.concat(all));

function readMessages(pieces: Iterable<Buffer>): { lines: readonly string[]; held: number } {
  let held = 0;
  const lines = told((say) => {
    let wanted = true;
    const reader = new MessageReader(MESSAGE_BYTES, {
      onMessage: (compressed, message) => {
        say(`${compressed} ${message.toString('hex')}`);
        return true;
      },
      onBadMessage: (flags, length) => {
        say(`bad ${flags} ${length}`);
        wanted = false;
      },
      onHold: (bytes) => {
        held += bytes;
        return true;
      },
    });
    for (const piece of pieces) if (wanted) reader.push(piece, 0, piece.length);
    if (wanted) say(reader.midMessage ? 'inside a message' : 'between messages');
  });
  return { lines, held };
}

export const messagesProperty = fc.property(mutated(messages), pieceSizes, (bytes, sizes) => {
  const { lines, held } = readMessages(inPieces(bytes, sizes));
  expect(lines).toEqual(readMessages([bytes]).lines);
  // No message announces itself larger in memory than it may become.
  expect(held).toBeLessThanOrEqual((lines.length + 1) * MESSAGE_BYTES);
});
