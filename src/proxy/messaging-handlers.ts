/** The messaging service's handlers: the loader's shapes, and for the hot methods those of their own codecs. */
import type { handleServerStreamingCall, handleUnaryCall } from '@grpc/grpc-js';
import type { MessagingServiceHandlers as LoadedHandlers } from '../rpc/generated/apache/rocketmq/v2/MessagingService';
import type {
  AckMessageAnswer,
  AckMessageCall,
  ChangeInvisibleDurationAnswer,
  ChangeInvisibleDurationCall,
} from './codec/ack-codec';
import type { ReceiveMessageCall, ReceiveMessageItem } from './codec/receive-codec';
import type { SendMessageAnswer, SendMessageCall } from './codec/send-codec';

type HotHandlers = {
  readonly SendMessage: handleUnaryCall<SendMessageCall, SendMessageAnswer>;
  readonly ReceiveMessage: handleServerStreamingCall<ReceiveMessageCall, ReceiveMessageItem>;
  readonly AckMessage: handleUnaryCall<AckMessageCall, AckMessageAnswer>;
  readonly ChangeInvisibleDuration: handleUnaryCall<
    ChangeInvisibleDurationCall,
    ChangeInvisibleDurationAnswer
  >;
};

/** The methods by their names, without the index signature that comes with generated handlers. */
type ColdHandlers = {
  readonly [
    Name in keyof LoadedHandlers as string extends Name
      ? never
      : number extends Name
        ? never
        : Name extends keyof HotHandlers
          ? never
          : Name
  ]: LoadedHandlers[Name];
};

export type MessagingServiceHandlers = HotHandlers & ColdHandlers;
