import { letRun, until } from '../support/until';
import type { Place } from '../support/process';
import { type PairNode, StaticPair } from '../support/static-pair';
import { Network } from './support/network';

const NODES: readonly PairNode[] = ['namesrv', 'master', 'replica', 'proxy'];
/** How long the master is cut off: by then the system tries to connect only now and then. */
const CUT_MS = 45_000;
/** What others need to see that the master is gone, ms; and that it is back. */
const SERVED_AGAIN_MS = 25_000;
const BACK_MS = 15_000;

/** A machine that is gone closes no connections: each of the others finds out by itself. */
it('a configured master whose machine is gone without a word is stood in for, and serves again when it is back', async () => {
  const network = await Network.create();
  let pair: StaticPair | undefined;
  try {
    const places = new Map<PairNode, Place>();
    for (const node of NODES) places.set(node, await network.join(node));
    pair = await StaticPair.start((node) => {
      const place = places.get(node);
      if (place === undefined) throw new Error(`no place for ${node}`);
      return place;
    });
    const consumer = await pair.consumer();
    const send = await pair.producer();
    const sent = Array.from({ length: 12 }, (_, i) => `m${i}`);
    await Promise.all(sent.map(send));
    const before = await consumer.consume(4);
    await pair.replicaHasAll();

    const cutMs = performance.now();
    await network.cut(
      'master',
      NODES.filter((node) => node !== 'master'),
      'both',
    );
    const meanwhile = await consumer.consume(4);
    const awayMs = Math.round(performance.now() - cutMs);
    await letRun(CUT_MS - awayMs);

    await network.heal();
    const healedMs = performance.now();
    await until('a send', 2 * BACK_MS, () => send('back').catch(() => undefined));
    const backMs = Math.round(performance.now() - healedMs);
    process.stdout.write(`failover: ${JSON.stringify({ name: 'stood in for', awayMs, backMs })}\n`);
    const after = await consumer.consume(5);
    const had = [...before, ...meanwhile, ...after];
    expect(had.toSorted()).toEqual([...sent, 'back'].toSorted());
    await consumer.expectNothing();
    expect(awayMs).toBeLessThan(SERVED_AGAIN_MS);
    expect(backMs).toBeLessThan(BACK_MS);
  } catch (error) {
    throw new Error(`${String(error)}\n${pair?.output()}`, { cause: error });
  } finally {
    await pair?.stop();
    await network.remove();
  }
});
