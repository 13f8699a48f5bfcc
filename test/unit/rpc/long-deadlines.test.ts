import { credentials, makeGenericClientConstructor } from '@grpc/grpc-js';
import { service } from 'grpc-health-check';
import { nodePlatform } from '../../../src/platform/node-platform';
import { grpcJsServer } from '../../../src/rpc/grpc-js-server';

const DAY_MS = 86_400_000;

type Check = (
  request: { readonly service: string },
  options: { readonly deadline: Date },
  done: (error: Error | null) => void,
) => void;

describe('a deadline far ahead', () => {
  it.each([1, 25, 30, 3650])('of %i days does not end its call', async (days) => {
    const server = grpcJsServer(nodePlatform().timers, []);
    const port = await server.listen('127.0.0.1', 0);
    server.setServing(true);
    const Client = makeGenericClientConstructor(service, 'Health');
    const client = new Client(`127.0.0.1:${port}`, credentials.createInsecure());
    try {
      const deadline = new Date(nodePlatform().clock.wallMs() + days * DAY_MS);
      const check = (client as unknown as Record<string, Check>)['Check']?.bind(client);
      const error = await new Promise((resolve) => {
        check?.({ service: '' }, { deadline }, resolve);
      });
      expect(error).toBeNull();
    } finally {
      client.close();
      await server.drain(1000);
    }
  });
});
