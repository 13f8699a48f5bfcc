import { newGroup } from '../../../../src/api/topic';
import { Code } from '../../../../src/message/status';
import { LiteBench } from '../../../support/lite-bench';
import { messageDraft, idsOf, popRequest } from '../../../support/test-broker';

const refused = (code: Code): object => expect.objectContaining({ code }) as object;

describe('a client of lite topics', () => {
  it('receives those that it has asked for, and no others', async () => {
    const bench = await LiteBench.ready();
    await bench.add('one', ['a']);
    await bench.add('two', ['b']);
    await bench.sendLite('a-1', 'b-1', 'c-1', 'a-2');
    expect(idsOf(await bench.receive('one'))).toEqual(['a-1', 'a-2']);
    expect(idsOf(await bench.receive('two'))).toEqual(['b-1']);
    expect(await bench.receive('three')).toEqual([]);
  });

  it('receives from several lite topics in one answer, each in order', async () => {
    const bench = await LiteBench.ready();
    await bench.add('one', ['a', 'b']);
    await bench.sendLite('a-1', 'b-1', 'a-2', 'b-2');
    const ids = idsOf(await bench.receive('one'));
    expect(ids.filter((id) => id.startsWith('a'))).toEqual(['a-1', 'a-2']);
    expect(ids.filter((id) => id.startsWith('b'))).toEqual(['b-1', 'b-2']);
  });

  it('gets nothing more of a lite topic while a message of it is unfinished', async () => {
    const bench = await LiteBench.ready();
    await bench.add('one', ['a', 'b']);
    await bench.sendLite('a-1', 'a-2', 'b-1');
    const first = await bench.receive('one', { maxMessages: 1 });
    const other = idsOf(first)[0] === 'a-1' ? ['b-1'] : ['a-1', 'a-2'];
    expect(idsOf(await bench.receive('one'))).toEqual(other);
    expect(await bench.receive('one')).toEqual([]);
    await bench.sendLite('a-3');
    expect(await bench.receive('one')).toEqual([]);
  });

  it('receives what it did not acknowledge again, before what follows', async () => {
    const bench = await LiteBench.ready();
    await bench.add('one', ['a']);
    await bench.sendLite('a-1', 'a-2', 'a-3');
    expect(idsOf(await bench.receive('one', { maxMessages: 2 }))).toEqual(['a-1', 'a-2']);
    await bench.sim.advance(10_100);
    const again = await bench.receive('one');
    expect(idsOf(again)).toEqual(['a-1', 'a-2', 'a-3']);
    expect(again.map(({ attempt }) => attempt)).toEqual([2, 2, 1]);
    expect(await bench.ack(again)).toEqual([Code.OK, Code.OK, Code.OK]);
    expect(await bench.receive('one')).toEqual([]);
  });

  it('is woken by a message of one of its lite topics only', async () => {
    const bench = await LiteBench.ready();
    await bench.add('one', ['a']);
    await bench.add('two', ['b']);
    let ended = false;
    const one = bench.broker.pop(
      popRequest('g', 't', { clientId: 'one', pollMs: 20_000 }),
      new AbortController().signal,
    );
    const two = bench.receive('two', { pollMs: 20_000 });
    void one.then(() => (ended = true));
    await bench.sendLite('b-1');
    expect(idsOf(await two)).toEqual(['b-1']);
    expect(ended).toBe(false);
    await bench.sendLite('a-1');
    expect(idsOf(await bench.drive(one))).toEqual(['a-1']);
  });

  it('loses a lite topic that it gives up, and another one goes on with it', async () => {
    const bench = await LiteBench.ready();
    await bench.add('one', ['a', 'b']);
    await bench.sendLite('a-1');
    await bench.sync('one', 'remove', ['a', 'unknown']);
    expect(await bench.receive('one')).toEqual([]);
    await bench.add('two', ['a']);
    expect(idsOf(await bench.receive('two'))).toEqual(['a-1']);
  });

  it('has the lite topics of its newest whole list', async () => {
    const bench = await LiteBench.ready();
    await bench.add('one', ['a', 'b']);
    await bench.sync('one', 'set', ['b', 'c']);
    await bench.sendLite('a-1', 'b-1', 'c-1');
    expect(idsOf(await bench.receive('one')).toSorted()).toEqual(['b-1', 'c-1']);
    await bench.sync('one', 'set', []);
    await bench.sendLite('b-2');
    await bench.sim.advance(10_100);
    expect(await bench.receive('one')).toEqual([]);
  });

  it('has none any more when it has left, or was silent for too long', async () => {
    const bench = await LiteBench.ready();
    await bench.add('one', ['a']);
    await bench.add('two', ['b']);
    await bench.drive(bench.broker.clientGone('one'));
    await bench.sim.advance(240_000);
    await bench.sendLite('a-1', 'b-1');
    expect(await bench.receive('one')).toEqual([]);
    expect(await bench.receive('two')).toEqual([]);
  });

  it('begins at the end, and later goes on where its group was', async () => {
    const bench = await LiteBench.ready();
    await bench.sendLite('a-1');
    await bench.add('one', ['a']);
    await bench.sendLite('a-2');
    const result = await bench.receive('one');
    expect(idsOf(result)).toEqual(['a-2']);
    await bench.ack(result);
    await bench.sync('one', 'set', []);
    await bench.sendLite('a-3');
    await bench.add('one', ['a']);
    expect(idsOf(await bench.receive('one'))).toEqual(['a-3']);
  });

  it.each([
    [{ at: 'beginning' }, ['a-1', 'a-2', 'a-3']],
    [{ at: 'end' }, []],
    [{ at: 'offset', offset: 1 }, ['a-2', 'a-3']],
    [{ at: 'offset', offset: 9 }, []],
    [{ at: 'tail', count: 1 }, ['a-3']],
    [{ at: 'tail', count: 9 }, ['a-1', 'a-2', 'a-3']],
  ] as const)('begins at %j where it says so', async (start, expected) => {
    const bench = await LiteBench.ready();
    await bench.sendLite('a-1');
    await bench.sendLite('a-2');
    await bench.sendLite('a-3');
    await bench.add('one', ['a'], start);
    expect(idsOf(await bench.receive('one'))).toEqual(expected);
  });

  it('begins at a time where it says so', async () => {
    const bench = await LiteBench.ready();
    await bench.sendLite('a-1');
    await bench.sim.advance(5000);
    const timeMs = bench.sim.clock.wallMs();
    await bench.sendLite('a-2');
    await bench.add('one', ['a'], { at: 'time', timeMs });
    expect(idsOf(await bench.receive('one'))).toEqual(['a-2']);
  });
});

describe('lite topics after a restart', () => {
  it.each(['restart', 'kill'] as const)(
    'are there with their progress and what is in flight: %s',
    async (how) => {
      const bench = await LiteBench.ready();
      await bench.add('one', ['a', 'b', 'c']);
      await bench.sendLite('a-1', 'a-2', 'b-1');
      const first = await bench.receive('one', { maxMessages: 1 });
      const held = idsOf(first)[0] ?? '';
      await bench[how]();
      await bench.sendLite('c-1');
      await bench.sync('one', 'set', ['a', 'b', 'c']);
      // What must be read from files first comes with the second.
      const rest = [...(await bench.receive('one')), ...(await bench.receive('one'))];
      expect(idsOf(rest).toSorted()).toEqual(
        held === 'a-1' ? ['b-1', 'c-1'] : ['a-1', 'a-2', 'c-1'],
      );
      expect(await bench.ack(first)).toEqual([Code.OK]);
    },
  );

  it('go on with messages that came while nobody had asked for them yet again', async () => {
    const bench = await LiteBench.ready();
    await bench.add('one', ['new']);
    await bench.kill();
    await bench.sendLite('new-1');
    await bench.sync('one', 'set', ['new']);
    expect(idsOf(await bench.receive('one'))).toEqual(['new-1']);
  });
});

describe('groups of lite topics', () => {
  it('are told from other groups', async () => {
    const bench = await LiteBench.ready();
    await bench.topic('plain');
    await bench.drive(bench.broker.putTopic({ name: 't2', type: 'LITE', queues: 1 }));
    await bench.drive(bench.broker.putGroup(newGroup('regular')));
    await bench.add('one', ['a']);
    const ask = (group: string, topic: string) =>
      bench.drive(
        bench.broker.syncLite({
          ...{ group, topic, clientId: 'x' },
          ...{ change: 'add', liteTopics: ['a'] },
        }),
      );
    await expect(ask('regular', 't')).rejects.toEqual(refused(Code.ILLEGAL_CONSUMER_GROUP));
    await expect(ask('g', 't2')).rejects.toEqual(refused(Code.ILLEGAL_TOPIC));
    await expect(ask('g', 'plain')).rejects.toEqual(refused(Code.ILLEGAL_TOPIC));
    await expect(ask('g', 'none')).rejects.toEqual(refused(Code.TOPIC_NOT_FOUND));
    await expect(bench.subscribe('g', 'plain')).rejects.toEqual(
      refused(Code.ILLEGAL_CONSUMER_GROUP),
    );
  });

  it('need messages that belong to a lite topic', async () => {
    const bench = await LiteBench.ready();
    const draft = messageDraft('t', 'x');
    await expect(bench.drive(bench.broker.send({ queueId: 0, draft }))).rejects.toEqual(
      refused(Code.MESSAGE_PROPERTY_CONFLICT_WITH_TYPE),
    );
  });

  it('end with their parent topic', async () => {
    const bench = await LiteBench.ready();
    await bench.add('one', ['a']);
    await bench.sendLite('a-1');
    await bench.drive(bench.broker.deleteTopic('t'));
    await bench.drive(bench.broker.putTopic({ name: 't', type: 'LITE', queues: 1 }));
    expect(await bench.receive('one')).toEqual([]);
    await bench.add('one', ['a'], { at: 'beginning' });
    expect(await bench.receive('one')).toEqual([]);
    await bench.sendLite('a-9');
    expect(idsOf(await bench.receive('one'))).toEqual(['a-9']);
  });
});
