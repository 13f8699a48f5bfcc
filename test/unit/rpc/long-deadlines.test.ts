import { once } from 'node:events';
import {
  credentials,
  makeGenericClientConstructor,
  type ClientReadableStream,
} from '@grpc/grpc-js';
import { service } from 'grpc-health-check';
import { nodePlatform } from '../../../src/platform/node-platform';
import { grpcJsServer } from '../../../src/rpc/grpc-js-server';

const DAY_MS = 86_400_000;

type Watch = (
  request: { readonly service: string },
  options: { readonly deadline: Date },
) => ClientReadableStream<{ readonly status: string }>;

describe('a deadline far ahead', () => {
  it.each([1, 25, 30, 3650])('of %i days does not end its call', async (days) => {
    const { timers, clock } = nodePlatform();
    const server = grpcJsServer(timers, []);
    const port = await server.listen('127.0.0.1', 0);
    const Client = makeGenericClientConstructor(service, 'Health');
    const client = new Client(`127.0.0.1:${port}`, credentials.createInsecure());
    try {
      const deadline = new Date(clock.wallMs() + days * DAY_MS);
      const watch = (client as unknown as Record<string, Watch>)['Watch'];
      const stream = watch?.call(client, { service: '' }, { deadline });
      if (stream === undefined) throw new Error('no Watch');
      await once(stream, 'data');
      // The stock server would have ended the call after a millisecond.
      await new Promise<void>((resolve) => timers.after(50, resolve));
      const changed = once(stream, 'data');
      server.setServing(true);
      expect(await changed).toMatchObject([{ status: 'SERVING' }]);
      stream.on('error', () => undefined).cancel();
    } finally {
      client.close();
      await server.drain(1000);
    }
  });
});
