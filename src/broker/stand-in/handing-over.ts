import type { FinishedQueue, FollowerStream } from '../../api/replication-api';

/** Tells a master what a follower finished while it stood in, piece by piece on one stream. */
export class HandingOver {
  private over: Error | undefined;
  private answer: { taken(): void; failed(reason: Error): void } | undefined;

  /** @param stream paused: it is again when all is told, so that nothing of the log comes before that is noted here */
  constructor(private readonly stream: Pick<FollowerStream, 'write' | 'pause' | 'resume'>) {}

  /**
   * Resolves when the master has all of it.
   * @throws Error when the stream breaks before
   */
  async send(pieces: readonly (readonly FinishedQueue[])[]): Promise<void> {
    for (const [i, queues] of pieces.entries()) {
      const last = i === pieces.length - 1;
      await new Promise<void>((taken, failed) => {
        if (this.over !== undefined) throw this.over;
        this.answer = { taken, failed };
        this.stream.write({ kind: 'finished', finished: { queues, last } });
        this.stream.resume();
      });
    }
  }

  /** The master has the last piece. */
  taken(): void {
    this.stream.pause();
    this.answer?.taken();
  }

  /** The stream is over. */
  broken(reason: string): void {
    this.over = new Error(reason);
    this.answer?.failed(this.over);
  }
}
