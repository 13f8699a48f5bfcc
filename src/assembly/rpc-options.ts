/** How a role's gRPC port is served: the settings `rpc.*` and `tls.*`. */
import type { ProxyProtocolMode } from '../config/proxy-protocol';
import { DEFAULT_HTTP2_OPTIONS, type Http2Options } from '../rpc/http2/options';
import type { TlsMode } from '../rpc/http2/port-connection';
import { DEFAULT_RPC_SERVER_OPTIONS } from '../rpc/server';

export interface RpcOptions extends Http2Options {
  /** Which server stands behind `RpcServer`. */
  readonly transport: RpcTransport;
  /** See `RpcServerOptions`. */
  readonly maxReceiveBytes: number;
  /** See `RpcServerOptions`. */
  readonly maxSendBytes: number;
  /** Beside one message of the largest size, which may always end. See `Http2Options`. */
  readonly maxHeldConnectionBytes: number;
  /** See `GrpcServerOptions`. */
  readonly compressAnswers: boolean;
  /** Whether balancers among `proxyProtocolFrom` may or must begin with a header of the PROXY protocol. */
  readonly proxyProtocol: ProxyProtocolMode;
  /** IP addresses and networks. */
  readonly proxyProtocolFrom: readonly string[];
}

export type RpcTransport = 'grpc-js' | 'http2';

export const DEFAULT_RPC_OPTIONS: RpcOptions = {
  ...DEFAULT_HTTP2_OPTIONS,
  transport: 'http2',
  maxReceiveBytes: DEFAULT_RPC_SERVER_OPTIONS.maxReceiveBytes,
  maxSendBytes: DEFAULT_RPC_SERVER_OPTIONS.maxSendBytes,
  compressAnswers: false,
  proxyProtocol: 'off',
  proxyProtocolFrom: [],
};

export interface TlsOptions {
  readonly mode: TlsMode;
  /** File, PEM; '' with an empty `key`: a certificate for development is made at each start. */
  readonly certificate: string;
  /** File, PEM. */
  readonly key: string;
  /** File, PEM; '': clients need no certificate. */
  readonly clientCa: string;
}
