import { nodePlatform } from '../../../../src/platform/node-platform';
import type { Platform } from '../../../../src/platform/platform';
import { GrpcServer } from '../../../../src/rpc/grpc/grpc-server';
import { FrameType } from '../../../../src/rpc/http2/frame';
import type { Http2Options } from '../../../../src/rpc/http2/options';
import { echoDefinition, echoHandlers, type EchoHandlers } from '../grpc/echo-service';
import { message, RawClient, request } from './raw-client';

/** The echo service under the limits that a test wants, and raw clients of it. */
export class RawFixture {
  private running: GrpcServer | undefined;
  private readonly clients: RawClient[] = [];
  port = 0;

  async start(
    http2: Partial<Http2Options> = {},
    handlers: Partial<EchoHandlers> = {},
    platform: Platform = nodePlatform(),
  ): Promise<void> {
    this.running = new GrpcServer(platform, { http2 });
    this.running.addService(echoDefinition, { ...echoHandlers, ...handlers });
    this.port = await this.running.listen('127.0.0.1', 0);
  }

  async stop(): Promise<void> {
    for (const client of this.clients.splice(0)) client.close();
    await this.running?.close();
    this.running = undefined;
  }

  get server(): GrpcServer {
    if (this.running === undefined) throw new Error('not started');
    return this.running;
  }

  /** A client on a connection of its own; see `RawClient.open`. */
  async open(greeting?: Buffer | 'nothing'): Promise<RawClient> {
    const client = await RawClient.open(this.port, greeting);
    this.clients.push(client);
    return client;
  }

  /** An echo call on a connection of its own, as another client would make it. */
  async expectServed(): Promise<void> {
    const honest = await this.open();
    honest.send(request(1, 0), message(1, Buffer.from('honest')));
    const data = await honest.next(FrameType.DATA);
    expect(data.payload.subarray(5).toString()).toBe('honest');
    honest.close();
  }
}
