import type {
  FollowerMessage,
  MasterMessage,
  ReplicationReceiver,
} from '../../../../src/api/replication-api';
import { FollowerFeed } from '../../../../src/broker/replication/follower-feed';
import type { ReplicatedLog } from '../../../../src/store/replicated-log';
import { SimClock } from '../../../support/sim-clock';

const PIECE = 256 * 1024;
const END = 64 * PIECE;

/** A master's feed of a log of 64 pieces to a follower that takes and acknowledges all at once. */
function feed(sim: SimClock, windowBytes: number, takes = true): () => number {
  let receiver: ReplicationReceiver<FollowerMessage> | undefined;
  let fed = 0;
  const log: Pick<ReplicatedLog, 'read' | 'writtenPosition'> = {
    writtenPosition: END,
    read: (position, mostBytes) => {
      const bytes = Buffer.alloc(mostBytes);
      return Promise.resolve({ position, bytes, damaged: false, next: position + mostBytes });
    },
  };
  const ack = (position: number): FollowerMessage => ({
    kind: 'ack',
    ack: {
      ...{ writtenPosition: position, syncedPosition: position, minPosition: 0 },
      ...{ wallMs: 0, heartbeatMs: 0, promiseMs: 0 },
    },
  });
  new FollowerFeed({
    ...{ log: log as ReplicatedLog, platform: sim, windowBytes, syncedAcks: true },
    stream: {
      open: (given) => (receiver = given),
      write: (message: MasterMessage) => {
        if (message.kind !== 'log') return true;
        fed = message.log.position + message.log.bytes.length;
        if (takes) receiver?.message(ack(fed));
        return true;
      },
      pause: () => undefined,
      resume: () => undefined,
      abort: (reason) => {
        throw new Error(reason);
      },
    },
    welcome: () =>
      Promise.resolve({
        ...{ epoch: 1, epochs: [], commonPosition: 0, fresh: undefined },
        handleKeys: Buffer.alloc(0),
      }),
    acknowledged: () => undefined,
    finished: () => Promise.resolve(),
    closed: () => undefined,
  });
  receiver?.message({
    kind: 'hello',
    hello: {
      ...{ brokerName: 'a', replicaId: 1, storeId: 's', address: '', epoch: 1 },
      ...{ segmentBytes: END, epochs: [], minPosition: 0, endPosition: 0 },
      handsOver: false,
    },
  });
  return () => fed;
}

describe('a follower that is far behind', () => {
  it('is fed without a rest while nobody else needs the event loop', async () => {
    const sim = new SimClock();
    const fed = feed(sim, END);
    await sim.settle();
    expect(fed()).toBe(END);
  });

  it('is fed a piece at a time while others need it, and comes to the end all the same', async () => {
    const sim = new SimClock();
    sim.lookMs = 5;
    const fed = feed(sim, END);
    await sim.settle();
    expect(fed()).toBe(PIECE);
    await sim.advance(200);
    expect(fed()).toBe(11 * PIECE);
    await sim.advance(2000);
    expect(fed()).toBe(END);
  });

  it('has no more under way than the window holds', async () => {
    const sim = new SimClock();
    const fed = feed(sim, 8 * PIECE, false);
    await sim.settle();
    expect(fed()).toBe(8 * PIECE);
  });
});
