import type { QueueReset, ResetRequest } from '../../../../src/api/offset-api';
import { Code } from '../../../../src/message/status';
import { handleOf, never, readyBench, type BrokerBench } from '../../../support/broker-bench';
import { idsOf, popRequest } from '../../../support/test-broker';

function reset(
  bench: BrokerBench,
  changes: Partial<ResetRequest> = {},
): Promise<readonly QueueReset[]> {
  const request = { group: 'g', topic: 't', queueId: undefined, dryRun: false };
  const to = { at: 'beginning' } as const;
  return bench.drive(bench.broker.offsets.reset({ ...request, to, ...changes }));
}

describe('a reset', () => {
  it('cancels what is in flight: acknowledging, changing and forwarding it are refused', async () => {
    const bench = await readyBench();
    await bench.send('t', 'a');
    const popped = await bench.pop();
    const handle = { group: 'g', topic: 't', ...handleOf(popped) };
    expect(await reset(bench)).toMatchObject([{ again: 1, cancelled: 1 }]);
    const { broker } = bench;
    const refusal = { code: Code.INVALID_RECEIPT_HANDLE };
    expect(await bench.ack(popped)).toEqual([Code.INVALID_RECEIPT_HANDLE]);
    const changing = broker.changeInvisible({ ...handle, invisibleMs: 1, suspend: false });
    await expect(bench.drive(changing)).rejects.toMatchObject(refusal);
    await expect(bench.drive(broker.forwardToDeadLetterQueue(handle))).rejects.toMatchObject({
      message: expect.stringContaining('was made before a reset') as string,
    });
    const again = await bench.pop();
    expect([idsOf(again), again[0]?.attempt]).toEqual([['a'], 1]);
  });

  it('wakes receives that wait', async () => {
    const bench = await readyBench();
    await bench.send('t', 'a');
    await bench.ack(await bench.pop());
    const waiting = bench.broker.pop(popRequest('g', 't', { pollMs: 20_000 }), never);
    await bench.sim.settle();
    await reset(bench);
    expect(idsOf(await bench.drive(waiting))).toEqual(['a']);
  });

  it('of one queue leaves what is in flight of others', async () => {
    const bench = await readyBench({}, 2);
    await bench.send('t', 'a', '', 0);
    const popped = await bench.pop();
    await bench.send('t', 'b', '', 1);
    await reset(bench, { queueId: 1, to: { at: 'end' } });
    expect(idsOf(await bench.pop())).toEqual([]);
    expect(await bench.ack(popped)).toEqual([Code.OK]);
  });

  it('outlives a crash, also one after a snapshot, with the handles that it has voided', async () => {
    const bench = await readyBench();
    for (const id of ['a', 'b']) await bench.send('t', id);
    const popped = await bench.pop({ maxMessages: 1 });
    await reset(bench, { to: { at: 'end' } });
    await bench.kill();
    expect(await bench.ack(popped)).toEqual([Code.INVALID_RECEIPT_HANDLE]);
    // The stop takes a snapshot.
    await bench.restart();
    expect(await bench.ack(popped)).toEqual([Code.INVALID_RECEIPT_HANDLE]);
    expect(idsOf(await bench.pop())).toEqual([]);
    expect(await reset(bench)).toMatchObject([{ from: 2, to: 0, again: 2, cancelled: 0 }]);
  });

  it('gives a message again that was moved to the dead letter queue', async () => {
    const bench = await readyBench();
    await bench.send('t', 'a');
    const forwarded = { group: 'g', topic: 't', ...handleOf(await bench.pop()) };
    await bench.drive(bench.broker.forwardToDeadLetterQueue(forwarded));
    await reset(bench);
    const again = await bench.pop();
    expect(idsOf(again)).toEqual(['a']);
    expect(await bench.ack(again)).toEqual([Code.OK]);
    await bench.kill();
    expect(idsOf(await bench.pop())).toEqual([]);
  });
});
