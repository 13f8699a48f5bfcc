/** The methods that a server serves, by path, from grpc-js's service definitions and implementations. */
import type {
  handleBidiStreamingCall,
  handleClientStreamingCall,
  handleServerStreamingCall,
  handleUnaryCall,
  ServiceDefinition,
  UntypedServiceImplementation,
} from '@grpc/grpc-js';

export type MethodKind = 'unary' | 'client-stream' | 'server-stream' | 'bidi';

interface MethodOf<Kind extends MethodKind, Handler> {
  readonly kind: Kind;
  /** `/package.Service/Method` */
  readonly path: string;
  readonly deserialize: (bytes: Buffer) => unknown;
  readonly serialize: (value: unknown) => Buffer;
  readonly handler: Handler;
}

export type UnaryMethod = MethodOf<'unary', handleUnaryCall<unknown, unknown>>;
export type ClientStreamMethod = MethodOf<
  'client-stream',
  handleClientStreamingCall<unknown, unknown>
>;
export type ServerStreamMethod = MethodOf<
  'server-stream',
  handleServerStreamingCall<unknown, unknown>
>;
export type BidiMethod = MethodOf<'bidi', handleBidiStreamingCall<unknown, unknown>>;
export type StreamingMethod = ClientStreamMethod | ServerStreamMethod | BidiMethod;
export type Method = UnaryMethod | StreamingMethod;

export class MethodTable {
  private readonly methods = new Map<string, Method>();

  find(path: string): Method | undefined {
    return this.methods.get(path);
  }

  /**
   * Adds a service's methods. A handler is found under its method's name or its original (proto) name; a
   * method without one is answered UNIMPLEMENTED.
   * @throws Error when a path is served already
   */
  add(definition: ServiceDefinition, implementation: UntypedServiceImplementation): void {
    for (const [name, method] of Object.entries(definition)) {
      const handler = implementation[name] ?? implementation[method.originalName ?? name];
      if (handler === undefined) continue;
      if (this.methods.has(method.path)) throw new Error(`${method.path} is served already`);
      this.methods.set(method.path, {
        kind: kindOf(method.requestStream, method.responseStream),
        path: method.path,
        deserialize: method.requestDeserialize,
        serialize: method.responseSerialize,
        // Which handler shape it is hangs on the kind, which the types of grpc-js do not say.
        handler: handler.bind(implementation),
      } as Method);
    }
  }
}

function kindOf(requestStream: boolean, responseStream: boolean): MethodKind {
  if (requestStream) return responseStream ? 'bidi' : 'client-stream';
  return responseStream ? 'server-stream' : 'unary';
}
