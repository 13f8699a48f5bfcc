/** Server reflection (grpc.reflection.v1 and v1alpha), so that grpcurl and its like need no .proto files. */
import { createRequire } from 'node:module';
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
const GOOGLE_FILE = 'google_protobuf.proto';

/** The parts of a file's description that are looked at. */
interface FileDescriptor {
  readonly name: string;
  readonly dependency: string[];
  readonly messageType: readonly DescriptorProto[];
}
interface DescriptorProto {
  name: string;
  readonly field: readonly { readonly name: string; typeName?: string }[];
  readonly nestedType: readonly DescriptorProto[];
  readonly options?: { readonly mapEntry?: boolean } | null;
}

/** Of the parser that the loader itself uses. */
const { FileDescriptorProto } = createRequire(require.resolve('@grpc/proto-loader'))(
  'protobufjs/ext/descriptor',
) as {
  readonly FileDescriptorProto: {
    decode(bytes: Buffer): FileDescriptor;
    encode(file: FileDescriptor): { finish(): Uint8Array };
  };
};

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
  const described = corrected(loadTogether(files));
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

/**
 * proto-loader describes each package by one file, which it gets wrong in two ways that keep clients from calling
 * anything. It leaves out which other files a file needs; every file here needs Google's, the only package others refer
 * to. And the entries of maps are to be named after their fields: `TagsEntry` for `tags`.
 */
function corrected(loaded: PackageDefinition): PackageDefinition {
  for (const [name, definition] of Object.entries(loaded)) {
    if (!isMessage(definition)) continue;
    const files = definition.fileDescriptorProtos.map((file) => FileDescriptorProto.decode(file));
    if (!files.some((file) => file.name === GOOGLE_FILE)) return loaded;
    for (const file of files) {
      if (file.name !== GOOGLE_FILE) file.dependency.push(GOOGLE_FILE);
      for (const message of file.messageType) nameMapEntries(message);
    }
    const fileDescriptorProtos = files.map((file) =>
      Buffer.from(FileDescriptorProto.encode(file).finish()),
    );
    // All definitions carry the same files: one of them is enough.
    return { [name]: { ...definition, fileDescriptorProtos } };
  }
  return loaded;
}

function nameMapEntries(message: DescriptorProto): void {
  for (const nested of message.nestedType) {
    nameMapEntries(nested);
    if (nested.options?.mapEntry !== true) continue;
    const field = message.field.find(({ typeName }) => typeName === nested.name);
    if (field === undefined) continue;
    const words = field.name.split('_').map((word) => word.charAt(0).toUpperCase() + word.slice(1));
    nested.name = `${words.join('')}Entry`;
    field.typeName = nested.name;
  }
}

function isMessage(definition: AnyDefinition): definition is MessageTypeDefinition<object, object> {
  return 'fileDescriptorProtos' in definition && 'serialize' in definition;
}
