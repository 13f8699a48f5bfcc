import type { MethodDefinition } from '@grpc/proto-loader';
import type {
  Message,
  Message__Output,
} from '../../../src/rpc/generated/apache/rocketmq/v2/Message';
import type { MessagingServiceDefinition } from '../../../src/rpc/generated/apache/rocketmq/v2/MessagingService';
import type { ReceiveMessageRequest } from '../../../src/rpc/generated/apache/rocketmq/v2/ReceiveMessageRequest';
import type { ReceiveMessageRequest__Output } from '../../../src/rpc/generated/apache/rocketmq/v2/ReceiveMessageRequest';
import type { SendMessageResponse__Output } from '../../../src/rpc/generated/apache/rocketmq/v2/SendMessageResponse';
import type { TelemetryCommand } from '../../../src/rpc/generated/apache/rocketmq/v2/TelemetryCommand';
import type { TelemetryCommand__Output } from '../../../src/rpc/generated/apache/rocketmq/v2/TelemetryCommand';
import { loadService } from '../../../src/rpc/protos';
import { SERVICE, SERVICE_FILE } from './support/probe';

const service = loadService(SERVICE_FILE, SERVICE) as unknown as MessagingServiceDefinition;

/** What a message is on the other side. */
function throughRequest<In, Out>(
  method: Pick<MethodDefinition<In, never, Out>, 'requestSerialize' | 'requestDeserialize'>,
  message: In,
): Out {
  return method.requestDeserialize(method.requestSerialize(message));
}
const receive = (message: ReceiveMessageRequest): ReceiveMessageRequest__Output =>
  throughRequest(service.ReceiveMessage, message);
const telemetry = (message: TelemetryCommand): TelemetryCommand__Output =>
  throughRequest(service.Telemetry, message);
function send(message: Message): Message__Output {
  const { messages } = throughRequest(service.SendMessage, { messages: [message] });
  const [first] = messages;
  if (first === undefined) throw new Error('the message is gone');
  return first;
}

describe('messages on the wire', () => {
  it('leave an optional field out when it is absent', () => {
    const request = receive({ batch_size: 1 });
    expect('attempt_id' in request).toBe(false);
    expect('long_polling_timeout' in request).toBe(false);
  });

  it('keep an optional field that is there with its zero', () => {
    const request = receive({ attempt_id: '', long_polling_timeout: {} });
    expect(request.attempt_id).toBe('');
    expect(request.long_polling_timeout).toEqual({ seconds: 0, nanos: 0 });
    const properties = send({ system_properties: { priority: 0 } }).system_properties;
    expect(properties?.priority).toBe(0);
    expect(properties?.delivery_attempt).toBeUndefined();
  });

  it('give fields without presence their defaults', () => {
    const request = receive({});
    expect(request).toMatchObject({ batch_size: 0, auto_renew: false, group: null });
    expect(send({})).toMatchObject({ user_properties: {}, body: Buffer.alloc(0) });
  });

  it('name the field that a oneof holds, or none', () => {
    const settings = telemetry({ settings: { publishing: { max_body_size: 5 } } });
    expect(settings.command).toBe('settings');
    expect(settings.settings?.pub_sub).toBe('publishing');
    expect(settings.settings?.subscription).toBeUndefined();
    expect(telemetry({}).command).toBeUndefined();
  });

  it('carry enums as numbers, also those that we do not know', () => {
    const properties = send({ system_properties: { message_type: 6 } }).system_properties;
    expect(properties?.message_type).toBe(6);
    // Field 6 of SystemProperties, which is field 3 of Message, field 1 of the request: the value 99.
    const bytes = Buffer.from([0x0a, 0x04, 0x1a, 0x02, 0x30, 99]);
    const [message] = service.SendMessage.requestDeserialize(bytes).messages;
    expect(message?.system_properties?.message_type).toBe(99);
  });

  it('ignore fields that we do not know', () => {
    // Field 100, two bytes; then batch_size.
    const bytes = Buffer.from([0xa2, 0x06, 0x02, 1, 2, 0x20, 7]);
    expect(service.ReceiveMessage.requestDeserialize(bytes).batch_size).toBe(7);
  });

  it('carry 64-bit offsets as numbers, up to 2^53 - 1 exactly', () => {
    const offset = Number.MAX_SAFE_INTEGER;
    const { responseSerialize, responseDeserialize } = service.SendMessage;
    const response: SendMessageResponse__Output = responseDeserialize(
      responseSerialize({ entries: [{ offset }] }),
    );
    expect(response.entries[0]?.offset).toBe(offset);
  });

  it('carry a body as a Buffer with the same bytes', () => {
    const body = Buffer.from([0, 255, 10, 13]);
    const received = send({ body }).body;
    expect(Buffer.isBuffer(received)).toBe(true);
    expect(received).toEqual(body);
  });

  it('carry maps as objects', () => {
    expect(send({ user_properties: { a: '1', b: '' } }).user_properties).toEqual({ a: '1', b: '' });
  });
});

describe('loading a service', () => {
  it('refuses a name that the file does not define', () => {
    expect(() => loadService(SERVICE_FILE, 'apache.rocketmq.v2.Nothing')).toThrow(RangeError);
  });

  it('refuses the name of a message', () => {
    expect(() => loadService(SERVICE_FILE, 'apache.rocketmq.v2.Message')).toThrow(RangeError);
  });

  it('says which file is missing', () => {
    expect(() => loadService('gantry/v1/none.proto', 'x')).toThrow('gantry/v1/none.proto');
  });

  it('reads a file once', () => {
    expect(loadService(SERVICE_FILE, SERVICE)).toBe(loadService(SERVICE_FILE, SERVICE));
  });
});
