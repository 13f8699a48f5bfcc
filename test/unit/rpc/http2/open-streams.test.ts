import fc from 'fast-check';
import { OpenStreams } from '../../../../src/rpc/http2/open-streams';
import { RequestHead } from '../../../../src/rpc/http2/request-head';
import { Http2Stream, type StreamOwner } from '../../../../src/rpc/http2/stream';

const nobody: StreamOwner = {
  peer: '',
  localAddress: '',
  sendHeaders: () => undefined,
  sendData: () => true,
  sendEnd: () => undefined,
  reset: () => undefined,
  returnWindow: () => undefined,
  hold: () => true,
  release: () => undefined,
};

const streamOf = (id: number): Http2Stream => new Http2Stream(id, new RequestHead(), nobody, 0, 0);

test('streams are found by their ids, whatever came and went', () => {
  // Each step skips some ids, opens a stream, and closes the open one that a number picks, or none.
  const steps = fc.array(
    fc.record({ skip: fc.nat({ max: 3 }), close: fc.option(fc.nat(), { nil: undefined }) }),
    { maxLength: 400 },
  );
  fc.assert(
    fc.property(steps, (all) => {
      const streams = new OpenStreams();
      const model = new Map<number, Http2Stream>();
      let id = 1;
      for (const { skip, close } of all) {
        id += 2 * (skip + 1);
        const stream = streamOf(id);
        streams.add(stream);
        model.set(id, stream);
        const closed = close === undefined ? undefined : [...model.values()][close % model.size];
        if (closed !== undefined) {
          streams.delete(closed);
          model.delete(closed.id);
        }
        expect(streams.size).toBe(model.size);
      }
      for (let asked = 1; asked <= id + 2; asked += 2) {
        expect(streams.get(asked)).toBe(model.get(asked));
      }
      expect(new Set(streams.all())).toEqual(new Set(model.values()));
    }),
    { seed: 7, numRuns: 100 },
  );
});

test('a stream that is open for long is found after a million others', () => {
  const streams = new OpenStreams();
  const long = streamOf(7);
  streams.add(long);
  for (let id = 9; id < 2_000_000; id += 2) {
    const stream = streamOf(id);
    streams.add(stream);
    streams.delete(stream);
  }
  expect(streams.get(7)).toBe(long);
  expect(streams.size).toBe(1);
  streams.delete(long);
  expect(streams.get(7)).toBeUndefined();
  expect(streams.all()).toEqual([]);
});
