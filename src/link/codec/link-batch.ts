/**
 * The batches of a link: frames from bytes and back, their payloads copied once on the way out and not at all on the way
 * in. Greetings and goodbyes are left to the protobuf loader's codec; both speak the same bytes.
 */
import { fieldBytes, numberBytes, SizedWriter } from '../../message/wire/sized-writer';
import { tagOf, WireReader, WireType } from '../../message/wire/wire-reader';
import type { Frame, Frame__Output } from '../../rpc/generated/gantry/v1/Frame';
import type { FrameKind__Output } from '../../rpc/generated/gantry/v1/FrameKind';
import type { GantryBrokerDefinition } from '../../rpc/generated/gantry/v1/GantryBroker';
import type { LinkBatch, LinkBatch__Output } from '../../rpc/generated/gantry/v1/LinkBatch';

type LinkDefinition = GantryBrokerDefinition['Link'];

const FRAMES = 1;
const Field = { ID: 1, KIND: 2, METHOD: 3, PAYLOAD: 4, MORE: 5 } as const;
const TAG = {
  FRAME: tagOf(FRAMES, WireType.BYTES),
  ID: tagOf(Field.ID, WireType.VARINT),
  KIND: tagOf(Field.KIND, WireType.VARINT),
  METHOD: tagOf(Field.METHOD, WireType.BYTES),
  PAYLOAD: tagOf(Field.PAYLOAD, WireType.BYTES),
  MORE: tagOf(Field.MORE, WireType.VARINT),
} as const;

/** A frame as `FrameWriter` makes it: numbers and bytes, nothing left out. */
interface PlainFrame {
  readonly id: number;
  readonly kind: FrameKind__Output;
  /** ASCII. */
  readonly method: string;
  readonly payload: Uint8Array;
  readonly more: boolean;
}

/** The link's method with codecs of its own. */
export function linkDefinition(loaded: LinkDefinition): LinkDefinition {
  const serialize = (batch: LinkBatch): Buffer =>
    writeFrames(batch) ?? loaded.requestSerialize(batch);
  const deserialize = (bytes: Buffer): LinkBatch__Output =>
    readFrames(bytes) ?? loaded.requestDeserialize(bytes);
  return {
    ...loaded,
    requestSerialize: serialize,
    requestDeserialize: deserialize,
    responseSerialize: serialize,
    responseDeserialize: deserialize,
  };
}

/** `undefined` when there is more in the batch than frames. Hot path. */
function writeFrames({ frames, hello, goodbye }: LinkBatch): Buffer | undefined {
  if (frames === undefined || hello !== undefined || goodbye !== undefined) return undefined;
  let bytes = 0;
  for (const frame of frames) {
    if (!isPlain(frame)) return undefined;
    bytes += fieldBytes(frameBytes(frame));
  }
  const writer = new SizedWriter(bytes);
  for (const frame of frames) {
    if (!isPlain(frame)) return undefined;
    writer.head(FRAMES, frameBytes(frame));
    writer.number(Field.ID, frame.id);
    writer.number(Field.KIND, frame.kind);
    writer.text(Field.METHOD, frame.method, frame.method.length);
    writer.bytes(Field.PAYLOAD, frame.payload);
    writer.number(Field.MORE, Number(frame.more));
  }
  return writer.target;
}

function isPlain(frame: Frame | PlainFrame): frame is PlainFrame {
  const { id, kind, method, payload, more } = frame;
  return (
    typeof id === 'number' &&
    typeof kind === 'number' &&
    typeof method === 'string' &&
    payload instanceof Uint8Array &&
    typeof more === 'boolean'
  );
}

function frameBytes({ id, kind, method, payload, more }: PlainFrame): number {
  const texts = fieldBytes(method.length) + fieldBytes(payload.length);
  return numberBytes(id) + numberBytes(kind) + texts + numberBytes(Number(more));
}

/**
 * The payloads are views of the bytes; `undefined` when there is more in the batch than frames. Hot path.
 * @throws RangeError when the bytes are no batch
 */
function readFrames(bytes: Buffer): LinkBatch__Output | undefined {
  const reader = new WireReader(bytes);
  const frames: Frame__Output[] = [];
  for (let tag = reader.tag(); tag !== 0; tag = reader.tag()) {
    if (tag !== TAG.FRAME) return undefined;
    const outer = reader.enter();
    frames.push(readFrame(reader));
    reader.leave(outer);
  }
  return { frames, hello: null, goodbye: false };
}

const EMPTY = Buffer.alloc(0);

function readFrame(reader: WireReader): Frame__Output {
  let id = 0;
  let kind = 0;
  let method = '';
  let payload: Buffer = EMPTY;
  let more = false;
  for (let tag = reader.tag(); tag !== 0; tag = reader.tag()) {
    if (tag === TAG.ID) id = reader.int64();
    else if (tag === TAG.KIND) kind = reader.int32();
    else if (tag === TAG.METHOD) method = reader.string();
    else if (tag === TAG.PAYLOAD) payload = reader.view();
    else if (tag === TAG.MORE) more = reader.bool();
    else reader.skip(tag);
  }
  // A kind that is none is refused by who takes the frame.
  return { id, kind: kind as FrameKind__Output, method, payload, more };
}
