/**
 * How far groups of consumers are on the other brokers of a topic that has grown. Another broker is asked
 * while somebody waits to receive; its answer comes when the group has gone on there. What a group has
 * finished on all brokers is logged, so that it holds while one of them is away.
 */
import type { Logger } from 'pino';
import type { GroupProgress, ProgressRequest } from '../../api/broker-api';
import type { TopicConfig } from '../../api/topic';
import { isGone, joinedIn } from '../../api/topic-generations';
import { Code, toStatusError } from '../../message/status';
import type { Platform } from '../../platform/platform';
import type { GroupTopic } from '../pop/group-topic';
import type { LedgerLog } from '../pop/ledger-log';
import type { Peers } from './peers';

export interface PeerProgressParts {
  readonly brokerName: string;
  readonly platform: Pick<Platform, 'clock' | 'timers'>;
  readonly logger: Logger;
  readonly log: LedgerLog;
  readonly peers: Peers;
  /** Told when queues may have opened to a group. */
  readonly opened: (ledgers: GroupTopic) => void;
}

/** What is known of one group on one topic. */
interface Known {
  /** When its receives last stood before closed queues, monotonic milliseconds. */
  wantedMs: number;
  /** The newest generation that it has finished, by broker. */
  readonly finished: Map<string, number>;
  readonly asking: Set<string>;
}

/** How long another broker keeps a question. */
const POLL_MS = 20_000;
/** A question that failed is asked again after this. */
const RETRY_MS = 1_000;
/** Nobody asks on for a group that has not received for this long. */
const WANTED_MS = 60_000;
/** Questions under way; what is beyond is asked when the group receives again. */
const MAX_QUESTIONS = 10_000;

export class PeerProgress {
  private readonly known = new WeakMap<GroupTopic, Known>();
  /** The questions under way; one signal for all would have thousands of listeners. */
  private readonly running = new Set<AbortController>();
  private closed = false;
  private questions = 0;

  constructor(private readonly parts: PeerProgressParts) {}

  /**
   * The newest generation that a group has finished on all brokers; asks those of which that is not known.
   * @param here the newest one that it has finished on this broker
   */
  finished(ledgers: GroupTopic, topic: TopicConfig, here: number): number {
    while (ledgers.opened < here) {
      const next = ledgers.opened + 1;
      const others = this.othersIn(topic, next);
      const known = this.knownOf(ledgers);
      const behind = others.filter((name) => (known.finished.get(name) ?? 0) < next);
      if (behind.length > 0) {
        known.wantedMs = this.parts.platform.clock.monotonicMs();
        for (const name of behind) void this.ask(ledgers, known, name, next);
        break;
      }
      ledgers.opened = next;
      if (others.length > 0) this.note(ledgers);
    }
    return Math.min(ledgers.opened, here);
  }

  /**
   * The generation since which a group that begins here now has been on the topic, when that is before this broker
   * had a part in it: all that is here is new to it then. Also when a broker that would know does not answer.
   */
  async sinceBefore(group: string, topic: TopicConfig): Promise<number | undefined> {
    const before = joinedIn(topic.generations ?? [], this.parts.brokerName) - 1;
    const request = { group, topic: topic.name, generation: 0, pollMs: 0 };
    const answers = await Promise.all(
      [...this.othersUpTo(topic, before)].map((name) =>
        this.progress(name, request).then(
          ({ since }) => since,
          () => before,
        ),
      ),
    );
    const earlier = answers.filter((since) => since > 0 && since <= before);
    return earlier.length === 0 ? undefined : Math.min(...earlier);
  }

  /** Logs what a start could not know otherwise. */
  note({ group, topic, since, opened }: GroupTopic): void {
    this.parts.log.add({ kind: 'open', group, topic, since, opened });
  }

  close(): void {
    this.closed = true;
    for (const call of this.running) call.abort();
  }

  /** The other brokers of the generations up to one (0: none) that may hold something of them. */
  private othersUpTo(topic: TopicConfig, last: number): ReadonlySet<string> {
    const generations = Array.from({ length: last }, (_, i) => i + 1);
    return new Set(generations.flatMap((generation) => this.othersIn(topic, generation)));
  }

  /** The other brokers of a generation (the first is 1) that may hold something of it. */
  private othersIn(topic: TopicConfig, generation: number): readonly string[] {
    return (topic.generations?.[generation - 1] ?? [])
      .map(({ brokerName }) => brokerName)
      .filter((name) => name !== this.parts.brokerName && !isGone(topic, name, generation));
  }

  private knownOf(ledgers: GroupTopic): Known {
    let known = this.known.get(ledgers);
    if (known === undefined) {
      known = { wantedMs: 0, finished: new Map(), asking: new Set() };
      this.known.set(ledgers, known);
    }
    return known;
  }

  private async ask(
    ledgers: GroupTopic,
    known: Known,
    brokerName: string,
    generation: number,
  ): Promise<void> {
    if (known.asking.has(brokerName) || this.questions >= MAX_QUESTIONS) return;
    known.asking.add(brokerName);
    this.questions++;
    const { group, topic } = ledgers;
    const request = { group, topic, generation, pollMs: POLL_MS };
    for (let finished = 0; finished < generation && this.isWanted(ledgers, known);) {
      try {
        ({ finished } = await this.progress(brokerName, request));
        known.finished.set(brokerName, finished);
      } catch (err) {
        this.parts.logger.debug({ err, brokerName, group, topic }, 'progress of a group not known');
        await new Promise<void>((resolve) => this.parts.platform.timers.after(RETRY_MS, resolve));
      }
    }
    this.questions--;
    known.asking.delete(brokerName);
    if (!this.closed && !ledgers.dropped) this.parts.opened(ledgers);
  }

  private isWanted(ledgers: GroupTopic, { wantedMs }: Known): boolean {
    if (ledgers.dropped || this.closed) return false;
    return this.parts.platform.clock.monotonicMs() - wantedMs < WANTED_MS;
  }

  /** A broker that does not have the topic holds nothing that anybody could have to finish. */
  private async progress(brokerName: string, request: ProgressRequest): Promise<GroupProgress> {
    const call = new AbortController();
    this.running.add(call);
    try {
      return await this.parts.peers.get(brokerName).groupProgress(request, call.signal);
    } catch (error) {
      if (toStatusError(error).code !== Code.TOPIC_NOT_FOUND) throw error;
      return { finished: Infinity, since: 0 };
    } finally {
      this.running.delete(call);
    }
  }
}
