/** Compares the wall clocks of a broker group: delays, transactions and retention go by them. */
import type { Logger } from 'pino';
import type { Clock } from '../../platform/platform';

/** A replica whose clock is further off the others does not lead, ms. */
const CLOCK_OFF_MS = 500;
/** Messages that an estimate rests on. */
const SAMPLES = 8;
/**
 * A judgement counts for so long, ms: masters renew it with each heartbeat. With nobody there to renew it, a group with
 * a wrong clock is better than one without a master, and the clock may be right by now.
 */
const JUDGEMENT_MS = 30_000;

/** Keeps how far this replica's wall clock is ahead of each other one's. */
export class ClockCheck {
  private readonly samples = new Map<number, number[]>();
  private judgedOff = false;
  private judgedMs = 0;

  constructor(
    private readonly clock: Clock,
    private readonly log: Pick<Logger, 'info' | 'warn'>,
  ) {}

  /** Whether this replica is not to lead, as was judged last. */
  get off(): boolean {
    return this.offUntilMs > this.clock.monotonicMs();
  }

  /** Until when it is not to lead, should nobody judge again, monotonic ms. */
  get offUntilMs(): number {
    return this.judgedOff ? this.judgedMs + JUDGEMENT_MS : 0;
  }

  /** Judges this replica's clock, which is so far off the group's. */
  judge(offMs: number): void {
    const off = Math.abs(offMs) > CLOCK_OFF_MS;
    this.judgedMs = this.clock.monotonicMs();
    if (off === this.judgedOff) return;
    this.judgedOff = off;
    const detail = { offMs: Math.round(offMs), limitMs: CLOCK_OFF_MS };
    if (off) this.log.warn(detail, "the clock is off the group's: this replica is not to lead");
    else this.log.info(detail, 'the clock is right again');
  }

  /**
   * @param aheadMs this wall clock when a message came, minus the sender's when it left: too high by its way
   * @returns how far the sender's clock is off the group's, ms; negative: behind
   */
  note(replicaId: number, aheadMs: number): number {
    const kept = [...(this.samples.get(replicaId) ?? []), aheadMs].slice(-SAMPLES);
    this.samples.set(replicaId, kept);
    return -this.middleMs - this.aheadOf(replicaId);
  }

  clear(): void {
    this.samples.clear();
  }

  /** How far this clock is off the group's, ms: off that in the middle, or off nobody where only two are known. */
  get offMs(): number {
    return this.samples.size < 2 ? 0 : -this.middleMs;
  }

  /** The middle of the group's clocks, this one's being 0, ms. */
  private get middleMs(): number {
    const clocks = [0, ...[...this.samples.keys()].map((id) => -this.aheadOf(id))];
    if (clocks.length < 3) return 0;
    clocks.sort((one, other) => one - other);
    const upper = clocks[Math.floor(clocks.length / 2)] ?? 0;
    const lower = clocks[Math.floor((clocks.length - 1) / 2)] ?? 0;
    return (upper + lower) / 2;
  }

  /** The message that was quickest tells best. */
  private aheadOf(replicaId: number): number {
    return Math.min(...(this.samples.get(replicaId) ?? [0]));
  }
}
