import { startStandalone } from '../../src';
import { RawClient } from '../support/raw-client';
import { within } from '../support/until';

const OK = 20000;
const RESOURCE_EXHAUSTED = 8;
const MIB = 1024 * 1024;

describe('a consumer that takes at most 4 MiB a gRPC message', () => {
  it('goes on with other messages, and the one that it cannot take counts its attempts', async () => {
    const gantry = await startStandalone({
      topics: [{ name: 'orders', queues: 1 }],
      minInvisibleMs: 100,
    });
    const narrow = new RawClient(gantry.endpoint, 'narrow', 5000, 4 * MIB);
    const wide = new RawClient(gantry.endpoint, 'wide');
    try {
      const leave = await narrow.subscribe('readers', 'orders');
      await narrow.send('orders', 'a', Buffer.from('a'));
      expect((await narrow.send('orders', 'large', Buffer.alloc(4 * MIB, 1))).code).toBe(OK);
      await narrow.send('orders', 'b', Buffer.from('b'));
      const { queues } = await narrow.queryRoute('orders');
      const [queue] = queues;
      if (queue === undefined) throw new Error('no queue');
      const options = { group: 'readers', topic: 'orders', queue, batchSize: 32, pollMs: 5000 };
      const got: string[] = [];
      let refused = 0;
      for (let turn = 0; turn < 20 && (got.length < 2 || refused < 2); turn++) {
        try {
          const { messages } = await narrow.receive({ ...options, invisibleMs: 100 });
          for (const message of messages) {
            got.push(message.messageId);
            await narrow.ack('readers', 'orders', message);
          }
        } catch (error) {
          expect(error).toMatchObject({ code: RESOURCE_EXHAUSTED });
          refused++;
        }
      }
      expect(new Set(got)).toEqual(new Set(['a', 'b']));
      expect(refused).toBeGreaterThanOrEqual(2);
      const last = await within(
        'the message',
        10_000,
        wide.receive({ ...options, invisibleMs: 10_000 }),
      );
      expect(last.messages.map(({ messageId, body }) => [messageId, body.length])).toEqual([
        ['large', 4 * MIB],
      ]);
      expect(last.messages[0]?.attempt).toBe(refused + 1);
      leave();
    } finally {
      narrow.close();
      wide.close();
      await gantry.stop();
    }
  });
});
