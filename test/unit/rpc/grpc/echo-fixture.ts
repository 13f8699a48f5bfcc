import { Metadata, type CallOptions, type Client, type ClientDuplexStream } from '@grpc/grpc-js';
import { nodePlatform } from '../../../../src/platform/node-platform';
import { GrpcServer, type GrpcServerOptions } from '../../../../src/rpc/grpc/grpc-server';
import { echoClient, echoDefinition, echoHandlers, type EchoHandlers } from './echo-service';

/** The echo service on our own server, and a client of it; a test starts it as it needs it. */
export class EchoFixture {
  private running: { server: GrpcServer; client: Client; port: number } | undefined;

  async start(
    handlers: Partial<EchoHandlers> = {},
    options: GrpcServerOptions = {},
  ): Promise<void> {
    const server = new GrpcServer(nodePlatform(), options);
    server.addService(echoDefinition, { ...echoHandlers, ...handlers });
    const port = await server.listen('127.0.0.1', 0);
    this.running = { server, client: echoClient(port), port };
  }

  async stop(): Promise<void> {
    this.client.close();
    await this.server.close();
    this.running = undefined;
  }

  get server(): GrpcServer {
    return this.state.server;
  }

  set server(server: GrpcServer) {
    this.state.server = server;
  }

  get client(): Client {
    return this.state.client;
  }

  set client(client: Client) {
    this.state.client = client;
  }

  get port(): number {
    return this.state.port;
  }

  unary(request: Buffer, metadata = new Metadata(), options: CallOptions = {}): Promise<Buffer> {
    const { path, requestSerialize, responseDeserialize } = echoDefinition.Unary;
    return new Promise((resolve, reject) => {
      this.client.makeUnaryRequest(
        path,
        requestSerialize,
        responseDeserialize,
        request,
        metadata,
        options,
        (error, value) => {
          if (error === null && value !== undefined) resolve(value);
          else reject(error ?? new Error('no answer'));
        },
      );
    });
  }

  chat(): ClientDuplexStream<Buffer, Buffer> {
    const { path, requestSerialize, responseDeserialize } = echoDefinition.Chat;
    return this.client.makeBidiStreamRequest(path, requestSerialize, responseDeserialize);
  }

  private get state(): { server: GrpcServer; client: Client; port: number } {
    if (this.running === undefined) throw new Error('not started');
    return this.running;
  }
}
