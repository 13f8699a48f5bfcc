import { Code } from '../../src/message/status';
import { StaticPair } from '../support/static-pair';

function bodies(from: number, to: number): string[] {
  return Array.from({ length: to - from }, (_, i) => `m${from + i}`);
}

describe('a broker whose roles are configured, while its master is away', () => {
  it('is served by its replica, and what is acknowledged there does not come back', async () => {
    const pair = await StaticPair.start();
    try {
      const consumer = await pair.consumer();
      const send = await pair.producer();
      await Promise.all(bodies(0, 20).map(send));
      const first = await consumer.consume(5);
      await pair.replicaHasAll();

      await pair.killMaster();
      const second = await consumer.consume(5);
      expect(await pair.gantry('cluster', 'brokers')).toContain('stand-in');
      await expect(send('refused')).rejects.toMatchObject({
        code: Code.HA_NOT_AVAILABLE,
        message: expect.stringContaining('the master of broker-a is away') as string,
      });

      await pair.startMaster();
      const third = await consumer.consume(10);
      expect([...first, ...second, ...third].toSorted()).toEqual(bodies(0, 20).toSorted());
      await consumer.expectNothing();
      await send('taken');
      expect(await consumer.consume(1)).toEqual(['taken']);
      expect(await pair.gantry('cluster', 'brokers')).not.toContain('stand-in');
    } finally {
      await pair.stop();
    }
  }, 180_000);
});
