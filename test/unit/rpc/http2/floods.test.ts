import { ErrorCode } from '../../../../src/rpc/http2/error-code';
import { Flag, FrameType } from '../../../../src/rpc/http2/frame';
import { Setting } from '../../../../src/rpc/http2/settings';
import { frame, message, ping, request, settings, uint32 } from './raw-client';
import { RawFixture } from './raw-fixture';

const raw = new RawFixture();

afterEach(() => raw.stop());

describe('frames that bring nothing on', () => {
  const floods: readonly (readonly [string, Buffer])[] = [
    ['PING', ping()],
    ['SETTINGS', settings([Setting.INITIAL_WINDOW_SIZE, 1])],
    ['SETTINGS acknowledgements', frame(FrameType.SETTINGS, Flag.ACK, 0)],
    ['PRIORITY', frame(FrameType.PRIORITY, 0, 1, Buffer.alloc(5))],
    ['empty DATA', frame(FrameType.DATA, 0, 1)],
    ['padding', frame(FrameType.DATA, Flag.PADDED, 1, Buffer.of(2, 0, 0))],
    ['WINDOW_UPDATE', frame(FrameType.WINDOW_UPDATE, 0, 0, uint32(1))],
    ['RST_STREAM of a closed stream', frame(FrameType.RST_STREAM, 0, 1, uint32(8))],
    ['unknown frames', frame(0x42, 0, 0, Buffer.alloc(10))],
  ];

  test.each(floods)('%s without end end the connection', async (_name, one) => {
    await raw.start({ maxIdleFrames: 200 });
    const client = await raw.open();
    client.send(request(1, 0), Buffer.concat(Array.from({ length: 2000 }, () => one)));
    expect(await client.goAway()).toMatchObject({
      code: ErrorCode.ENHANCE_YOUR_CALM,
      text: 'too many frames that bring nothing on',
    });
    await client.untilClosed();
    await raw.expectServed();
  });

  test('a client that pings with every call is welcome', async () => {
    await raw.start({ maxIdleFrames: 10 });
    const client = await raw.open();
    for (let id = 1; id < 401; id += 2) {
      client.send(ping(), ping(), request(id, 0), ping(), message(id, Buffer.of(1)), ping());
      await client.next(FrameType.DATA, id);
    }
  });
});
