/** Brokers that join and leave, as the command line asks a proxy for it. A part of `AdminApi`. */
import type { TopicType } from './topic';

/** Queues of a topic that take new messages, on each broker that has or gets some. */
export interface TopicMove {
  readonly topic: string;
  readonly type: TopicType;
  readonly brokers: readonly {
    readonly broker: string;
    readonly before: number;
    readonly after: number;
  }[];
}

export interface RebalanceRequest {
  /** None: all. */
  readonly topics: readonly string[];
  /** Brokers that are to hold them, too; none: all that do not drain. */
  readonly brokers: readonly string[];
  /** Only tells what it would do. */
  readonly dryRun: boolean;
}

export interface DrainRequest {
  readonly broker: string;
  /** It takes new messages again. */
  readonly undo: boolean;
  /** Only tells what it would do. */
  readonly dryRun: boolean;
}

export interface LeaveRequest {
  readonly broker: string;
  /** Also with messages on it that are not finished: they are lost. */
  readonly force: boolean;
  /** Only tells what it would do. */
  readonly dryRun: boolean;
}

/**
 * - `ready`, `in-flight`: of a group of consumers.
 * - `unread`: of a topic that no group has begun on there.
 * - `delayed`, `transactions`: they wait for their time, or their producer.
 */
export type UnfinishedKind = 'ready' | 'in-flight' | 'unread' | 'delayed' | 'transactions';

/** Messages on a broker that somebody may still want. */
export interface Unfinished {
  readonly topic: string;
  /** '' where it concerns none. */
  readonly group: string;
  readonly kind: UnfinishedKind;
  readonly messages: number;
}

export interface LeaveReport {
  /** Whether it holds nothing any more. */
  readonly left: boolean;
  readonly unfinished: readonly Unfinished[];
}

export interface ForgetRequest {
  readonly broker: string;
  /** Only tells what it would do. */
  readonly dryRun: boolean;
}

export interface MembershipApi {
  /**
   * Gives topics to brokers that do not hold them; answers what changes. Each message group keeps its order.
   * @throws StatusError TOPIC_NOT_FOUND, BAD_REQUEST (no such broker), FORBIDDEN (a limit)
   */
  rebalance(request: RebalanceRequest): Promise<readonly TopicMove[]>;
  /**
   * No new messages go to a broker any more, its topics go to the others; or that ends. May be repeated.
   * @throws StatusError BAD_REQUEST (no such broker), FORBIDDEN (no other broker takes messages, a limit)
   */
  drainBroker(request: DrainRequest): Promise<readonly TopicMove[]>;
  /**
   * A drained broker leaves, unless something unfinished lies there: its topics are deleted there.
   * @throws StatusError BAD_REQUEST (no such broker), FORBIDDEN (it is not drained)
   */
  leaveBroker(request: LeaveRequest): Promise<LeaveReport>;
  /**
   * Gives up a broker that is away for ever, with all that lies there: nobody waits for it any more.
   * @throws StatusError BAD_REQUEST (it, or a replica, is there), FORBIDDEN (no other broker takes messages, a limit)
   */
  forgetBroker(request: ForgetRequest): Promise<readonly TopicMove[]>;
}
