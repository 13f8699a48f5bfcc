/**
 * checkpoint: Apache RocketMQ's note of what was flushed, 4096 bytes, zeros behind these. We write
 * it so that Apache can open the directory; our own is gantry/mark.
 *
 *      0 physicMsgTimestamp 8     16 indexMsgTimestamp 8       32 confirmPhyOffset 8
 *      8 logicsMsgTimestamp 8     24 masterFlushedOffset 8     40 logicsPhysicalOffset 8
 */
import { writeInt64 } from '../message/int64';

export const CHECKPOINT_BYTES = 4096;

export interface Checkpoint {
  /** Store time of the last record that was synced. */
  readonly physicMsgTimestamp: number;
  /** Store time of the last record whose ConsumeQueue entry was synced. */
  readonly logicsMsgTimestamp: number;
  /** Position of that record; 0 when unknown. */
  readonly logicsPhysicalOffset: number;
  /** Store time of the last record in the newest index file that is full and synced; 0 without one. */
  readonly indexMsgTimestamp: number;
}

export function encodeCheckpoint(checkpoint: Checkpoint): Buffer {
  const bytes = Buffer.alloc(CHECKPOINT_BYTES);
  writeInt64(bytes, checkpoint.physicMsgTimestamp, 0);
  writeInt64(bytes, checkpoint.logicsMsgTimestamp, 8);
  writeInt64(bytes, checkpoint.indexMsgTimestamp, 16);
  writeInt64(bytes, checkpoint.logicsPhysicalOffset, 40);
  return bytes;
}
