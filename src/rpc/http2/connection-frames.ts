/** What both sides of a connection ask of frames alike (RFC 9113, sections 3.4 and 6). */
import { frameSizeError, protocolError } from './error-code';
import { Flag, FrameType } from './frame';
import type { Sender } from './sender';
import { readSettings, Setting, SETTING_BYTES } from './settings';
import type { SendingStream } from './stream';

/** A frame where it lies: its payload is `bytes[start .. end)`. */
export interface WholeFrame {
  readonly flags: number;
  readonly streamId: number;
  readonly bytes: Buffer;
  readonly start: number;
  readonly end: number;
}

/** What answers such frames. */
type Answers = Pick<Sender<SendingStream>, 'frame' | 'limitHeaderTable' | 'pump'>;

/**
 * Hot path.
 * @param before frames that came before this one
 * @param midBlock whether a header block has begun and not ended
 * @throws ConnectionError for a frame that is out of turn
 */
export function needInTurn(type: number, before: number, midBlock: boolean): void {
  if (before === 0 && type !== FrameType.SETTINGS) {
    throw protocolError('the first frame is not SETTINGS');
  }
  if (midBlock && type !== FrameType.CONTINUATION) {
    throw protocolError('a frame inside a header block');
  }
}

/**
 * Where the data of DATA ends that lies from `from` to `to` with its padding. Hot path.
 * @throws ConnectionError for padding without room
 */
export function dataEnd(flags: number, bytes: Buffer, from: number, to: number): number {
  if ((flags & Flag.PADDED) === 0) return to;
  const end = to - (bytes[from] ?? 0);
  if (end <= from) throw protocolError('DATA has no room for its padding');
  return end;
}

/**
 * Obeys SETTINGS, and acknowledges them.
 * @param changePeerWindow takes what the peer lets a stream send
 * @returns whether they are the peer's acknowledgement of ours
 */
export function takeSettings(
  { flags, streamId, bytes, start, end }: WholeFrame,
  sender: Answers,
  changePeerWindow: (bytes: number) => void,
): boolean {
  needConnectionStream(streamId);
  const ack = (flags & Flag.ACK) !== 0;
  if ((end - start) % SETTING_BYTES !== 0 || (ack && end > start)) {
    throw frameSizeError('SETTINGS');
  }
  if (ack) return true;
  readSettings(bytes, start, end, (identifier, value) => {
    if (identifier === Setting.HEADER_TABLE_SIZE) sender.limitHeaderTable(value);
    else if (identifier === Setting.INITIAL_WINDOW_SIZE) changePeerWindow(value);
  });
  sender.frame(FrameType.SETTINGS, Flag.ACK, 0);
  sender.pump(); // after the acknowledgement: the peer knows now which window it opened
  return false;
}

/** Answers PING; returns what it holds when it answers one of ours. */
export function takePing(
  { flags, streamId, bytes, start, end }: WholeFrame,
  sender: Answers,
): Buffer | undefined {
  needConnectionStream(streamId);
  if (end - start !== 8) throw frameSizeError('PING');
  const payload = bytes.subarray(start, end);
  if ((flags & Flag.ACK) !== 0) return payload;
  sender.frame(FrameType.PING, Flag.ACK, 0, payload);
  return undefined;
}

/** @throws ConnectionError for GOAWAY that is none */
export function needGoAway(streamId: number, bytes: number): void {
  needConnectionStream(streamId);
  if (bytes < 8) throw frameSizeError('GOAWAY');
}

function needConnectionStream(streamId: number): void {
  if (streamId !== 0) throw protocolError('a frame about the connection on a stream');
}
