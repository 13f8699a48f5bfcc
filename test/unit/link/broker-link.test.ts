import { NotMasterError } from '../../../src/api/not-master';
import { BrokerUnreachableError } from '../../../src/api/broker-unreachable';
import { Code, StatusError } from '../../../src/message/status';
import { draftRecord } from '../../../src/message/record-draft';
import { follow } from '../../support/follow';
import { MemoryLink } from '../../support/memory-link';
import { groupConfig, ModelBroker } from '../../support/model-broker';
import { SimClock } from '../../support/sim-clock';
import { messageDraft, popRequest } from '../../support/test-broker';

const never = (): AbortSignal => new AbortController().signal;

describe('a link between a proxy and a broker', () => {
  let sim: SimClock;
  let broker: ModelBroker;

  beforeEach(() => {
    sim = new SimClock();
    broker = new ModelBroker('a', () => undefined);
    broker.topics.set('t', { name: 't', type: 'NORMAL', queues: 8 });
    broker.groups.set('g', groupConfig('g'));
  });

  const up = async (): Promise<MemoryLink> => {
    const memory = new MemoryLink(sim, broker);
    await sim.settle();
    return memory;
  };
  const send = (memory: MemoryLink, id: string): ReturnType<typeof follow> =>
    follow(memory.link.send({ queueId: 0, draft: messageDraft('t', id) }));

  it('puts all calls of one turn into one batch, and all their answers into one', async () => {
    const memory = await up();
    const { client, server } = memory.stream;
    const [asked, answered] = [client.written, server.written];
    const sends = Array.from({ length: 100 }, (_, i) => send(memory, `m${i}`));
    await sim.settle();
    expect(sends.every(({ value }) => value !== undefined)).toBe(true);
    expect(client.written - asked).toBe(1);
    expect(server.written - answered).toBe(1);
    expect(broker.sends).toHaveLength(100);
  });

  it('cuts a turn of many bytes into batches of at most a mebibyte', async () => {
    const memory = await up();
    const before = memory.stream.client.written;
    const sends = Array.from({ length: 5 }, () => {
      const draft = draftRecord({
        topic: 't',
        body: Buffer.alloc(400_000, 1),
        properties: '',
        tag: '',
        bornTimestamp: 0,
      });
      return follow(memory.link.send({ queueId: 0, draft }));
    });
    await sim.settle();
    expect(sends.every(({ value }) => value !== undefined)).toBe(true);
    expect(memory.stream.client.written - before).toBe(3);
  });

  it('stops a waiting receive when its caller goes, and takes nothing', async () => {
    const memory = await up();
    const abort = new AbortController();
    const pop = follow(memory.link.pop(popRequest('g', 't', { pollMs: 20_000 }), abort.signal));
    await sim.settle();
    expect(broker.waitingPolls).toBe(1);
    abort.abort();
    await sim.settle();
    expect(pop.value).toEqual([]);
    expect(broker.waitingPolls).toBe(0);
    send(memory, 'later');
    await sim.settle();
    const next = follow(memory.link.pop(popRequest('g', 't'), never()));
    await sim.settle();
    expect(next.value).toHaveLength(1);
  });

  it('gives back what a receive brought whose caller has gone meanwhile', async () => {
    const memory = await up();
    send(memory, 'm1');
    await sim.settle();
    memory.stream.client.stall(true);
    const abort = new AbortController();
    const pop = follow(memory.link.pop(popRequest('g', 't', { pollMs: 20_000 }), abort.signal));
    await sim.settle();
    abort.abort();
    await sim.settle();
    expect(pop.value).toEqual([]);
    memory.stream.client.stall(false);
    await sim.settle();
    expect(broker.released).toEqual([
      { group: 'g', topic: 't', entries: [{ receiptHandle: 'a~token0', messageId: 'm1' }] },
    ]);
  });

  it('gives back what a receive brings after its time', async () => {
    const memory = await up();
    send(memory, 'm1');
    await sim.settle();
    memory.stream.client.stall(true);
    const pop = follow(memory.link.pop(popRequest('g', 't', { pollMs: 1_000 }), never()));
    await sim.advance(5_999);
    expect(pop.done).toBe(false);
    await sim.advance(17); // the grain of deadlines
    expect(pop.error).toMatchObject({
      code: Code.PROXY_TIMEOUT,
      message: 'broker a/0 at there:1 did not answer Pop within 6000 ms; the outcome is unknown',
    });
    memory.stream.client.stall(false);
    await sim.settle();
    expect(broker.released).toHaveLength(1);
  });

  it('gives back what a broker took for a proxy whose stream broke', async () => {
    const memory = await up();
    follow(memory.link.pop(popRequest('g', 't', { pollMs: 20_000 }), never()));
    await sim.settle();
    // The message comes and the stream breaks in one turn: the answer is never written.
    void broker.send({ queueId: 0, draft: messageDraft('t', 'm1') });
    memory.stream.cut();
    await sim.settle();
    expect(broker.released).toHaveLength(1);
    expect(broker.waitingPolls).toBe(0);
  });

  it('ends waiting receives at the broker when the stream breaks', async () => {
    const memory = await up();
    const pop = follow(memory.link.pop(popRequest('g', 't', { pollMs: 20_000 }), never()));
    await sim.settle();
    memory.stream.cut();
    await sim.settle();
    expect(broker.waitingPolls).toBe(0);
    expect(pop.error).toMatchObject({ code: Code.PROXY_TIMEOUT });
  });

  it('fails calls under way when the stream breaks, and says that their outcome is unknown', async () => {
    const memory = await up();
    broker.sendGate = new Promise(() => undefined);
    const sent = send(memory, 'm1');
    await sim.settle();
    memory.stream.cut();
    await sim.settle();
    expect(sent.error).toMatchObject({
      code: Code.PROXY_TIMEOUT,
      message:
        'broker a/0 at there:1 was lost during the call (the connection was cut); the outcome is unknown',
    });
    expect(sent.error).not.toBeInstanceOf(BrokerUnreachableError);
  });

  it('lets calls wait a second for a lost link, then fails them at once as certainly not sent', async () => {
    const memory = await up();
    memory.reachable = false;
    memory.stream.cut();
    await sim.settle();
    const early = send(memory, 'm1');
    await sim.advance(999);
    expect(early.done).toBe(false);
    await sim.advance(1);
    expect(early.error).toBeInstanceOf(BrokerUnreachableError);
    expect(early.error).toMatchObject({
      code: Code.PROXY_TIMEOUT,
      message: 'broker a/0 at there:1 is not reachable',
    });
    const late = send(memory, 'm2');
    await sim.settle();
    expect(late.error).toBeInstanceOf(BrokerUnreachableError);
    expect(broker.sends).toHaveLength(0);
  });

  it('makes calls that waited when the broker is back, within a second of its return', async () => {
    const memory = await up();
    memory.reachable = false;
    memory.stream.cut();
    await sim.advance(60_000);
    memory.reachable = true;
    await sim.advance(1_000);
    const sent = send(memory, 'm1');
    await sim.settle();
    expect(sent.value).toEqual({ queueOffset: 0, physicalOffset: 0 });
    memory.stream.cut();
    await sim.settle();
    const waiting = send(memory, 'm2');
    await sim.advance(100);
    expect(waiting.value).toEqual({ queueOffset: 1, physicalOffset: 1 });
  });

  it('does not speak to another broker that answers at the address', async () => {
    const memory = new MemoryLink(sim, broker, {}, 'b');
    const sent = send(memory, 'm1');
    await sim.advance(1_000);
    expect(sent.error).toBeInstanceOf(BrokerUnreachableError);
    expect(broker.sends).toHaveLength(0);
    expect(memory.log.lines).toContain('broker is not reachable');
  });

  it('moves an answer that is larger than a batch', async () => {
    const memory = await up();
    const record = Buffer.alloc(2_500_000, 7);
    broker.put('t', record);
    broker.put('t', Buffer.from('second'));
    const before = memory.stream.server.written;
    const pop = follow(memory.link.pop(popRequest('g', 't'), never()));
    await sim.settle();
    expect(pop.value?.map((message) => message.record.length)).toEqual([2_500_000, 6]);
    expect(pop.value?.[0]?.record.equals(record)).toBe(true);
    expect(memory.stream.server.written - before).toBe(3);
  });

  it('gives errors of the broker with their code and text', async () => {
    const memory = await up();
    broker.failure = new StatusError(Code.MESSAGE_CORRUPTED, 'it is – broken');
    const failed = follow(memory.link.listTopics());
    await sim.settle();
    expect(failed.error).toBeInstanceOf(StatusError);
    expect(failed.error).toMatchObject({ code: Code.MESSAGE_CORRUPTED, message: 'it is – broken' });
    broker.failure = new Error('a bug');
    const bug = follow(memory.link.listTopics());
    await sim.settle();
    expect(bug.error).toMatchObject({ code: Code.INTERNAL_SERVER_ERROR, message: 'a bug' });
  });

  it('finishes the calls under way when the broker leaves, sends receives that wait back, and takes new ones elsewhere', async () => {
    const memory = await up();
    let open = (): void => undefined;
    broker.sendGate = new Promise((resolve) => (open = resolve));
    const sent = send(memory, 'm1');
    const pop = follow(memory.link.pop(popRequest('g', 't', { pollMs: 20_000 }), never()));
    await sim.settle();
    memory.server.leave();
    await sim.settle();
    expect(pop.error).toBeInstanceOf(NotMasterError);
    expect(sent.done).toBe(false);
    open();
    await sim.advance(200);
    expect(sent.value).toEqual({ queueOffset: 0, physicalOffset: 0 });
    expect(memory.streams).toHaveLength(2);
    const next = send(memory, 'm2');
    await sim.settle();
    expect(next.value).toEqual({ queueOffset: 1, physicalOffset: 1 });
  });

  it('fails what is under way when it is closed, and connects no more', async () => {
    const memory = await up();
    const pop = follow(memory.link.pop(popRequest('g', 't', { pollMs: 20_000 }), never()));
    await sim.settle();
    await memory.link.close();
    await sim.advance(60_000);
    expect(pop.error).toMatchObject({ code: Code.PROXY_TIMEOUT });
    expect(broker.waitingPolls).toBe(0);
    expect(memory.streams).toHaveLength(1);
    expect(sim.pending).toBe(0);
    const late = send(memory, 'm1');
    await sim.settle();
    expect(late.error).toBeInstanceOf(BrokerUnreachableError);
  });
});
