import { nodePlatform } from '../../../../src/platform/node-platform';
import { ErrorCode } from '../../../../src/rpc/http2/error-code';
import { Flag, FrameType, readUint32 } from '../../../../src/rpc/http2/frame';
import type { Http2Options } from '../../../../src/rpc/http2/options';
import { SimClock } from '../../../support/sim-clock';
import { frame, message, ping, request, type RawClient } from './raw-client';
import { RawFixture } from './raw-fixture';

const raw = new RawFixture();

afterEach(() => raw.stop());

describe('connections', () => {
  test('one more than allowed is closed, and allowed when another has gone', async () => {
    await raw.start({ maxConnections: 2 });
    const first = await raw.open();
    const second = await raw.open();
    await first.next(FrameType.SETTINGS);
    await second.next(FrameType.SETTINGS);
    const third = await raw.open();
    await third.untilClosed();
    first.close();
    for (;;) {
      const next = await raw.open();
      const answer = await Promise.race([
        next.untilClosed().then(() => 'closed'),
        next.next(FrameType.SETTINGS).then(
          () => 'served',
          () => 'closed',
        ),
      ]);
      if (answer === 'served') break;
    }
  });

  test('one more than allowed from an address is closed', async () => {
    await raw.start({ maxConnectionsPerAddress: 1 });
    const first = await raw.open();
    await first.next(FrameType.SETTINGS);
    await (await raw.open()).untilClosed();
    first.send(request(1, 0), message(1, Buffer.of(1)));
    await first.next(FrameType.DATA);
  });

  test('what is no HTTP/2 is closed', async () => {
    await raw.start();
    const client = await raw.open('nothing');
    client.send(Buffer.from('BREW /pot HTCPCP/1.0\r\n\r\n'));
    client.socket.resume();
    await new Promise((resolve) => client.socket.once('end', resolve));
  });
});

describe('time', () => {
  let sim: SimClock;

  /** Real sockets under a clock that the test moves. */
  async function startAt(http2: Partial<Http2Options>): Promise<void> {
    sim = new SimClock();
    const node = nodePlatform();
    const timers = { ...sim.timers, nextTurn: node.timers.nextTurn };
    await raw.start(http2, { Unary: () => undefined }, { ...node, clock: sim.clock, timers });
  }

  test('a client that does not greet in time is closed', async () => {
    await startAt({ handshakeMs: 5000 });
    const client = await raw.open('nothing');
    client.send(Buffer.from('PRI * HTTP/2'));
    await untilConnected(1);
    await sim.advance(7000);
    await client.untilClosed();
  });

  test('a client that does not end what it began is closed', async () => {
    await startAt({ frameMs: 5000 });
    const trickle = await raw.open();
    await trickle.next(FrameType.SETTINGS);
    trickle.send(ping().subarray(0, 12));
    const block = await raw.open();
    await block.next(FrameType.SETTINGS);
    block.send(frame(FrameType.HEADERS, 0, 1, Buffer.of(0x82)));
    await pingPong(await raw.open());
    await sim.advance(8000);
    expect(await trickle.goAway()).toMatchObject({ code: ErrorCode.ENHANCE_YOUR_CALM });
    expect(await block.goAway()).toMatchObject({ code: ErrorCode.ENHANCE_YOUR_CALM });
  });

  test('a silent client is pinged, and dropped when it does not answer', async () => {
    await startAt({ keepaliveMs: 10_000, keepaliveTimeoutMs: 5000 });
    const dead = await raw.open();
    const alive = await raw.open();
    await pingPong(dead);
    await pingPong(alive);
    for (let round = 0; round < 3; round++) {
      await sim.advance(12_000);
      if (alive.closed) break;
      const { payload } = await alive.next(FrameType.PING);
      alive.send(frame(FrameType.PING, Flag.ACK, 0, payload));
      await pingPong(alive);
    }
    await dead.untilClosed();
    expect(alive.closed).toBe(false);
  });

  test('a connection without calls is ended, one with a call is not', async () => {
    await startAt({ idleMs: 60_000, keepaliveMs: 0 });
    const idle = await raw.open();
    const busy = await raw.open();
    await pingPong(idle);
    busy.send(request(1, 0), message(1, Buffer.of(1)));
    await pingPong(busy);
    await sim.advance(70_000);
    expect(await idle.goAway()).toMatchObject({ code: ErrorCode.NO_ERROR });
    await pingPong(busy);
    expect(busy.closed).toBe(false);
  });

  test('an old connection is ended: its calls go on for the grace, then they are cut', async () => {
    await startAt({ maxAgeMs: 100_000, graceMs: 40_000, keepaliveMs: 0 });
    const client = await raw.open();
    client.send(request(1, 0), message(1, Buffer.of(1)));
    await pingPong(client);
    await sim.advance(89_000);
    await pingPong(client);
    await sim.advance(22_500);
    expect(await client.goAway()).toMatchObject({ code: ErrorCode.NO_ERROR, text: '' });
    // Requests that cross the first GOAWAY are served; after its PING is answered, they are refused.
    client.send(request(3, 0), message(3, Buffer.of(1)));
    const drainPing = await client.next(FrameType.PING);
    await pingPong(client);
    expect(raw.server.runningCalls).toBe(2);
    client.send(frame(FrameType.PING, Flag.ACK, 0, drainPing.payload));
    const second = await client.next(FrameType.GOAWAY);
    expect(readUint32(second.payload, 0)).toBe(3);
    client.send(request(5, 0));
    expect(await client.reset(5)).toBe(ErrorCode.REFUSED_STREAM);
    await sim.advance(45_000);
    await client.untilClosed();
    expect(raw.server.runningCalls).toBe(0);
  });

  async function untilConnected(count: number): Promise<void> {
    while (raw.server.connectionCount < count)
      await new Promise((resolve) => setImmediate(resolve));
  }

  /** After this the server has read all that was sent before. */
  async function pingPong(client: RawClient): Promise<void> {
    client.send(frame(FrameType.PING, 0, 0, Buffer.from('pingpong')));
    for (;;) {
      const { flags, payload } = await client.next(FrameType.PING);
      if (flags === Flag.ACK && payload.toString() === 'pingpong') return;
    }
  }
});
