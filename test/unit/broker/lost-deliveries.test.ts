import { join } from 'node:path';
import type { PopResult } from '../../../src/api/broker-api';
import { Property } from '../../../src/message/properties';
import { Code } from '../../../src/message/status';
import { BrokerBench } from '../../support/broker-bench';
import { idsOf } from '../../support/test-broker';

async function lossBench(fifo: boolean): Promise<BrokerBench> {
  const bench = await new BrokerBench().open();
  await bench.topic('t');
  await bench.group({ fifo });
  await bench.subscribe('g', 't');
  return bench;
}

async function sendAll(bench: BrokerBench, ...ids: string[]): Promise<void> {
  for (const id of ids) {
    await bench.send('t', id, '', 0, { [Property.SHARDINGKEY]: id.slice(0, 1) });
  }
}

/** Loses power: what the log holds from `position` on, with all views of it, is gone. */
async function lose(bench: BrokerBench, position: number): Promise<void> {
  await bench.kill(async (files) => {
    const [name = ''] = await files.list('/broker/commitlog');
    const handle = await files.open(join('/broker/commitlog', name), 'write');
    await handle.write([Buffer.alloc(100_000)], position);
    await handle.close();
  });
}

function positionOf(bench: BrokerBench): number {
  return bench.running?.store.visible ?? 0;
}

/** Receives, and loses that it was done. */
async function popAndForget(bench: BrokerBench, maxMessages = 32): Promise<PopResult> {
  const position = positionOf(bench);
  const popped = await bench.pop({ maxMessages });
  await lose(bench, position);
  return popped;
}

describe('an acknowledgement of a delivery that the log has lost', () => {
  it.each([[false], [true]])(
    'counts, in any order, and what was not acknowledged comes (FIFO %s)',
    async (fifo) => {
      const bench = await lossBench(fifo);
      await sendAll(bench, 'a1', 'b1', 'c1');
      const popped = await popAndForget(bench);
      expect(await bench.ack(popped.slice(2))).toEqual([Code.OK]);
      expect(await bench.ack(popped.slice(0, 1))).toEqual([Code.OK]);
      await bench.restart();
      expect(await bench.ack(popped.slice(2))).toEqual([Code.OK]);
      const again = await bench.pop();
      expect(idsOf(again)).toEqual(['b1']);
      expect(again[0]?.attempt).toBe(1);
      expect(await bench.ack(popped.slice(1, 2))).toEqual([Code.INVALID_RECEIPT_HANDLE]);
    },
  );

  it('keeps the order of the message group behind it', async () => {
    const bench = await lossBench(true);
    await sendAll(bench, 'a1', 'a2', 'a3');
    const popped = await popAndForget(bench, 2);
    expect(await bench.ack(popped.slice(0, 1))).toEqual([Code.OK]);
    expect(idsOf(await bench.pop({ maxMessages: 1 }))).toEqual(['a2']);
    expect(await bench.pop()).toEqual([]);
  });

  it('is refused when the message was lost too and another has its place', async () => {
    const bench = await lossBench(false);
    await sendAll(bench, 'a1');
    const position = positionOf(bench);
    await sendAll(bench, 'a2');
    const popped = await bench.pop();
    await lose(bench, position);
    await sendAll(bench, 'a3');
    expect(await bench.ack(popped)).toEqual([Code.OK, Code.INVALID_RECEIPT_HANDLE]);
    expect(idsOf(await bench.pop())).toEqual(['a3']);
  });

  it('is refused when there is no message at its offset', async () => {
    const bench = await lossBench(false);
    await sendAll(bench, 'a1');
    const position = positionOf(bench);
    await sendAll(bench, 'a2');
    const popped = await bench.pop();
    await lose(bench, position);
    expect(await bench.ack(popped.slice(1))).toEqual([Code.INVALID_RECEIPT_HANDLE]);
  });
});
