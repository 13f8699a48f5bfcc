/** Searches for messages on the wire. */
import type { FoundMessages, MessageSearch } from '../../api/message-search';
import type {
  FoundMessages as WireFound,
  FoundMessages__Output,
} from '../../rpc/generated/gantry/v1/FoundMessages';
import type {
  MessageSearch as WireSearch,
  MessageSearch__Output,
} from '../../rpc/generated/gantry/v1/MessageSearch';

export function searchToWire(search: MessageSearch): WireSearch {
  return {
    topic: search.topic,
    by: search.by,
    key: search.key,
    max_messages: search.maxMessages,
    begin_ms: search.beginMs,
    end_ms: search.endMs,
  };
}

/** @throws RangeError when it is of no known kind */
export function searchFromWire(wire: MessageSearch__Output): MessageSearch {
  const { by } = wire;
  if (by !== 'id' && by !== 'key' && by !== 'time') throw new RangeError(`no search by '${by}'`);
  return {
    topic: wire.topic,
    by,
    key: wire.key,
    maxMessages: wire.max_messages,
    beginMs: wire.begin_ms,
    endMs: wire.end_ms,
  };
}

export function foundToWire({ messages, complete }: FoundMessages): WireFound {
  return { messages: messages.map(({ broker, record }) => ({ broker, record })), complete };
}

export function foundFromWire({ messages, complete }: FoundMessages__Output): FoundMessages {
  return { messages: messages.map(({ broker, record }) => ({ broker, record })), complete };
}
