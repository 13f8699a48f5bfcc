import type { Unpacker } from './compression';
import type { DeadlineWheel } from './deadline-wheel';

/** What calls need of their server. */
export interface CallHost {
  readonly deadlines: DeadlineWheel;
  readonly unpacker: Unpacker;
  readonly maxReceiveBytes: number;
  readonly maxSendBytes: number;
  readonly compressAnswers: boolean;
  monotonicMs(): number;
  wallMs(): number;
  callEnded(): void;
  /** A handler threw. */
  handlerFailed(path: string, error: unknown): void;
}
