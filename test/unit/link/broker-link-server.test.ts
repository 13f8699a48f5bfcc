import { NotMasterError } from '../../../src/api/not-master';
import { BrokerLinkServer } from '../../../src/link/broker-link-server';
import { servedMethods } from '../../../src/link/broker-methods';
import { statusFromWire } from '../../../src/link/codec/status';
import { LINK_LIMITS } from '../../../src/link/link-limits';
import { brokerDefinition, codeAndText } from '../../../src/link/services';
import { Code } from '../../../src/message/status';
import type { LinkBatch, LinkBatch__Output } from '../../../src/rpc/generated/gantry/v1/LinkBatch';
import { keptLog } from '../../support/kept-log';
import { MemoryStream } from '../../support/memory-stream';
import { ModelBroker } from '../../support/model-broker';
import { SimClock } from '../../support/sim-clock';

/** A proxy that does as the test says, in front of a broker's end of a link. */
describe('the broker behind a link', () => {
  let sim: SimClock;
  let stream: MemoryStream<LinkBatch, LinkBatch, LinkBatch__Output, LinkBatch__Output>;
  let got: LinkBatch__Output[];
  let closed: string | undefined;
  let broker: ModelBroker;
  /** The broker while it leads. */
  let leading: ModelBroker | undefined;
  const log = keptLog();

  beforeEach(async () => {
    sim = new SimClock();
    stream = new MemoryStream(sim.timers, brokerDefinition().Link);
    got = [];
    closed = undefined;
    stream.client.open({
      message: (batch) => void got.push(batch),
      drained: () => undefined,
      closed: (reason) => (closed = reason),
    });
    broker = new ModelBroker('a', () => undefined);
    leading = broker;
    const settings = {
      platform: sim,
      log,
      brokerName: 'a',
      brokerId: () => 0,
      limits: LINK_LIMITS,
    };
    new BrokerLinkServer(
      () => leading,
      servedMethods(),
      stream.server,
      settings,
      () => undefined,
    );
  });

  const greet = (): void => {
    stream.client.write({ hello: { broker_name: 'a', broker_id: 0 } });
  };

  it('says who it is when it is greeted, and waits 2 s for that', async () => {
    greet();
    await sim.advance(60_000);
    expect(got).toHaveLength(1);
    expect(got[0]?.hello).toEqual({ broker_name: 'a', broker_id: 0 });
    expect(closed).toBeUndefined();
  });

  it('breaks off a proxy that says nothing for 2 s', async () => {
    await sim.advance(1_999);
    expect(closed).toBeUndefined();
    await sim.advance(1);
    expect(closed).toBeDefined();
  });

  it('breaks off a proxy that calls before it greets', async () => {
    stream.client.write({ frames: [{ id: 1, kind: 0, method: 'ListTopics' }] });
    await sim.settle();
    expect(closed).toBeDefined();
    expect(log.lines).toContain('link to a proxy broken off');
  });

  it('breaks off a proxy that sends what only brokers send', async () => {
    greet();
    stream.client.write({ frames: [{ id: 1, kind: 1 }] });
    await sim.settle();
    expect(closed).toBeDefined();
  });

  it('answers UNSUPPORTED for a method that it does not know, and goes on', async () => {
    greet();
    stream.client.write({
      frames: [
        { id: 1, kind: 0, method: 'Teleport' },
        { id: 2, kind: 0, method: 'ListTopics' },
      ],
    });
    await sim.settle();
    const frames = got.flatMap((batch) => batch.frames);
    expect(frames.map(({ id, kind }) => [id, kind])).toEqual(
      expect.arrayContaining([
        [1, 2],
        [2, 1],
      ]),
    );
    const error = frames.find(({ id }) => id === 1);
    expect(statusFromWire(codeAndText.decode(error?.payload ?? Buffer.alloc(0)))).toMatchObject({
      code: Code.UNSUPPORTED,
      message: 'no method Teleport',
    });
  });

  it('answers an error for a payload that is no message', async () => {
    greet();
    stream.client.write({ frames: [{ id: 1, kind: 0, method: 'Pop', payload: Buffer.from('!') }] });
    await sim.settle();
    expect(got.flatMap((batch) => batch.frames).map(({ id, kind }) => [id, kind])).toEqual([
      [1, 2],
    ]);
    expect(closed).toBeUndefined();
  });

  const ask = (id: number, method: string): void => {
    stream.client.write({ frames: [{ id, kind: 0, method }] });
  };
  const errors = (): unknown[] =>
    got
      .flatMap((batch) => batch.frames)
      .filter(({ kind }) => kind === 2)
      .map(({ payload }) => statusFromWire(codeAndText.decode(payload)));

  it('executes nothing while it does not lead, and says so, until it does', async () => {
    leading = undefined;
    greet();
    ask(1, 'Probe');
    await sim.settle();
    expect(errors()).toEqual([expect.any(NotMasterError)]);
    expect(errors()).toMatchObject([{ code: Code.HA_NOT_AVAILABLE }]);
    expect(broker.probes).toBe(0);
    leading = broker;
    ask(2, 'Probe');
    await sim.settle();
    expect(broker.probes).toBe(1);
    expect(got.at(-1)?.frames).toMatchObject([{ id: 2, kind: 1 }]);
  });

  it('lets no answer leave when it leads no more, but breaks the stream', async () => {
    greet();
    ask(1, 'Probe');
    await sim.settle();
    const before = got.length;
    ask(2, 'Probe');
    const { probe } = broker;
    broker.probe = () => {
      leading = undefined; // the lease ends while the call runs
      return probe.call(broker);
    };
    await sim.settle();
    expect(broker.probes).toBe(2);
    expect(got).toHaveLength(before);
    expect(closed).toBeDefined();
  });
});
