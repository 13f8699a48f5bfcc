/** A server of the public service whose handlers do what a test needs, and clients for it. */
import {
  credentials,
  Client as GrpcClient,
  type ClientReadableStream,
  type MethodDefinition,
  type ServerDuplexStream,
  type ServiceDefinition,
} from '@grpc/grpc-js';
import { service as healthDefinition } from 'grpc-health-check';
import { nodePlatform } from '../../../../src/platform/node-platform';
import { makeClient } from '../../../../src/rpc/client';
import type { MessagingServiceClient } from '../../../../src/rpc/generated/apache/rocketmq/v2/MessagingService';
import type { QueryRouteRequest } from '../../../../src/rpc/generated/apache/rocketmq/v2/QueryRouteRequest';
import type { QueryRouteResponse__Output } from '../../../../src/rpc/generated/apache/rocketmq/v2/QueryRouteResponse';
import { grpcJsServer } from '../../../../src/rpc/grpc-js-server';
import { http2RpcServer } from '../../../../src/rpc/grpc/rpc-server';
import { loadService } from '../../../../src/rpc/protos';
import type { RpcServer, RpcServerOptions } from '../../../../src/rpc/server';
import { within } from '../../../support/until';

export const SERVICE_FILE = 'apache/rocketmq/v2/service.proto';
export const SERVICE = 'apache.rocketmq.v2.MessagingService';

export type MakeServer = (options?: RpcServerOptions) => RpcServer;

/** Each implementation of RpcServer; the same tests hold for both. */
export const implementations: readonly (readonly [string, MakeServer])[] = [
  ['grpc-js', (options) => grpcJsServer(nodePlatform().timers, [SERVICE_FILE], options)],
  ['our own HTTP/2', (options) => http2RpcServer(nodePlatform(), [SERVICE_FILE], options)],
];

export const definition = (): ServiceDefinition => loadService(SERVICE_FILE, SERVICE);

export type Client = MessagingServiceClient;
export const clientFor = (port: number): Client =>
  makeClient<Client>(definition(), `127.0.0.1:${port}`);

/** One unary call; rejects with grpc-js's ServiceError. */
export function queryRoute(
  client: Client,
  request: QueryRouteRequest = {},
): Promise<QueryRouteResponse__Output> {
  return within(
    'an answer',
    5000,
    new Promise((resolve, reject) => {
      client.queryRoute(request, (error, response) => {
        if (error !== null) reject(error);
        else if (response === undefined) reject(new Error('neither an error nor an answer'));
        else resolve(response);
      });
    }),
  );
}

/** Answers every message of a bidirectional stream with itself. */
export function echo<T>(call: ServerDuplexStream<T, T>): void {
  call.on('data', (message: T) => call.write(message));
  call.on('end', () => call.end());
}

/** All messages of a stream from a server, and the code of its status. */
export function drainStream<T>(
  stream: ClientReadableStream<T>,
): Promise<{ readonly messages: readonly T[]; readonly code: number }> {
  const messages: T[] = [];
  stream.on('data', (message: T) => messages.push(message));
  stream.on('error', () => undefined);
  return within(
    'the end of a stream',
    5000,
    new Promise((resolve) => {
      stream.on('status', ({ code }) => resolve({ messages, code }));
    }),
  );
}

/** Asks the standard health service. */
export class HealthClient extends GrpcClient {
  check(service: string): Promise<string> {
    return within(
      'a health check',
      5000,
      new Promise((resolve, reject) => {
        const { path, requestSerialize, responseDeserialize } = healthMethod('Check');
        this.makeUnaryRequest(
          path,
          requestSerialize,
          responseDeserialize,
          { service },
          (error, said) => {
            if (error === null && said !== undefined) resolve(said.status);
            else reject(error ?? new Error('neither an error nor an answer'));
          },
        );
      }),
    );
  }

  watch(service: string): ClientReadableStream<HealthStatus> {
    const { path, requestSerialize, responseDeserialize } = healthMethod('Watch');
    return this.makeServerStreamRequest(path, requestSerialize, responseDeserialize, { service });
  }
}

interface HealthStatus {
  readonly status: string;
}

function healthMethod(name: string): MethodDefinition<{ service: string }, HealthStatus> {
  const method = healthDefinition[name];
  if (method === undefined) throw new Error(`the health service has no method ${name}`);
  return method as MethodDefinition<{ service: string }, HealthStatus>;
}

export const healthClient = (port: number): HealthClient =>
  new HealthClient(`127.0.0.1:${port}`, credentials.createInsecure(), {
    'grpc.use_local_subchannel_pool': 1,
  });
