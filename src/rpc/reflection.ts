/** Server reflection (grpc.reflection.v1 and v1alpha), so that grpcurl and its like need no .proto files. */
import type {
  MethodDefinition,
  ServerDuplexStream,
  ServiceDefinition,
  UntypedServiceImplementation,
} from '@grpc/grpc-js';
import type { AnyDefinition, MessageTypeDefinition, PackageDefinition } from '@grpc/proto-loader';
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
  const described = withDependencies(loadTogether(files));
  const reflection = new ReflectionService(described, { services: [...services] });
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

const GOOGLE_FILE = 'google_protobuf.proto';

/**
 * proto-loader describes each package by one file, and leaves out which others it needs; clients then know of no
 * google.protobuf.Timestamp. Here every file says that it needs Google's, the only package others refer to.
 */
function withDependencies(loaded: PackageDefinition): PackageDefinition {
  const described: PackageDefinition = {};
  for (const [name, definition] of Object.entries(loaded)) {
    if (!isMessage(definition)) continue;
    const files = definition.fileDescriptorProtos;
    if (!files.some(isGoogleFile)) return loaded;
    // FileDescriptorProto.dependency is field 3; a field that is appended to an encoded message is in it.
    const needs = Buffer.concat([
      Buffer.from([0x1a, GOOGLE_FILE.length]),
      Buffer.from(GOOGLE_FILE),
    ]);
    const fileDescriptorProtos = files.map((file) =>
      isGoogleFile(file) ? file : Buffer.concat([file, needs]),
    );
    // All definitions carry the same files: one of them is enough.
    described[name] = { ...definition, fileDescriptorProtos };
    break;
  }
  return described;
}

function isMessage(definition: AnyDefinition): definition is MessageTypeDefinition<object, object> {
  return 'fileDescriptorProtos' in definition && 'serialize' in definition;
}

/** The name is field 1, which comes first. */
function isGoogleFile(file: Buffer): boolean {
  return file.toString('latin1', 2, 2 + GOOGLE_FILE.length) === GOOGLE_FILE;
}
