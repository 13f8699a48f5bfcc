import { Code } from '../../../src/message/status';
import type { TelemetryCommand } from '../../../src/rpc/generated/apache/rocketmq/v2/TelemetryCommand';
import type { ModelCluster } from '../../support/model-cluster';
import type { Telemetry } from '../../support/public-client';
import { cluster, consumer, open } from './support/clients';

const message = { topic: { name: 't' }, body: Buffer.from('x') };

/** The newest command that a client got, without its settings. */
function lastOf(stream: Telemetry) {
  const command = stream.commands.at(-1);
  if (command === undefined || command.settings) throw new Error('no command');
  return command;
}

async function say(
  made: ModelCluster,
  stream: Telemetry,
  command: TelemetryCommand,
): Promise<void> {
  stream.send(command);
  await made.sim.settle();
}

describe('a command to a client', () => {
  it('to verify a message goes down its stream, and the answer comes back by its nonce', async () => {
    const made = cluster();
    const stream = await open(made, consumer);
    const asked = made.proxy.commands.verifyMessage('client-1', message);
    const command = lastOf(stream).verify_message_command;
    expect(command?.message).toMatchObject(message);
    const status = { code: 60000, message: 'threw' } as const;
    await say(made, stream, { status, verify_message_result: { nonce: command?.nonce ?? '' } });
    expect(await asked).toEqual({ code: 60000, message: 'threw' });
  });

  it('to print stacks answers them, also what a client says that cannot', async () => {
    const made = cluster();
    const stream = await open(made, consumer);
    const asked = made.proxy.commands.printThreadStackTrace('client-1');
    const { nonce = '' } = lastOf(stream).print_thread_stack_trace_command ?? {};
    const trace = { nonce, thread_stack_trace: 'main: sleeping' };
    await say(made, stream, { status: { code: 20000, message: '' }, thread_stack_trace: trace });
    expect(await asked).toEqual({ code: Code.OK, message: '', stack: 'main: sleeping' });
    const again = made.proxy.commands.printThreadStackTrace('client-1');
    const second = lastOf(stream).print_thread_stack_trace_command?.nonce ?? '';
    expect(second).not.toBe(nonce);
    const cannot = { code: 50100, message: 'cannot' } as const;
    await say(made, stream, { status: cannot, thread_stack_trace: { nonce: second } });
    expect(await again).toEqual({ code: Code.NOT_IMPLEMENTED, message: 'cannot' });
  });

  it('to reconnect goes down its stream', async () => {
    const made = cluster();
    const stream = await open(made, consumer);
    made.proxy.commands.reconnectEndpoints('client-1');
    expect(lastOf(stream).reconnect_endpoints_command?.nonce).not.toBe('');
  });

  it('takes no answer of another client, none for another nonce, and none twice', async () => {
    const made = cluster();
    const stream = await open(made, consumer);
    const other = await open(made, consumer, 'client-2');
    let answer: unknown;
    const asked = made.proxy.commands.verifyMessage('client-1', message).then((got) => {
      answer = got;
    });
    const nonce = lastOf(stream).verify_message_command?.nonce ?? '';
    const ok = { code: 20000, message: '' } as const;
    await say(made, other, { status: ok, verify_message_result: { nonce } });
    await say(made, stream, { status: ok, verify_message_result: { nonce: 'else' } });
    expect(answer).toBeUndefined();
    await say(made, stream, { status: ok, verify_message_result: { nonce } });
    await asked;
    await say(made, stream, { status: ok, verify_message_result: { nonce } });
    expect(answer).toEqual({ code: Code.OK, message: '' });
    expect(stream.call.error).toBeUndefined();
  });

  it('fails when the client is not here, does not answer in time, goes, or the proxy stops', async () => {
    const made = cluster();
    const { commands } = made.proxy;
    const absent = commands.verifyMessage('client-1', message);
    await expect(absent).rejects.toMatchObject({ code: Code.NOT_FOUND });
    expect(() => commands.reconnectEndpoints('client-1')).toThrow('no telemetry stream');
    const stream = await open(made, consumer);
    const slow = commands.verifyMessage('client-1', message).catch((error: unknown) => error);
    await made.sim.advance(10_001);
    expect(await slow).toMatchObject({ code: Code.PROXY_TIMEOUT });
    const left = commands.verifyMessage('client-1', message).catch((error: unknown) => error);
    stream.call.emit('end');
    expect(await left).toMatchObject({ code: Code.PROXY_TIMEOUT });
    await open(made, consumer);
    const stopped = commands.verifyMessage('client-1', message).catch((error: unknown) => error);
    await made.proxy.drain();
    expect(await stopped).toMatchObject({ message: 'this proxy is stopping' });
  });

  it('is refused when too many wait for answers', async () => {
    const made = cluster();
    await open(made, consumer);
    const { commands } = made.proxy;
    for (let i = 0; i < 1000; i++) {
      commands.printThreadStackTrace('client-1').catch(() => undefined);
    }
    await expect(commands.printThreadStackTrace('client-1')).rejects.toMatchObject({
      code: Code.TOO_MANY_REQUESTS,
    });
    await made.proxy.drain();
  });
});
