/** The order of PRIORITY topics: the queue of a message is its priority, the highest goes first. */
import { Property } from '../../../src/message/properties';
import { BrokerBench, never } from '../../support/broker-bench';
import { idsOf, popRequest, type TestBrokerOptions } from '../../support/test-broker';

const PRIORITIES = 4;
const MAX_MS = 30_000;

async function priorityBench(options: TestBrokerOptions = {}): Promise<BrokerBench> {
  const bench = await new BrokerBench(options).open();
  await bench.topic('t', PRIORITIES, 'PRIORITY');
  await bench.subscribe('g', 't');
  return bench;
}

/** Sends messages whose ids begin with their priority. */
async function send(bench: BrokerBench, ...ids: readonly string[]): Promise<void> {
  for (const id of ids) {
    const priority = id.charAt(0);
    await bench.send('t', id, '', Number(priority), { [Property.PRIORITY]: priority });
  }
}

/** Receives one message, and acknowledges it. */
async function next(bench: BrokerBench): Promise<string> {
  const popped = await bench.pop({ maxMessages: 1 });
  await bench.ack(popped);
  return idsOf(popped).join();
}

describe('of what is ready in a PRIORITY topic', () => {
  it('a higher priority is delivered first, and equal ones as they were sent', async () => {
    const bench = await priorityBench();
    await send(bench, '1a', '0a', '3a', '2a', '3b', '1b');
    expect(idsOf(await bench.pop({ maxMessages: 4 }))).toEqual(['3a', '3b', '2a', '1a']);
    await send(bench, '2b');
    expect(idsOf(await bench.pop())).toEqual(['2b', '1b', '0a']);
  });

  it('a message that comes again keeps its priority', async () => {
    const bench = await priorityBench();
    await send(bench, '0a', '1a', '2a');
    expect(idsOf(await bench.pop({ maxMessages: 2, invisibleMs: 1000 }))).toEqual(['2a', '1a']);
    await send(bench, '3a', '1b');
    await bench.sim.advance(1100);
    expect(idsOf(await bench.pop())).toEqual(['3a', '2a', '1a', '1b', '0a']);
  });

  it.each(['restart', 'kill'] as const)('the order holds over a %s', async (how) => {
    const bench = await priorityBench();
    await send(bench, '0a', '2a', '1a', '3a');
    expect(idsOf(await bench.pop({ maxMessages: 1 }))).toEqual(['3a']);
    await bench[how]();
    await bench.sim.advance(10_100);
    await send(bench, '2b');
    const order: string[] = [];
    for (let i = 0; i < 5; i++) order.push(await next(bench));
    expect(order).toEqual(['3a', '2a', '2b', '1a', '0a']);
  });

  it('a FIFO group of consumers gets the higher priority first, too', async () => {
    const bench = await new BrokerBench().open();
    await bench.topic('t', PRIORITIES, 'PRIORITY');
    await bench.group({ fifo: true });
    await bench.subscribe('g', 't');
    await send(bench, '0a', '2a', '1a', '2b');
    expect(idsOf(await bench.pop())).toEqual(['2a', '2b', '1a', '0a']);
  });

  it('receives that wait are served in the order of priorities', async () => {
    const bench = await priorityBench();
    const waiting = [1, 2].map(() =>
      bench.broker.pop(popRequest('g', 't', { maxMessages: 1, pollMs: 5000 }), never),
    );
    await bench.sim.settle();
    const drafts = ['0a', '1a', '3a'].map((id) => ({
      queueId: Number(id.charAt(0)),
      draft: bench.draft('t', id, { [Property.PRIORITY]: id.charAt(0) }),
    }));
    await bench.drive(Promise.all(drafts.map((request) => bench.broker.send(request))));
    const popped = await bench.drive(Promise.all(waiting));
    expect(popped.map(idsOf)).toEqual([['3a'], ['1a']]);
  });

  it('what does not fit into an answer is not overtaken by a lower one that does', async () => {
    const bench = await priorityBench({ settings: { maxPopBytes: 1200 } });
    const long = { [Property.PRIORITY]: '3', pad: 'x'.repeat(700) };
    for (const id of ['3a', '3b']) await bench.send('t', id, '', 3, long);
    await send(bench, '0a');
    expect(idsOf(await bench.pop())).toEqual(['3a']);
    expect(idsOf(await bench.pop())).toEqual(['3b', '0a']);
  });

  it('a higher one that must be read from a file is not overtaken', async () => {
    const bench = await priorityBench();
    await send(bench, '3a');
    await bench.restart();
    await send(bench, '0a');
    expect(await next(bench)).toBe('3a');
  });

  it('queues of other topics take turns', async () => {
    const bench = await new BrokerBench().open();
    await bench.topic('t', PRIORITIES);
    await bench.subscribe('g', 't');
    await send(bench, '0a', '3a', '3b', '1a', '2a');
    expect(idsOf(await bench.pop())).toEqual(['0a', '1a', '2a', '3a', '3b']);
  });
});

describe('a priority that is passed over', () => {
  it('is first again after a while, and the higher ones go on', async () => {
    const bench = await priorityBench();
    await send(bench, '0a', '3a', '3b', '3c', '3d', '3e');
    expect(await next(bench)).toBe('3a');
    await bench.sim.advance(MAX_MS - 100);
    expect(await next(bench)).toBe('3b');
    await bench.sim.advance(100);
    expect(await next(bench)).toBe('0a');
    expect(await next(bench)).toBe('3c');
  });

  it('waits from the first receive that passes it over, not while nobody receives', async () => {
    const bench = await priorityBench();
    await send(bench, '0a', '3a', '3b');
    await bench.sim.advance(10 * MAX_MS);
    expect(await next(bench)).toBe('3a');
    expect(await next(bench)).toBe('3b');
  });

  it('has the rest of that answer filled by the highest', async () => {
    const bench = await priorityBench();
    await send(bench, '0a', '3a', '3b', '3c');
    expect(await next(bench)).toBe('3a');
    await bench.sim.advance(MAX_MS);
    expect(idsOf(await bench.pop({ maxMessages: 3 }))).toEqual(['0a', '3b', '3c']);
  });

  it('goes before others that were passed over later', async () => {
    const bench = await priorityBench();
    await send(bench, '1a', '3a', '3b', '3c', '3d');
    expect(await next(bench)).toBe('3a');
    await bench.sim.advance(1000);
    await send(bench, '0a', '2a');
    expect(await next(bench)).toBe('3b');
    await bench.sim.advance(MAX_MS);
    const order: string[] = [];
    for (let i = 0; i < 5; i++) order.push(await next(bench));
    expect(order).toEqual(['1a', '2a', '0a', '3c', '3d']);
  });

  it('waits as long as the settings say', async () => {
    const bench = await priorityBench({ settings: { maxPassedOverMs: 500 } });
    await send(bench, '0a', '3a', '3b');
    expect(await next(bench)).toBe('3a');
    await bench.sim.advance(500);
    expect(await next(bench)).toBe('0a');
  });
});
