import { readJournal } from '../../../../src/broker/stand-in/journal';
import { Code } from '../../../../src/message/status';
import { groupConfig } from '../../../support/model-broker';
import { sendRequest } from '../../../support/replica-group';
import { StandInScene } from '../../../support/stand-in-scene';

const JOURNAL = '/broker/gantry/stand-in.journal';

async function journalOf(scene: StandInScene): Promise<number> {
  const files = scene.group.files.get(1);
  return files === undefined ? 0 : [...(await readJournal(files, JOURNAL))].length;
}

describe('a master that comes back', () => {
  it('gets what was acknowledged on its replica, and delivers the rest', async () => {
    const scene = await StandInScene.start();
    await scene.send('m1', 'm2', 'm3', 'm4', 'm5', 'm6');
    await scene.ack(
      scene.master.broker,
      await scene.receive(scene.master.broker, { maxMessages: 1 }),
    );
    const standIn = await scene.loseMaster();
    const taken = await scene.receive(standIn, { maxMessages: 4 });
    // Beyond what the master has delivered, with one between that nobody has finished.
    await scene.ack(standIn, [...taken.slice(0, 1), ...taken.slice(2)]);
    expect(await journalOf(scene)).toBeGreaterThan(0);
    await scene.returnMaster();
    expect(await journalOf(scene)).toBe(0);
    expect(await scene.received(scene.master.broker)).toEqual(['m3', 'm6']);
    await scene.send('m7');
    expect(await scene.received(scene.master.broker)).toEqual(['m7']);
  });

  it('knows what it was told after a crash, too', async () => {
    const scene = await StandInScene.start();
    await scene.send('m1', 'm2', 'm3');
    const standIn = await scene.loseMaster();
    const taken = await scene.receive(standIn);
    await scene.ack(standIn, taken.slice(1, 2));
    await scene.returnMaster();
    scene.group.kill(1);
    scene.group.kill(0);
    await scene.startMaster();
    expect(await scene.received(scene.master.broker)).toEqual(['m1', 'm3']);
  });

  it('takes an acknowledgement of what is in flight at its replica, as long as nobody else has the message', async () => {
    const scene = await StandInScene.start();
    await scene.send('m1', 'm2');
    const standIn = await scene.loseMaster();
    const [first, second] = await scene.receive(standIn, { invisibleMs: 60_000 });
    await scene.returnMaster();
    const { broker } = scene.master;
    expect(await scene.ack(broker, first ? [first] : [])).toMatchObject([{ code: Code.OK }]);
    expect(await scene.received(broker)).toEqual(['m2']);
    expect(await scene.ack(broker, second ? [second] : [])).toMatchObject([
      { code: Code.INVALID_RECEIPT_HANDLE },
    ]);
  });

  it('is told again when the stream breaks before it has answered', async () => {
    const scene = await StandInScene.start();
    await scene.send('m1', 'm2', 'm3');
    const standIn = await scene.loseMaster();
    await scene.ack(standIn, await scene.receive(standIn, { maxMessages: 2 }));
    scene.group.unreachable.add(1);
    await scene.startMaster();
    const { broker } = scene.master;
    const really = broker.takeFinished.bind(broker);
    let told = 0;
    jest.spyOn(broker, 'takeFinished').mockImplementation((queues) => {
      if (++told < 3) scene.replica.cutStreams();
      return really(queues);
    });
    scene.group.unreachable.clear();
    await scene.group.until(() => !scene.group.standIns.has(1));
    expect(told).toBe(3);
    expect(await scene.received(broker)).toEqual(['m3']);
  });

  it('does not count what a group finished before it was reset', async () => {
    const scene = await StandInScene.start({ settings: { ack: 'async' } });
    await scene.send('m1', 'm2');
    const { group } = scene;
    await group.sim.advance(1500);
    // The replica is cut off, and stands in though the master is there.
    group.unreachable.add(1);
    scene.replica.cutStreams();
    await scene.standsIn();
    const { standIn } = scene.replica;
    await scene.ack(standIn, await scene.receive(standIn));
    const reset = { group: 'g', topic: 't', queueId: 0, dryRun: false } as const;
    await group.drive(scene.master.broker.offsets.reset({ ...reset, to: { at: 'beginning' } }));
    group.unreachable.clear();
    await group.until(() => !group.standIns.has(1));
    expect(await scene.received(scene.master.broker)).toEqual(['m1', 'm2']);
  });

  it('does not take for finished what it has stored in the place of messages that it lost', async () => {
    const scene = await StandInScene.start();
    await scene.send('m1');
    await scene.group.sim.advance(1500);
    const kept = scene.master.endPosition;
    await scene.send('lost');
    const standIn = await scene.loseMaster();
    expect(await scene.ack(standIn, await scene.receive(standIn))).toHaveLength(2);
    // Its disk has lost the end of the log.
    const back = await scene.group.start(0);
    await scene.group.drive(back.replica.cut(kept));
    scene.group.kill(0);
    scene.group.unreachable.add(1);
    await scene.startMaster();
    await scene.group.drive(scene.master.broker.send(sendRequest('t', 'other')));
    expect(scene.master.replica.store.maxOffset('t', 0)).toBe(2);
    scene.group.unreachable.clear();
    await scene.group.until(() => !scene.group.standIns.has(1));
    expect(await scene.received(scene.master.broker)).toEqual(['other']);
  });

  it('hears of groups on their offsets, too, and not of those that it has forgotten', async () => {
    const scene = await StandInScene.start();
    await scene.consumers(groupConfig('other', { startFrom: 'beginning' }), 't');
    await scene.send('m1', 'm2', 'm3');
    const standIn = await scene.loseMaster();
    const queue = { topic: 't', queueId: 0, clientId: 'c' };
    for (const group of ['g', 'other']) {
      await scene.group.drive(standIn.offsets.update({ ...queue, group, offset: 2 }));
    }
    scene.group.unreachable.add(1);
    await scene.startMaster();
    await scene.group.drive(scene.master.broker.inspect.forget({ group: 'other', topic: 't' }));
    scene.group.unreachable.clear();
    await scene.group.until(() => !scene.group.standIns.has(1));
    expect(await scene.received(scene.master.broker)).toEqual(['m3']);
    expect(scene.master.replica.store.failure).toBeUndefined();
  });
});

test('a replica that is made master by configuration keeps what was acknowledged on it', async () => {
  const scene = await StandInScene.start();
  await scene.send('m1', 'm2');
  const standIn = await scene.loseMaster();
  await scene.ack(standIn, await scene.receive(standIn, { maxMessages: 1 }));
  scene.group.kill(1);
  const master = await scene.group.start(1);
  await scene.group.drive(master.host.lead(5, [1]));
  expect(await scene.received(master.broker)).toEqual(['m2']);
  expect(await journalOf(scene)).toBe(0);
});

test('a replica that follows again takes the log from where it was, and stands in again', async () => {
  const scene = await StandInScene.start();
  await scene.send('m1', 'm2');
  let standIn = await scene.loseMaster();
  await scene.ack(standIn, await scene.receive(standIn, { maxMessages: 1 }));
  await scene.returnMaster();
  await scene.send('m3');
  standIn = await scene.loseMaster();
  expect(await scene.received(standIn)).toEqual(['m2', 'm3']);
});
