import { Property } from '../../src/message/properties';
import type { BrokerBench } from './broker-bench';
import { idsOf } from './test-broker';

export const HOUR_MS = 3_600_000;

/** The broker's wall clock. */
export function wall(bench: BrokerBench): number {
  return bench.sim.clock.wallMs();
}

/** Sends a message that is due in so many milliseconds; answers when that is. */
export async function sendIn(
  bench: BrokerBench,
  id: string,
  ms: number,
  topic = 't',
): Promise<number> {
  const deliverMs = wall(bench) + ms;
  await bench.send(topic, id, '', 0, { [Property.TIMER_DELIVER_MS]: String(deliverMs) });
  return deliverMs;
}

export async function recall(bench: BrokerBench, id: string, deliverMs: number): Promise<void> {
  await bench.drive(bench.broker.recall({ topic: 't', messageId: id, deliverMs }));
}

/** Receives what there is, for a long time. */
export const popIds = async (bench: BrokerBench): Promise<string[]> =>
  idsOf(await bench.pop({ invisibleMs: 24 * HOUR_MS }));
