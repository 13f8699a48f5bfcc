/**
 * Receives that wait for a message, in order of arrival for each group and topic. One ends when it
 * is served, when its time is over, when its caller goes away, or when its group or topic is deleted.
 */
import type { PopRequest } from '../../api/broker-api';
import type { RecordFilter } from '../../message/filter';
import { OldestFirst } from '../../message/oldest-first';
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
  readonly ledgers: GroupTopic;
  /** Names client and attempt, `undefined` without an attempt id. */
  readonly attempt: string | undefined;
  readonly timer: TimerHandle;
  readonly unlisten: () => void;
}

type Queue = OldestFirst<Poll, ParkedPoll>;

export class ParkedPolls {
  /** By topic, since messages arrive by topic. */
  private readonly parked = new Map<string, Map<GroupTopic, Queue>>();
  private readonly byAttempt = new Map<string, ParkedPoll>();
  private count = 0;

  constructor(
    private readonly timers: Timers,
    private readonly limits: { readonly maxPolls: number; readonly maxPollsPerLedger: number },
  ) {}

  /**
   * Parks a poll; one of the same client with the same attempt id ends.
   * @throws StatusError TOO_MANY_REQUESTS when a bound on waiting polls is reached
   */
  park(ledgers: GroupTopic, poll: Poll, signal: AbortSignal): void {
    const { clientId, attemptId, pollMs } = poll.request;
    this.endAttempt(clientId, attemptId);
    const polls = this.queueOf(ledgers) ?? new OldestFirst<Poll, ParkedPoll>();
    this.checkBounds(ledgers, polls.size);
    const leave = (): void => {
      if (this.remove(parkedPoll)) poll.end([]);
    };
    signal.addEventListener('abort', leave, { once: true });
    const parkedPoll: ParkedPoll = {
      ledgers,
      attempt: attemptOf(clientId, attemptId),
      timer: this.timers.after(pollMs, leave),
      unlisten: () => signal.removeEventListener('abort', leave),
      // Last: to spread and then add costs many times as much.
      ...poll,
    };
    polls.set(parkedPoll, parkedPoll);
    if (polls.size === 1) this.addQueue(ledgers, polls);
    if (parkedPoll.attempt !== undefined) this.byAttempt.set(parkedPoll.attempt, parkedPoll);
    this.count++;
  }

  has(ledgers: GroupTopic): boolean {
    return this.queueOf(ledgers) !== undefined;
  }

  /** Groups of which polls wait on a topic; they may cease to while this is walked. Hot path. */
  waitingOn(topic: string): Iterable<GroupTopic> {
    return this.parked.get(topic)?.keys() ?? [];
  }

  /** The polls that wait, the oldest first; they may end while this is walked. */
  waiting(ledgers: GroupTopic): Iterable<Poll> {
    return this.queueOf(ledgers)?.values() ?? [];
  }

  isWaiting(ledgers: GroupTopic, poll: Poll): boolean {
    return this.queueOf(ledgers)?.has(poll) ?? false;
  }

  /** Takes a poll off the list; `false` when it has ended meanwhile. */
  claim(ledgers: GroupTopic, poll: Poll): boolean {
    const parkedPoll = this.queueOf(ledgers)?.get(poll);
    return parkedPoll !== undefined && this.remove(parkedPoll);
  }

  /** Ends the poll of a client with that attempt id, wherever it waits: the client has asked again. Hot path. */
  endAttempt(clientId: string, attemptId: string): void {
    const attempt = attemptOf(clientId, attemptId);
    const poll = attempt === undefined ? undefined : this.byAttempt.get(attempt);
    if (poll !== undefined && this.remove(poll)) poll.end([]);
  }

  /** Fails the polls of ledgers that are no more. */
  failAll(matches: (ledgers: GroupTopic) => boolean, error: StatusError): void {
    for (const queues of this.parked.values()) {
      for (const [ledgers, polls] of queues) {
        if (!matches(ledgers)) continue;
        for (const poll of polls.values()) if (this.remove(poll)) poll.fail(error);
      }
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

  private queueOf(ledgers: GroupTopic): Queue | undefined {
    return this.parked.get(ledgers.topic)?.get(ledgers);
  }

  private addQueue(ledgers: GroupTopic, polls: Queue): void {
    let queues = this.parked.get(ledgers.topic);
    if (queues === undefined) {
      queues = new Map();
      this.parked.set(ledgers.topic, queues);
    }
    queues.set(ledgers, polls);
  }

  private remove(poll: ParkedPoll): boolean {
    const { ledgers, attempt } = poll;
    const queues = this.parked.get(ledgers.topic);
    const polls = queues?.get(ledgers);
    if (queues === undefined || polls === undefined || !polls.delete(poll)) return false;
    if (polls.size === 0) queues.delete(ledgers);
    if (queues.size === 0) this.parked.delete(ledgers.topic);
    if (attempt !== undefined) this.byAttempt.delete(attempt);
    this.count--;
    poll.timer.cancel();
    poll.unlisten();
    return true;
  }
}

function attemptOf(clientId: string, attemptId: string): string | undefined {
  return attemptId === '' ? undefined : `${clientId}\n${attemptId}`;
}
