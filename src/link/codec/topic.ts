/** Topics on the wire. */
import type { TopicConfig, TopicType } from '../../api/topic';
import type {
  TopicConfig as Wire,
  TopicConfig__Output,
} from '../../rpc/generated/gantry/v1/TopicConfig';
import { TopicType as WireType } from '../../rpc/generated/gantry/v1/TopicType';
import { missing } from './missing';

const wireTypes = {
  NORMAL: WireType.NORMAL,
  FIFO: WireType.FIFO,
  DELAY: WireType.DELAY,
  TRANSACTION: WireType.TRANSACTION,
  PRIORITY: WireType.PRIORITY,
  LITE: WireType.LITE,
  MIXED: WireType.MIXED,
} as const satisfies Record<TopicType, number>;

const types = new Map<number, TopicType>(
  (Object.keys(wireTypes) as TopicType[]).map((type) => [wireTypes[type], type]),
);

export function typeToWire(type: TopicType): WireType {
  return wireTypes[type];
}

/** @throws RangeError when it is not known. */
export function typeFromWire(wire: { readonly name: string; readonly type: number }): TopicType {
  const type = types.get(wire.type);
  if (type === undefined) throw new RangeError(`topic ${wire.name} has unknown type ${wire.type}`);
  return type;
}

export function topicToWire(topic: TopicConfig): Wire {
  return {
    name: topic.name,
    type: typeToWire(topic.type),
    queues: topic.queues,
    generations: (topic.generations ?? []).map((generation) => ({
      brokers: generation.map(({ brokerName, queues }) => ({ broker_name: brokerName, queues })),
    })),
    settled: topic.settled ?? 0,
    ...(topic.liteIdleMs === undefined ? {} : { lite_idle_ms: topic.liteIdleMs }),
    gone: (topic.gone ?? []).map(({ brokerName, generation }) => ({
      ...{ broker_name: brokerName, generation },
    })),
  };
}

/** @throws RangeError when there is none, or its type is not known. */
export function topicFromWire(wire: TopicConfig__Output | null): TopicConfig {
  if (wire === null) throw missing('topic');
  const { name, queues, settled } = wire;
  const gone = wire.gone.map((part) => ({
    ...{ brokerName: part.broker_name, generation: part.generation },
  }));
  const generations = wire.generations.map(({ brokers }) =>
    brokers.map((part) => ({ brokerName: part.broker_name, queues: part.queues })),
  );
  return {
    ...{ name, type: typeFromWire(wire), queues },
    ...(generations.length === 0 ? {} : { generations }),
    ...(settled === 0 ? {} : { settled }),
    ...(wire.lite_idle_ms === undefined ? {} : { liteIdleMs: wire.lite_idle_ms }),
    ...(gone.length === 0 ? {} : { gone }),
  };
}
