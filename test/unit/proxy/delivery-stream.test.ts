import { Code } from '../../../src/message/status';
import { message, PublicClient, receiveRequest } from '../../support/public-client';
import { scene } from './support/receive-scene';

describe('a receiver that goes away', () => {
  it('ends its poll', async () => {
    const { cluster, receive, send } = scene();
    const waiting = await receive();
    expect(cluster.broker().waitingPolls).toBe(1);
    waiting.call.cancel();
    expect(cluster.broker().waitingPolls).toBe(0);
    await send('m');
    await cluster.sim.settle();
    expect(waiting.items).toEqual([]);
    const next = await receive();
    expect(next.messages[0]?.system_properties?.delivery_attempt).toBe(1);
  });

  it('gives back what was popped for it but not written', async () => {
    const { cluster, client, receive, send } = scene();
    await send('a', 'b', 'c');
    const slow = client.receive(receiveRequest('g', 't'), {}, (call) => (call.reading = false));
    await cluster.sim.settle();
    slow.call.cancel();
    await cluster.sim.settle();
    const entries = cluster.broker().released.flatMap((request) => request.entries);
    expect(entries.map(({ messageId }) => messageId)).toEqual(['a', 'b', 'c']);
    const next = await receive();
    expect(next.messages.map(({ system_properties: s }) => s?.delivery_attempt)).toEqual([1, 1, 1]);
  });

  it.each([
    ['a push consumer', true, [{ invisibleMs: 0, suspend: false, messageId: 'large' }]],
    ['a simple consumer', false, []],
  ])(
    'and did not take a message beyond 4 MiB has used one of its attempts: %s',
    async (_consumer, autoRenew, changed) => {
      const { cluster, client, send } = scene();
      await client.status('SendMessage', {
        messages: [message('t', 'large', {}, { body: Buffer.alloc(4 * 1024 * 1024) })],
      });
      await send('small');
      const request = receiveRequest('g', 't', { auto_renew: autoRenew });
      const slow = client.receive(request, {}, (call) => (call.reading = false));
      await cluster.sim.settle();
      slow.call.cancel();
      await cluster.sim.settle();
      const entries = cluster.broker().released.flatMap((released) => released.entries);
      expect(entries.map(({ messageId }) => messageId)).toEqual(['small']);
      expect(cluster.broker().changed).toHaveLength(changed.length);
      expect(cluster.broker().changed).toMatchObject(changed);
    },
  );

  it('gives back only what it did not take', async () => {
    const { cluster, client, send } = scene();
    await send('a', 'b', 'c');
    const slow = client.receive(receiveRequest('g', 't'), {}, (call) => {
      const write = call.write.bind(call);
      call.write = (item, callback) => {
        // Takes the status and one message, then no more.
        if (call.items.length === 2) call.reading = false;
        return write(item, callback);
      };
    });
    await cluster.sim.settle();
    expect(slow.contents).toEqual(['status', 'message']);
    slow.call.cancel();
    await cluster.sim.settle();
    const entries = cluster.broker().released.flatMap((request) => request.entries);
    expect(entries.map(({ messageId }) => messageId)).toEqual(['b', 'c']);
  });

  it('gives back what came too late for it', async () => {
    const { cluster, receive } = scene();
    const broker = cluster.broker();
    await receive();
    const pop = broker.pop.bind(broker);
    let late: () => void = () => undefined;
    broker.pop = async (request, signal) => {
      await new Promise<void>((resolve) => (late = resolve));
      return pop({ ...request, pollMs: 0 }, signal);
    };
    broker.endPolls();
    await cluster.sim.settle();
    const waiting = await receive();
    await new PublicClient(cluster).status('SendMessage', { messages: [message('t', 'm')] });
    waiting.call.cancel();
    late();
    await cluster.sim.settle();
    expect(broker.released.flatMap(({ entries }) => entries)).toHaveLength(1);
    expect(waiting.items).toEqual([]);
  });

  it('is cut off when it takes nothing for 30 s', async () => {
    const { cluster, client, send } = scene();
    await send('a');
    const stuck = client.receive(receiveRequest('g', 't'), {}, (call) => (call.reading = false));
    await cluster.sim.advance(29_999);
    expect(stuck.call.destroyed).toBe(false);
    await cluster.sim.advance(1);
    expect(stuck.call.destroyed).toBe(true);
    expect(cluster.broker().released).toHaveLength(1);
  });

  it('waits for a slow client that goes on reading', async () => {
    const { cluster, client, send } = scene();
    await send('a', 'b');
    const slow = client.receive(receiveRequest('g', 't'), {}, (call) => (call.reading = false));
    await cluster.sim.settle();
    expect(slow.call.ended).toBe(false);
    slow.call.drain();
    await cluster.sim.settle();
    expect(slow.contents).toEqual(['status', 'message', 'message', 'delivery_timestamp']);
    expect(cluster.broker().released).toEqual([]);
  });

  it('does not let slow clients fill the memory', async () => {
    const { cluster, client, receive, send } = scene({ maxDeliveringBytes: 100 });
    await send('a');
    const slow = client.receive(receiveRequest('g', 't'), {}, (call) => (call.reading = false));
    await cluster.sim.settle();
    const refused = await receive();
    expect(refused.code).toBe(Code.TOO_MANY_REQUESTS);
    slow.call.drain();
    await cluster.sim.settle();
    expect((await receive()).items).toEqual([]);
  });
});

describe('a proxy that drains', () => {
  it('ends waiting polls, and new ones do not wait', async () => {
    const { cluster, receive, client } = scene();
    const waiting = await receive();
    const telemetry = client.telemetry();
    await cluster.proxy.drain();
    expect(waiting.code).toBe(Code.MESSAGE_NOT_FOUND);
    expect(waiting.call.ended).toBe(true);
    expect(telemetry.call.ended).toBe(true);
    expect((await receive()).code).toBe(Code.MESSAGE_NOT_FOUND);
  });

  it('waits for sends under way', async () => {
    const { cluster, client } = scene();
    let open: () => void = () => undefined;
    cluster.broker().sendGate = new Promise((resolve) => (open = resolve));
    const sending = client.status('SendMessage', { messages: [message('t', 'm')] });
    await cluster.sim.settle();
    let drained = false;
    const draining = cluster.proxy.drain().then(() => (drained = true));
    await cluster.sim.settle();
    expect(drained).toBe(false);
    open();
    expect((await sending).code).toBe(Code.OK);
    await draining;
  });
});
