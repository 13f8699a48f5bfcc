import type { Frame__Output } from '../rpc/generated/gantry/v1/Frame';

/** A frame with its whole payload. */
export interface WholeFrame {
  readonly id: number;
  readonly kind: number;
  readonly method: string;
  readonly payload: Buffer;
}

/** Puts fragments together again. They come one after the other, so that there is one payload in the making. */
export class FrameReader {
  private first: Frame__Output | undefined;
  private parts: Buffer[] = [];
  private bytes = 0;

  /** @param payloadBytesMax largest payload taken, bytes */
  constructor(private readonly payloadBytesMax: number) {}

  /**
   * Takes a frame; answers a whole one, or `undefined` when more fragments must come.
   * @throws RangeError when the fragments do not belong together or grow too large: the stream is of no use any more
   */
  take(frame: Frame__Output): WholeFrame | undefined {
    const first = this.first;
    if (first === undefined && !frame.more) {
      this.count(frame);
      this.bytes = 0;
      return frame;
    }
    if (first !== undefined && (first.id !== frame.id || first.kind !== frame.kind)) {
      throw new RangeError(`frame ${frame.id} between the fragments of ${first.id}`);
    }
    this.count(frame);
    this.first ??= frame;
    this.parts.push(frame.payload);
    if (frame.more) return undefined;
    const { id, kind, method } = this.first;
    const payload = Buffer.concat(this.parts, this.bytes);
    this.first = undefined;
    this.parts = [];
    this.bytes = 0;
    return { id, kind, method, payload };
  }

  private count({ id, payload }: Frame__Output): void {
    this.bytes += payload.length;
    if (this.bytes <= this.payloadBytesMax) return;
    throw new RangeError(
      `payload of call ${id} has ${this.bytes} bytes or more, the limit is ${this.payloadBytesMax}`,
    );
  }
}
