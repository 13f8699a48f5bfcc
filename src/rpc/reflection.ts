/** Server reflection (grpc.reflection.v1 and v1alpha), so that grpcurl and its like need no .proto files. */
import type {
  MethodDefinition,
  ServerDuplexStream,
  ServiceDefinition,
  UntypedServiceImplementation,
} from '@grpc/grpc-js';
import { ReflectionService } from '@grpc/reflection';
import { loadTogether } from './protos';

type Message = Readonly<Record<string, unknown>>;
type ReflectionCall = ServerDuplexStream<Message, Message>;

export interface Reflection {
  readonly definition: ServiceDefinition;
  readonly implementation: UntypedServiceImplementation;
}

interface LoadedMethod {
  readonly definition: MethodDefinition<Message, Message>;
  readonly handle: (call: ReflectionCall) => void;
}

const METHOD = 'ServerReflectionInfo';

/**
 * A service for each version. Indexing the descriptors costs some 50 ms: that is left until somebody asks.
 * @param files below `proto/` that are told of
 * @param services asked for at the first call: full names of the services that are listed
 */
export function reflectionServices(
  files: readonly string[],
  services: () => readonly string[],
): readonly Reflection[] {
  let loaded: ReadonlyMap<string, LoadedMethod> | undefined;
  return ['v1', 'v1alpha'].map((version) => {
    const path = `/grpc.reflection.${version}.ServerReflection/${METHOD}`;
    const load = (): LoadedMethod => {
      loaded ??= loadMethods(files, services());
      const method = loaded.get(path);
      if (method === undefined) throw new Error(`the reflection library serves no ${path}`);
      return method;
    };
    const definition: MethodDefinition<Message, Message> = {
      path,
      requestStream: true,
      responseStream: true,
      requestSerialize: (request) => load().definition.requestSerialize(request),
      requestDeserialize: (bytes) => load().definition.requestDeserialize(bytes),
      responseSerialize: (response) => load().definition.responseSerialize(response),
      responseDeserialize: (bytes) => load().definition.responseDeserialize(bytes),
    };
    return {
      definition: { [METHOD]: definition },
      implementation: { [METHOD]: (call: ReflectionCall) => load().handle(call) },
    };
  });
}

function loadMethods(
  files: readonly string[],
  services: readonly string[],
): ReadonlyMap<string, LoadedMethod> {
  const methods = new Map<string, LoadedMethod>();
  const reflection = new ReflectionService(loadTogether(files), { services: [...services] });
  reflection.addToServer({
    addService: (definition, implementation) => {
      const method = definition[METHOD] as LoadedMethod['definition'] | undefined;
      const handle = implementation[METHOD] as LoadedMethod['handle'] | undefined;
      if (method === undefined || handle === undefined) return;
      methods.set(method.path, { definition: method, handle });
    },
  });
  return methods;
}
