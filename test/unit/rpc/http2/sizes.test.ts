import { ErrorCode } from '../../../../src/rpc/http2/error-code';
import { FrameType } from '../../../../src/rpc/http2/frame';
import { Setting } from '../../../../src/rpc/http2/settings';
import { frame, message, request, settings } from './raw-client';
import { RawFixture } from './raw-fixture';

const raw = new RawFixture();

afterEach(() => raw.stop());

test('the largest frame is taken, a larger one ends the connection', async () => {
  await raw.start({ maxFrameBytes: 20_000 });
  const client = await raw.open();
  client.send(request(1, 0), message(1, Buffer.alloc(20_000 - 5)));
  expect((await client.next(FrameType.DATA, 1)).payload.length).toBeGreaterThan(0);
  client.send(request(3, 0), message(3, Buffer.alloc(20_001 - 5)));
  expect(await client.goAway()).toMatchObject({ code: ErrorCode.FRAME_SIZE_ERROR });
});

test('more data than the window of the connection ends it, though the stream had room', async () => {
  await raw.start({ connectionWindowBytes: 65_536, maxFrameBytes: 100_000 });
  const client = await raw.open();
  client.send(request(1, 0), frame(FrameType.DATA, 0, 1, Buffer.alloc(65_537)));
  expect(await client.goAway()).toEqual({
    code: ErrorCode.FLOW_CONTROL_ERROR,
    text: 'DATA beyond the window of the connection',
  });
});

test('a handler is told to hold back once so much waits for the client, and when to go on', async () => {
  const answers: boolean[] = [];
  let drained = 0;
  await raw.start(
    { streamHighWaterBytes: 3_000 },
    {
      Spread: (call) => {
        call.on('drain', () => {
          drained++;
          call.end();
        });
        while (answers.at(-1) !== false) answers.push(call.write(Buffer.alloc(1_000 - 5)));
      },
    },
  );
  const client = await raw.open(settings([Setting.INITIAL_WINDOW_SIZE, 0]));
  client.send(request(1, 0, [], '/test.Echo/Spread'), message(1, Buffer.of(1)));
  await client.next(FrameType.HEADERS, 1);
  expect(answers).toEqual([true, true, false]);
  expect(drained).toBe(0);
  client.send(settings([Setting.INITIAL_WINDOW_SIZE, 10_000]));
  const data = await client.next(FrameType.DATA, 1);
  expect(data.payload.length).toBeGreaterThan(0);
  await client.next(FrameType.HEADERS, 1); // the trailers, behind the handler's end
  expect(drained).toBe(1);
});

test('a handler that was told to hold back is told when to go on, also when it has written a little meanwhile', async () => {
  let write: () => boolean = () => true;
  let drained = 0;
  await raw.start(
    { streamHighWaterBytes: 3_000 },
    {
      Spread: (call) => {
        call.on('drain', () => {
          drained++;
          call.end();
        });
        write = () => call.write(Buffer.alloc(1_000 - 5));
        while (write());
      },
    },
  );
  const client = await raw.open(settings([Setting.INITIAL_WINDOW_SIZE, 0]));
  client.send(request(1, 0, [], '/test.Echo/Spread'), message(1, Buffer.of(1)));
  await client.next(FrameType.HEADERS, 1);
  client.send(settings([Setting.INITIAL_WINDOW_SIZE, 1_400]));
  await client.next(FrameType.DATA, 1);
  expect(write()).toBe(true);
  expect(drained).toBe(0);
  client.send(settings([Setting.INITIAL_WINDOW_SIZE, 10_000]));
  await client.next(FrameType.HEADERS, 1); // the trailers, behind the handler's end
  expect(drained).toBe(1);
});
