import type { RpcServer } from '../../src/rpc/server';
import { testServer } from './transport';

/** Something that a server can be given. */
export type Mountable =
  Parameters<RpcServer['addService']> extends [infer D, infer I]
    ? { readonly definition: D; readonly implementation: I }
    : never;

export interface ServedAddress {
  /** `127.0.0.1:port` */
  readonly address: string;
  readonly port: number;
  /** Cuts all connections and frees the port. */
  stop(): Promise<void>;
}

/** Serves on loopback. @param port 0 takes any free one */
export async function serveOnLoopback(
  services: readonly Mountable[],
  port = 0,
): Promise<ServedAddress> {
  const server = testServer();
  for (const { definition, implementation } of services) {
    server.addService(definition, implementation);
  }
  const taken = await server.listen('127.0.0.1', port);
  return { address: `127.0.0.1:${taken}`, port: taken, stop: () => server.drain(0) };
}
