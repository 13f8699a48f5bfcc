import { javaHashCode } from '../../src/message/java-hash';
import { jumpHash } from '../../src/message/jump-hash';

/** The place of a message group's queue among `queues` of a topic that has not grown over brokers. */
export function orderedQueue(messageGroup: string, queues: number): number {
  return jumpHash(javaHashCode(messageGroup), queues);
}
