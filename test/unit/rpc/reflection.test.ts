import { join } from 'node:path';
import { createRequire } from 'node:module';
import { Client, credentials, status, type MethodDefinition } from '@grpc/grpc-js';
import { loadFileDescriptorSetFromBuffer, loadSync } from '@grpc/proto-loader';
import type { RpcServer } from '../../../src/rpc/server';
import { definition, drainStream, implementations, SERVICE } from './support/probe';

/** Of the parser that the loader itself uses. */
const { FileDescriptorProto } = createRequire(require.resolve('@grpc/proto-loader'))(
  'protobufjs/ext/descriptor',
) as {
  readonly FileDescriptorProto: {
    decode(bytes: Buffer): {
      readonly name: string;
      readonly dependency: readonly string[];
      readonly messageType: readonly Described[];
    };
  };
};

interface Described {
  readonly name: string;
  readonly field: readonly { readonly name: string; readonly typeName: string }[];
  readonly nestedType: readonly (Described & { readonly options?: { mapEntry?: boolean } })[];
}

interface ReflectionRequest {
  readonly list_services?: string;
  readonly file_containing_symbol?: string;
}

interface ReflectionResponse {
  readonly list_services_response?: { readonly service: readonly { readonly name: string }[] };
  readonly file_descriptor_response?: { readonly file_descriptor_proto: readonly Buffer[] };
  readonly error_response?: { readonly error_code: number };
}

type Method = MethodDefinition<ReflectionRequest, ReflectionResponse>;

function reflectionMethod(version: string): Method {
  const root = join(createRequire(__filename).resolve('@grpc/reflection/package.json'), '..');
  const file = join(root, 'build', 'proto', 'grpc', 'reflection', version, 'reflection.proto');
  const loaded = loadSync(file, { keepCase: true, oneofs: true });
  const found = loaded[`grpc.reflection.${version}.ServerReflection`];
  if (found === undefined) throw new Error(`no reflection of version ${version}`);
  return (found as unknown as Record<string, Method>)['ServerReflectionInfo'] as Method;
}

/** Descriptors of files, as the set that proto-loader reads. */
function descriptorSet(files: readonly Buffer[]): Buffer {
  const parts = files.flatMap((file) => [Buffer.from([0x0a]), varint(file.length), file]);
  return Buffer.concat(parts);
}

function varint(value: number): Buffer {
  const bytes: number[] = [];
  let rest = value;
  for (; rest > 127; rest = Math.floor(rest / 128)) bytes.push((rest % 128) + 128);
  return Buffer.from([...bytes, rest]);
}

describe.each(implementations)('reflection of a server on %s', (_name, makeServer) => {
  let server: RpcServer;
  let client: Client;

  beforeEach(async () => {
    server = makeServer();
    server.addService(definition(), {});
    const port = await server.listen('127.0.0.1', 0);
    client = new Client(`127.0.0.1:${port}`, credentials.createInsecure());
  });

  afterEach(async () => {
    client.close();
    await server.drain(0);
  });

  async function ask(version: string, request: ReflectionRequest): Promise<ReflectionResponse> {
    const { path, requestSerialize, responseDeserialize } = reflectionMethod(version);
    const stream = client.makeBidiStreamRequest(path, requestSerialize, responseDeserialize);
    const ended = drainStream<ReflectionResponse>(stream);
    stream.end(request);
    const { messages, code } = await ended;
    expect(code).toBe(status.OK);
    const [response] = messages;
    if (response === undefined) throw new Error('no response');
    return response;
  }

  it.each(['v1', 'v1alpha'])('lists what is served, in %s', async (version) => {
    const { list_services_response: listed } = await ask(version, { list_services: '*' });
    // Not Admin: it is defined, but this server does not serve it.
    expect(listed?.service.map(({ name }) => name)).toEqual([SERVICE]);
  });

  it('describes a service so that it can be called without its .proto file', async () => {
    const { file_descriptor_response: files } = await ask('v1', {
      file_containing_symbol: SERVICE,
    });
    const described = loadFileDescriptorSetFromBuffer(
      descriptorSet(files?.file_descriptor_proto ?? []),
      { keepCase: true },
    );
    const service = described[SERVICE] as unknown as Record<
      string,
      MethodDefinition<object, object>
    >;
    const receive = service['ReceiveMessage'];
    expect(receive?.responseStream).toBe(true);
    const ours = definition()['ReceiveMessage'];
    const request = { batch_size: 3, attempt_id: '', invisible_duration: { seconds: 9 } };
    expect(receive?.requestSerialize(request)).toEqual(ours?.requestSerialize(request));
  });

  it('names every file that another file needs, and sends it along', async () => {
    const { file_descriptor_response: files } = await ask('v1', {
      file_containing_symbol: SERVICE,
    });
    const described = (files?.file_descriptor_proto ?? []).map((file) =>
      FileDescriptorProto.decode(file),
    );
    const needed = described.flatMap(({ dependency }) => dependency);
    // Without it, clients can't resolve google.protobuf.Timestamp.
    expect(needed).toEqual(['google_protobuf.proto']);
    expect(described.map(({ name }) => name)).toEqual(expect.arrayContaining(needed));
  });

  it('names the entries of maps after their fields, as grpcurl wants it', async () => {
    const { file_descriptor_response: files } = await ask('v1', {
      file_containing_symbol: SERVICE,
    });
    const messages = (files?.file_descriptor_proto ?? []).flatMap(
      (file) => FileDescriptorProto.decode(file).messageType,
    );
    const entries = messages.flatMap(({ field, nestedType }) =>
      nestedType
        .filter(({ options }) => options?.mapEntry === true)
        .map(({ name }) => [field.find(({ typeName }) => typeName === name)?.name, name]),
    );
    expect(entries).toContainEqual(['user_properties', 'UserPropertiesEntry']);
    for (const [field = '', name] of entries) {
      expect(name?.toLowerCase()).toBe(`${field.replaceAll('_', '')}entry`);
    }
  });

  it('says that it knows no such symbol', async () => {
    const { error_response: error } = await ask('v1', { file_containing_symbol: 'no.Such' });
    expect(error?.error_code).toBe(status.NOT_FOUND);
  });
});
