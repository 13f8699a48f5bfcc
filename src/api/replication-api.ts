/**
 * What the brokers of one group ask of each other. A follower opens one stream to its master: it says hello,
 * the master answers with a welcome, then log bytes come in order and acknowledgements go back. The same in one
 * process, over gRPC (proto/gantry/v1/replication.proto) and in simulation.
 *
 * Positions are bytes of the CommitLog. Clocks: `wallMs` is the sender's wall clock, `sentMs` the master's
 * monotonic one, which followers only hand back.
 */

/** An epoch is a mastership: the log from `start` on, up to the next epoch's start, was first written by its master. */
export interface EpochStart {
  readonly epoch: number;
  readonly start: number;
}

/** A follower's first message: who it is, and what it has. */
export interface Hello {
  readonly brokerName: string;
  readonly replicaId: number;
  /** Made with its store: a replica that lost its disk says another one, and is not in sync, whatever it was before. */
  readonly storeId: string;
  /** `host:port` of its own listener. */
  readonly address: string;
  /** The highest epoch that it has heard of: a master of a lower one is none any more. */
  readonly epoch: number;
  /** Length of its CommitLog files; it must be the master's. */
  readonly segmentBytes: number;
  /** Ascending, at most 1,000; none: its log was never replicated. */
  readonly epochs: readonly EpochStart[];
  readonly minPosition: number;
  /** Its log ends here; all below is synced. */
  readonly endPosition: number;
  /** It has stood in for its master, and tells what it finished before it takes log bytes. */
  readonly handsOver: boolean;
}

/** Messages of a queue that a group finished on a replica that stood in. */
export interface FinishedQueue {
  readonly group: string;
  readonly topic: string;
  readonly queueId: number;
  /** Of the group's ledger of the queue; when the master's is another one, nothing of this counts. */
  readonly generation: number;
  /** All below is finished: what a client that keeps offsets has said. */
  readonly below: number;
  /** Ascending. */
  readonly ranges: readonly { readonly from: number; readonly count: number }[];
}

/** A piece of what a replica finished; the master answers each with `taken`, when it is on stable storage there. */
export interface Finished {
  readonly queues: readonly FinishedQueue[];
  /** The last piece: log bytes come from now on. */
  readonly last: boolean;
}

/** What the follower has got, at once under load and at least every 5 s. */
export interface ReplicaAck {
  readonly writtenPosition: number;
  readonly syncedPosition: number;
  readonly minPosition: number;
  readonly wallMs: number;
  /** `sentMs` of the newest heartbeat that asked for a promise; 0 without one. */
  readonly heartbeatMs: number;
  /** It does not campaign for so long, counted from the sending of that heartbeat; 0: no promise. */
  readonly promiseMs: number;
}

export type FollowerMessage =
  | { readonly kind: 'hello'; readonly hello: Hello }
  | { readonly kind: 'finished'; readonly finished: Finished }
  | { readonly kind: 'ack'; readonly ack: ReplicaAck };

/** Where a follower's log begins that has nothing to go on with, and what the log does not tell it. */
export interface FreshStart {
  /** Begin of one of the master's CommitLog files. */
  readonly position: number;
  /** Queues whose records are all gone: they go on with `next`. */
  readonly emptyQueues: readonly {
    readonly topic: string;
    readonly queueId: number;
    readonly next: number;
  }[];
  /** Records of a topic below its position belong to a deleted one of that name. */
  readonly deletedTopics: readonly { readonly topic: string; readonly position: number }[];
}

/** The master's answer to a hello. */
export interface Welcome {
  readonly epoch: number;
  readonly epochs: readonly EpochStart[];
  /**
   * The end of what both logs have in common. Below the follower's end: it cuts its log to here, and says
   * hello again; at its end: log bytes follow from here on.
   */
  readonly commonPosition: number;
  /** The follower's log is of no use: it begins anew here, and says hello again. */
  readonly fresh: FreshStart | undefined;
  /** Keys of receipt handles as the master's file holds them: they travel only here. */
  readonly handleKeys: Buffer;
}

/** Whole records, of one CommitLog file, in order. */
export interface LogBytes {
  readonly position: number;
  readonly bytes: Buffer;
  /** CRC-32 of `bytes`. */
  readonly crc: number;
  /** Bytes that are damaged on the master's disk: no records, kept as they are. */
  readonly damaged: boolean;
}

/** Each second, and when `confirmedPosition` has moved and no log bytes say so. */
export interface Heartbeat {
  readonly sentMs: number;
  readonly wallMs: number;
  /** How far the follower's wall clock is off the group's, ms; negative: behind. */
  readonly clockOffMs: number;
  /** Readers may see what lies below: every member of the in-sync set has it. */
  readonly confirmedPosition: number;
  readonly minPosition: number;
  readonly endPosition: number;
  /** Where the newest whole snapshot of the broker's views begins and ends in the log; 0 and 0 without one. */
  readonly viewsBegin: number;
  readonly viewsEnd: number;
  /** Replica ids, the master's among them. */
  readonly inSync: readonly number[];
  /** Asks for the promise not to campaign for so long, counted from `sentMs`; 0: does not ask. */
  readonly promiseMs: number;
}

export type MasterMessage =
  | { readonly kind: 'welcome'; readonly welcome: Welcome }
  | { readonly kind: 'taken' }
  | { readonly kind: 'log'; readonly log: LogBytes }
  | { readonly kind: 'heartbeat'; readonly heartbeat: Heartbeat };

/** One end of a stream of messages both ways. */
export interface ReplicationStream<Out, In> {
  /** Says who takes what comes; nothing is delivered before. */
  open(receiver: ReplicationReceiver<In>): void;
  /** False asks the caller to wait for `drained` before it writes more; the message is taken all the same. */
  write(message: Out): boolean;
  /** No more messages are delivered, and the other end is slowed down, until `resume`. */
  pause(): void;
  resume(): void;
  /** Breaks the stream at once; the other end sees the reason where the transport can say it. */
  abort(reason: string): void;
}

export interface ReplicationReceiver<In> {
  message(message: In): void;
  /** May be written to again. */
  drained(): void;
  /** The last call, and the only one of its kind: the stream is over, orderly or not. */
  closed(reason: string): void;
}

export type FollowerStream = ReplicationStream<FollowerMessage, MasterMessage>;
export type MasterStream = ReplicationStream<MasterMessage, FollowerMessage>;

/** How a follower reaches its master. */
export interface ReplicationApi {
  /**
   * Opens a stream at once; what is wrong with it is told to its receiver.
   * @param address `host:port` of the master's listener
   */
  connect(address: string): FollowerStream;
}

/** Who takes the streams of followers; one that does not lead breaks them. */
export interface ReplicationServer {
  accept(stream: MasterStream): void;
}
