import { DEFAULT_RPC_OPTIONS, type RpcTransport } from '../../src/assembly/rpc-options';
import { nodePlatform } from '../../src/platform/node-platform';
import { http2RpcServer } from '../../src/rpc/grpc/rpc-server';
import { grpcJsServer } from '../../src/rpc/grpc-js-server';
import type { RpcServer } from '../../src/rpc/server';

/** The transport that tests run on: what GANTRY_RPC_TRANSPORT says, else the default. */
export function testTransport(): RpcTransport {
  const asked = process.env['GANTRY_RPC_TRANSPORT'] ?? '';
  if (asked === '') return DEFAULT_RPC_OPTIONS.transport;
  if (asked === 'http2' || asked === 'grpc-js') return asked;
  throw new Error(`GANTRY_RPC_TRANSPORT must be http2 or grpc-js, got ${asked}`);
}

/** A server without services of its own. */
export function testServer(): RpcServer {
  const platform = nodePlatform();
  return testTransport() === 'http2'
    ? http2RpcServer(platform, [])
    : grpcJsServer(platform.timers, []);
}
