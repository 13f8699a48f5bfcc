/** What serves gRPC. Handlers have the call shapes of @grpc/grpc-js, whatever stands behind this. */
import type { ServiceDefinition, UntypedServiceImplementation } from '@grpc/grpc-js';

export interface RpcServer {
  /** Before `listen`. */
  addService(definition: ServiceDefinition, implementation: UntypedServiceImplementation): void;
  /**
   * Listens in plaintext.
   * @param port 0 takes any free one
   * @returns the port
   * @throws Error with the system's text when the address is taken
   */
  listen(host: string, port: number): Promise<number>;
  /** What the standard health service answers for the server as a whole. */
  setServing(serving: boolean): void;
  /**
   * Takes no new connections and tells clients to go elsewhere (GOAWAY); calls that run may finish
   * within `graceMs`, then they are cut.
   */
  drain(graceMs: number): Promise<void>;
}

export interface RpcServerOptions {
  /** Largest message taken, bytes. Default 130 MiB, as Apache's proxy: a batch of 32 full messages. */
  readonly maxReceiveBytes?: number;
}

export const DEFAULT_MAX_RECEIVE_BYTES = 130 * 1024 * 1024;
