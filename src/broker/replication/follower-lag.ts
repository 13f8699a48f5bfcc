/**
 * For how long a follower has not had all of the log. It need never have all at a time while the log grows: it had
 * all of a moment when it has come to where the log ended then.
 *
 *     --------- log at that moment ---------|------ since -----
 *     ---- acknowledged ----------------------->|
 */
export class FollowerLag {
  private hadAllMs: number;
  private aim: { readonly end: number; readonly atMs: number };

  /** @param nowMs by the monotonic clock, as all times here */
  constructor(nowMs: number) {
    this.hadAllMs = nowMs;
    this.aim = { end: 0, atMs: nowMs };
  }

  /** Looks where the follower is, and where the log ends. */
  note(acknowledged: number, end: number, nowMs: number): void {
    if (acknowledged < this.aim.end) return;
    this.hadAllMs = acknowledged >= end ? nowMs : this.aim.atMs;
    this.aim = { end, atMs: nowMs };
  }

  /** 0 for one that has all, ms. */
  lagMs(acknowledged: number, end: number, nowMs: number): number {
    return acknowledged >= end ? 0 : nowMs - this.hadAllMs;
  }
}
