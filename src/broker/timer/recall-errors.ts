/** Why a message that waits, or waited, cannot be recalled. */
import type { RecallRequest } from '../../api/delayed-api';
import { Code, StatusError } from '../../message/status';

export function unknown({ topic, messageId, deliverMs }: RecallRequest): StatusError {
  return new StatusError(
    Code.MESSAGE_NOT_FOUND,
    `no message ${messageId} of topic ${topic} that was due at ${deliverMs} is known, or not any more`,
  );
}

export function delivered({ topic, messageId }: RecallRequest): StatusError {
  return new StatusError(
    Code.MESSAGE_NOT_FOUND,
    `message ${messageId} of topic ${topic} has been delivered already`,
  );
}

export function dropped({ topic, messageId }: RecallRequest): StatusError {
  return new StatusError(
    Code.MESSAGE_NOT_FOUND,
    `message ${messageId} was dropped: at its time topic ${topic} or its queue did not exist`,
  );
}
