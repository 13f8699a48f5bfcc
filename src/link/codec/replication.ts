/** Replication's messages on the wire. */
import type {
  Finished,
  FollowerMessage,
  Hello,
  MasterMessage,
  Welcome,
} from '../../api/replication-api';
import type {
  Finished as FinishedWire,
  Finished__Output,
} from '../../rpc/generated/gantry/v1/Finished';
import type {
  FollowerMessage as FollowerWire,
  FollowerMessage__Output,
} from '../../rpc/generated/gantry/v1/FollowerMessage';
import type { Heartbeat__Output } from '../../rpc/generated/gantry/v1/Heartbeat';
import type { Hello as HelloWire, Hello__Output } from '../../rpc/generated/gantry/v1/Hello';
import type {
  MasterMessage as MasterWire,
  MasterMessage__Output,
} from '../../rpc/generated/gantry/v1/MasterMessage';
import type {
  Welcome as WelcomeWire,
  Welcome__Output,
} from '../../rpc/generated/gantry/v1/Welcome';
import { missing } from './missing';

export function followerToWire(message: FollowerMessage): FollowerWire {
  if (message.kind === 'hello') return { hello: helloToWire(message.hello) };
  if (message.kind === 'finished') return { finished: finishedToWire(message.finished) };
  const { ack } = message;
  return {
    ack: {
      written_position: ack.writtenPosition,
      synced_position: ack.syncedPosition,
      min_position: ack.minPosition,
      wall_ms: Math.floor(ack.wallMs),
      heartbeat_ms: ack.heartbeatMs,
      promise_ms: Math.floor(ack.promiseMs),
    },
  };
}

/** @throws RangeError when it is of no known kind */
export function followerFromWire(message: FollowerMessage__Output): FollowerMessage {
  const { hello, ack, finished } = message;
  if (hello) return { kind: 'hello', hello: helloFromWire(hello) };
  if (finished) return { kind: 'finished', finished: finishedFromWire(finished) };
  if (!ack) throw missing('kind');
  return {
    kind: 'ack',
    ack: {
      writtenPosition: ack.written_position,
      syncedPosition: ack.synced_position,
      minPosition: ack.min_position,
      wallMs: ack.wall_ms,
      heartbeatMs: ack.heartbeat_ms,
      promiseMs: ack.promise_ms,
    },
  };
}

export function masterToWire(message: MasterMessage): MasterWire {
  switch (message.kind) {
    case 'welcome':
      return { welcome: welcomeToWire(message.welcome) };
    case 'taken':
      return { taken: {} };
    case 'log':
      return { log: message.log };
    case 'heartbeat': {
      const { heartbeat } = message;
      return {
        heartbeat: {
          sent_ms: heartbeat.sentMs,
          wall_ms: Math.floor(heartbeat.wallMs),
          clock_off_ms: heartbeat.clockOffMs,
          confirmed_position: heartbeat.confirmedPosition,
          min_position: heartbeat.minPosition,
          end_position: heartbeat.endPosition,
          views_begin: heartbeat.viewsBegin,
          views_end: heartbeat.viewsEnd,
          in_sync: [...heartbeat.inSync],
          promise_ms: Math.floor(heartbeat.promiseMs),
        },
      };
    }
  }
}

/** @throws RangeError when it is of no known kind */
export function masterFromWire(message: MasterMessage__Output): MasterMessage {
  const { welcome, log, heartbeat, taken } = message;
  if (welcome) return { kind: 'welcome', welcome: welcomeFromWire(welcome) };
  if (log) return { kind: 'log', log };
  if (taken) return { kind: 'taken' };
  if (heartbeat) return { kind: 'heartbeat', heartbeat: heartbeatFromWire(heartbeat) };
  throw missing('kind');
}

function heartbeatFromWire(
  wire: Heartbeat__Output,
): Extract<MasterMessage, { kind: 'heartbeat' }>['heartbeat'] {
  return {
    sentMs: wire.sent_ms,
    wallMs: wire.wall_ms,
    clockOffMs: wire.clock_off_ms,
    confirmedPosition: wire.confirmed_position,
    minPosition: wire.min_position,
    endPosition: wire.end_position,
    viewsBegin: wire.views_begin,
    viewsEnd: wire.views_end,
    inSync: wire.in_sync,
    promiseMs: wire.promise_ms,
  };
}

function helloToWire(hello: Hello): HelloWire {
  return {
    broker_name: hello.brokerName,
    replica_id: hello.replicaId,
    store_id: hello.storeId,
    address: hello.address,
    epoch: hello.epoch,
    segment_bytes: hello.segmentBytes,
    epochs: [...hello.epochs],
    min_position: hello.minPosition,
    end_position: hello.endPosition,
    hands_over: hello.handsOver,
  };
}

function helloFromWire(wire: Hello__Output): Hello {
  return {
    brokerName: wire.broker_name,
    replicaId: wire.replica_id,
    storeId: wire.store_id,
    address: wire.address,
    epoch: wire.epoch,
    segmentBytes: wire.segment_bytes,
    epochs: wire.epochs,
    minPosition: wire.min_position,
    endPosition: wire.end_position,
    handsOver: wire.hands_over,
  };
}

function finishedToWire({ queues, last }: Finished): FinishedWire {
  return {
    queues: queues.map(({ queueId: queue_id, ranges, ...queue }) => {
      return { ...queue, queue_id, ranges: [...ranges] };
    }),
    last,
  };
}

function finishedFromWire({ queues, last }: Finished__Output): Finished {
  return {
    queues: queues.map(({ queue_id: queueId, ...queue }) => ({ ...queue, queueId })),
    last,
  };
}

function welcomeToWire(welcome: Welcome): WelcomeWire {
  const { epoch, epochs, commonPosition: common_position, fresh, handleKeys } = welcome;
  const wire = { epoch, epochs: [...epochs], common_position, handle_keys: handleKeys };
  if (fresh === undefined) return wire;
  const empty_queues = fresh.emptyQueues.map(({ topic, queueId: queue_id, next }) => {
    return { topic, queue_id, next };
  });
  const { position, deletedTopics } = fresh;
  return { ...wire, fresh: { position, empty_queues, deleted_topics: [...deletedTopics] } };
}

function welcomeFromWire(wire: Welcome__Output): Welcome {
  const { epoch, epochs, common_position: commonPosition, fresh, handle_keys: handleKeys } = wire;
  return {
    ...{ epoch, epochs, commonPosition, handleKeys },
    fresh: fresh
      ? {
          position: fresh.position,
          emptyQueues: fresh.empty_queues.map(({ topic, queue_id: queueId, next }) => {
            return { topic, queueId, next };
          }),
          deletedTopics: fresh.deleted_topics,
        }
      : undefined,
  };
}
