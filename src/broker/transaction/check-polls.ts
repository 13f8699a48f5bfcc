/**
 * Brings transactions whose producers are to be asked together with proxies that have such producers. A
 * transaction goes to another proxy than the last time where one waits.
 */
import type { TakeChecksRequest } from '../../api/transaction-api';
import { Code, StatusError } from '../../message/status';
import type { Timers } from '../../platform/platform';
import type { Pending } from './pending';

/** Proxies that wait, at most. */
const MAX_POLLS = 1000;
const MAX_TOPICS = 10_000;
/** Of one answer. */
const MAX_CHECKS = 64;
const MAX_BYTES = 4 * 1024 * 1024;
/** Transactions looked at in one turn of the event loop. */
const MAX_A_TURN = 1024;

interface Poll {
  readonly proxyId: string;
  readonly topics: ReadonlySet<string>;
  readonly taken: Pending[];
  bytes: number;
  readonly end: (taken: readonly Pending[]) => void;
}

export class CheckPolls {
  /** By topic, those that are due. */
  private readonly ready = new Map<string, Set<Pending>>();
  /** The one that has waited longest first. */
  private readonly polls = new Set<Poll>();
  private scheduled = false;

  /** @param onTaken called with what a proxy gets, in the turn in which it does */
  constructor(
    private readonly timers: Timers,
    private readonly onTaken: (pending: Pending, proxyId: string) => void,
  ) {}

  add(pending: Pending): void {
    let ready = this.ready.get(pending.topic);
    if (ready === undefined) {
      ready = new Set();
      this.ready.set(pending.topic, ready);
    }
    ready.add(pending);
    this.schedule();
  }

  delete(pending: Pending): void {
    const ready = this.ready.get(pending.topic);
    if (ready?.delete(pending) === true && ready.size === 0) this.ready.delete(pending.topic);
  }

  /** Waits for transactions of the topics; empty when the time is over, or `signal` fires. */
  wait(request: TakeChecksRequest, signal: AbortSignal): Promise<readonly Pending[]> {
    const { proxyId, topics, pollMs } = request;
    if (topics.length > MAX_TOPICS) {
      const text = `topics has ${topics.length} entries, the limit is ${MAX_TOPICS}`;
      return Promise.reject(new StatusError(Code.BAD_REQUEST, text));
    }
    if (this.polls.size >= MAX_POLLS) {
      const text = `${this.polls.size} proxies wait for checks, the limit is ${MAX_POLLS}`;
      return Promise.reject(new StatusError(Code.TOO_MANY_REQUESTS, text));
    }
    if (signal.aborted) return Promise.resolve([]);
    return new Promise((resolve) => {
      const stop = (): void => poll.end([]);
      const poll: Poll = {
        ...{ proxyId, topics: new Set(topics), taken: [], bytes: 0 },
        end: (taken) => {
          this.polls.delete(poll);
          timer.cancel();
          signal.removeEventListener('abort', stop);
          resolve(taken);
        },
      };
      const timer = this.timers.after(pollMs, stop);
      signal.addEventListener('abort', stop);
      this.polls.add(poll);
      this.schedule();
    });
  }

  /** Ends all waits. */
  close(): void {
    for (const poll of [...this.polls]) poll.end([]);
  }

  private schedule(): void {
    if (this.scheduled || this.ready.size === 0 || this.polls.size === 0) return;
    this.scheduled = true;
    this.timers.nextTurn(() => {
      this.scheduled = false;
      this.serve();
    });
  }

  private serve(): void {
    let looked = 0;
    for (const topic of [...this.topicsWanted()]) {
      for (const pending of [...(this.ready.get(topic) ?? [])]) {
        if (looked++ >= MAX_A_TURN) break;
        const poll = this.pollFor(pending);
        if (poll === undefined) break;
        this.delete(pending);
        poll.taken.push(pending);
        poll.bytes += pending.bytes;
        this.onTaken(pending, poll.proxyId);
      }
    }
    for (const poll of [...this.polls]) if (poll.taken.length > 0) poll.end(poll.taken);
  }

  private *topicsWanted(): Iterable<string> {
    for (const topic of this.ready.keys()) {
      for (const poll of this.polls) {
        if (!poll.topics.has(topic)) continue;
        yield topic;
        break;
      }
    }
  }

  private pollFor({ topic, lastProxy }: Pending): Poll | undefined {
    let fallback: Poll | undefined;
    for (const poll of this.polls) {
      const full = poll.taken.length >= MAX_CHECKS || poll.bytes >= MAX_BYTES;
      if (full || !poll.topics.has(topic)) continue;
      if (poll.proxyId !== lastProxy) return poll;
      fallback ??= poll;
    }
    return fallback;
  }
}
