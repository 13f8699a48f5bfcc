/**
 * Receives that wait for a message, in order of arrival for each group and topic. One ends when it
 * is served, when its time is over, when its caller goes away, or when its group or topic is deleted.
 */
import type { PopRequest } from '../../api/broker-api';
import type { RecordFilter } from '../../message/filter';
import { Code, StatusError } from '../../message/status';
import type { TimerHandle, Timers } from '../../platform/platform';
import type { GroupTopic } from './group-topic';
import type { Selection } from './selection-pass';

export interface Poll {
  readonly request: PopRequest;
  readonly filter: RecordFilter | undefined;
  /** Ends the poll with what was taken for it; an empty selection ends it without a message. */
  readonly end: (selection: Selection) => void;
  readonly fail: (error: StatusError) => void;
}

interface ParkedPoll extends Poll {
  readonly timer: TimerHandle;
  readonly unlisten: () => void;
}

export class ParkedPolls {
  private readonly parked = new Map<GroupTopic, Set<ParkedPoll>>();
  private count = 0;

  constructor(
    private readonly timers: Timers,
    private readonly limits: { readonly maxPolls: number; readonly maxPollsPerLedger: number },
  ) {}

  /** @throws StatusError TOO_MANY_REQUESTS when a bound on waiting polls is reached */
  park(ledgers: GroupTopic, poll: Poll, signal: AbortSignal): void {
    const polls = this.parked.get(ledgers) ?? new Set<ParkedPoll>();
    this.checkBounds(ledgers, polls.size);
    const leave = (): void => {
      if (this.remove(ledgers, parkedPoll)) poll.end([]);
    };
    signal.addEventListener('abort', leave, { once: true });
    const parkedPoll: ParkedPoll = {
      ...poll,
      timer: this.timers.after(poll.request.pollMs, leave),
      unlisten: () => signal.removeEventListener('abort', leave),
    };
    polls.add(parkedPoll);
    this.parked.set(ledgers, polls);
    this.count++;
  }

  has(ledgers: GroupTopic): boolean {
    return this.parked.has(ledgers);
  }

  /** The polls that wait, the oldest first; they may end while this is walked. */
  waiting(ledgers: GroupTopic): Iterable<Poll> {
    return this.parked.get(ledgers) ?? [];
  }

  isWaiting(ledgers: GroupTopic, poll: Poll): boolean {
    return this.parked.get(ledgers)?.has(poll as ParkedPoll) ?? false;
  }

  /** Takes a poll off the list; `false` when it has ended meanwhile. */
  claim(ledgers: GroupTopic, poll: Poll): boolean {
    return this.remove(ledgers, poll as ParkedPoll);
  }

  /** Ends the polls of one client with that attempt id, wherever they wait: it has asked again. */
  endAttempt(clientId: string, attemptId: string): void {
    for (const [ledgers, polls] of this.parked) {
      for (const poll of polls) {
        const { request } = poll;
        if (request.attemptId !== attemptId || request.clientId !== clientId) continue;
        if (this.remove(ledgers, poll)) poll.end([]);
      }
    }
  }

  /** Fails the polls of ledgers that are no more. */
  failAll(matches: (ledgers: GroupTopic) => boolean, error: StatusError): void {
    for (const [ledgers, polls] of this.parked) {
      if (!matches(ledgers)) continue;
      for (const poll of polls) if (this.remove(ledgers, poll)) poll.fail(error);
    }
  }

  private checkBounds(ledgers: GroupTopic, here: number): void {
    const { maxPolls, maxPollsPerLedger } = this.limits;
    if (here >= maxPollsPerLedger) {
      throw new StatusError(
        Code.TOO_MANY_REQUESTS,
        `${here} receives of group ${ledgers.group} wait on topic ${ledgers.topic}, the limit is ${maxPollsPerLedger}`,
      );
    }
    if (this.count >= maxPolls) {
      throw new StatusError(
        Code.TOO_MANY_REQUESTS,
        `${this.count} receives wait on this broker, the limit is ${maxPolls}`,
      );
    }
  }

  private remove(ledgers: GroupTopic, poll: ParkedPoll): boolean {
    const polls = this.parked.get(ledgers);
    if (polls === undefined || !polls.delete(poll)) return false;
    if (polls.size === 0) this.parked.delete(ledgers);
    this.count--;
    poll.timer.cancel();
    poll.unlisten();
    return true;
  }
}
