/** A store that follows another one, as replication does it. */
import type { MessageStore } from '../../../../src/store/message-store';
import { run, texts, type TestStore } from './test-store';

/** Copies what the master has written beyond the replica's end, and lets all of it be seen. */
export async function catchUp(
  { store: master, sim }: TestStore,
  replica: TestStore,
  mostBytes = 1000,
): Promise<void> {
  const { replicated } = replica.store;
  while (replicated.endPosition < master.replicated.endPosition) {
    const piece = await run(sim, master.replicated.read(replicated.endPosition, mostBytes));
    replicated.follow(piece);
    expect(replicated.endPosition).toBe(piece.next);
  }
  replicated.confirm(master.visible);
  await settleTo(replica, master.visible);
}

export async function settleTo({ store, sim }: TestStore, position: number): Promise<void> {
  for (let turns = 0; turns < 100 && store.visible < position; turns++) await sim.settle();
  await sim.settle();
  expect(store.visible).toBe(position);
}

export interface QueueRef {
  readonly topic: string;
  readonly queueId: number;
}

/** Expects that both show the same messages at the same offsets. */
export async function expectSame(
  master: MessageStore,
  replica: MessageStore,
  queues: readonly QueueRef[],
): Promise<void> {
  for (const { topic, queueId } of queues) {
    expect(replica.minOffset(topic, queueId)).toBe(master.minOffset(topic, queueId));
    expect(replica.maxOffset(topic, queueId)).toBe(master.maxOffset(topic, queueId));
    expect(await texts(replica, topic, queueId)).toEqual(await texts(master, topic, queueId));
  }
}
