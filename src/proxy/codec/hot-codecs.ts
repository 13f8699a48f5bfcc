/**
 * The API's hot messages have codecs of their own, which read only what counts and write without a detour over
 * objects. All other methods keep those of the protobuf loader. Both speak the same bytes.
 */
import type { ServiceDefinition } from '@grpc/grpc-js';
import {
  readAckMessage,
  readChangeInvisibleDuration,
  writeAckMessageAnswer,
  writeChangeInvisibleDurationAnswer,
} from './ack-codec';
import { writePullMessageItem } from './pull-codec';
import { readReceiveMessage, writeReceiveMessageItem } from './receive-codec';
import { readSendMessage, writeSendMessageAnswer } from './send-codec';

const codecs = {
  SendMessage: { requestDeserialize: readSendMessage, responseSerialize: writeSendMessageAnswer },
  ReceiveMessage: {
    requestDeserialize: readReceiveMessage,
    responseSerialize: writeReceiveMessageItem,
  },
  PullMessage: { responseSerialize: writePullMessageItem },
  AckMessage: { requestDeserialize: readAckMessage, responseSerialize: writeAckMessageAnswer },
  ChangeInvisibleDuration: {
    requestDeserialize: readChangeInvisibleDuration,
    responseSerialize: writeChangeInvisibleDurationAnswer,
  },
} as const;

/**
 * The messaging service as a proxy serves it.
 * @throws RangeError when the definition lacks a method that has a codec here
 */
export function withHotCodecs(definition: ServiceDefinition): ServiceDefinition {
  const methods = { ...definition };
  for (const [name, codec] of Object.entries(codecs)) {
    const method = definition[name];
    if (method === undefined) throw new RangeError(`the service has no method ${name}`);
    methods[name] = { ...method, ...codec };
  }
  return methods;
}
