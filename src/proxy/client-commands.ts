/**
 * Commands to a client by its Telemetry stream, and the client's answers: consume one message for a check,
 * print the stacks of its threads, make its connections anew. An answer belongs to a command by its nonce,
 * and counts only on the stream that the command went out on.
 */
import { Code, StatusError } from '../message/status';
import type { Platform, TimerHandle } from '../platform/platform';
import type { Message } from '../rpc/generated/apache/rocketmq/v2/Message';
import type { TelemetryCommand } from '../rpc/generated/apache/rocketmq/v2/TelemetryCommand';
import type { TelemetryCommand__Output } from '../rpc/generated/apache/rocketmq/v2/TelemetryCommand';

/** How long a client may take for an answer, milliseconds. */
const ANSWER_MS = 10_000;
/** Commands that wait for an answer, at most. */
const MAX_WAITING = 1000;

interface CommandStream {
  write(command: TelemetryCommand): boolean;
}

/** What a client says of a command. */
export interface ClientAnswer {
  /** The public status code, the wire's number: OK, FAILED_TO_CONSUME_MESSAGE, NOT_IMPLEMENTED, ... */
  readonly code: number;
  readonly message: string;
  /** The stacks of the client's threads, where they were asked for and it has them. */
  readonly stack?: string;
}

interface Waiting {
  readonly stream: CommandStream;
  readonly timer: TimerHandle;
  readonly resolve: (answer: ClientAnswer) => void;
  readonly reject: (error: StatusError) => void;
}

export class ClientCommands {
  /** The newest stream of each client that has sent its settings. */
  private readonly streams = new Map<string, CommandStream>();
  private readonly waiting = new Map<string, Waiting>();
  private nonces = 0;

  constructor(private readonly platform: Pick<Platform, 'timers'>) {}

  /**
   * Has a consumer process a message, for a check; it is not acknowledged.
   * @throws StatusError NOT_FOUND when the client has no stream at this proxy, TOO_MANY_REQUESTS when 1,000
   *   commands wait for answers, PROXY_TIMEOUT when it does not answer within 10 s or its stream ends
   */
  verifyMessage(clientId: string, message: Message): Promise<ClientAnswer> {
    return this.ask(clientId, (nonce) => ({ verify_message_command: { nonce, message } }));
  }

  /** Asks for the stacks of a client's threads. Throws as `verifyMessage`. */
  printThreadStackTrace(clientId: string): Promise<ClientAnswer> {
    return this.ask(clientId, (nonce) => ({ print_thread_stack_trace_command: { nonce } }));
  }

  /**
   * Has a client make its connections anew; nothing answers that.
   * @throws StatusError NOT_FOUND when the client has no stream at this proxy
   */
  reconnectEndpoints(clientId: string): void {
    const nonce = this.nonce();
    this.stream(clientId).write({ reconnect_endpoints_command: { nonce } });
  }

  /**
   * Tells a consumer of lite topics that it has lost one; nothing answers that. Other consumers must not be told:
   * some crash.
   * @throws StatusError NOT_FOUND when the client has no stream at this proxy
   */
  unsubscribeLite(clientId: string, liteTopic: string): void {
    const command = { notify_unsubscribe_lite_command: { lite_topic: liteTopic } };
    this.stream(clientId).write(command);
  }

  /** A client has sent its settings on a stream: commands go out there. */
  attached(clientId: string, stream: CommandStream): void {
    this.streams.set(clientId, stream);
  }

  /** A stream has ended: nothing answers what went out on it. */
  ended(clientId: string, stream: CommandStream): void {
    if (this.streams.get(clientId) === stream) this.streams.delete(clientId);
    for (const [nonce, waiting] of this.waiting) {
      if (waiting.stream !== stream) continue;
      this.take(nonce)?.reject(lost(`the telemetry stream of client ${clientId} ended`));
    }
  }

  /** The proxy ends all streams. */
  close(): void {
    this.streams.clear();
    for (const nonce of [...this.waiting.keys()]) {
      this.take(nonce)?.reject(lost('this proxy is stopping'));
    }
  }

  /** A client says something that is no settings; what answers no command is passed over. */
  answered(stream: CommandStream, command: TelemetryCommand__Output): void {
    const { thread_stack_trace: trace, verify_message_result: result, status } = command;
    const nonce = (trace ?? result)?.nonce ?? '';
    if (this.waiting.get(nonce)?.stream !== stream) return;
    const { code = Code.OK, message = '' } = status ?? {};
    const stack = trace?.thread_stack_trace;
    const answer = { code: Number(code), message, ...(stack === undefined ? {} : { stack }) };
    this.take(nonce)?.resolve(answer);
  }

  private ask(
    clientId: string,
    command: (nonce: string) => TelemetryCommand,
  ): Promise<ClientAnswer> {
    return new Promise((resolve, reject) => {
      const stream = this.stream(clientId);
      if (this.waiting.size >= MAX_WAITING) {
        throw new StatusError(
          Code.TOO_MANY_REQUESTS,
          `flow limit: ${this.waiting.size} commands wait for answers of clients, the limit is ${MAX_WAITING}`,
        );
      }
      const nonce = this.nonce();
      const timer = this.platform.timers.after(ANSWER_MS, () =>
        this.take(nonce)?.reject(lost(`client ${clientId} did not answer within ${ANSWER_MS} ms`)),
      );
      this.waiting.set(nonce, { stream, timer, resolve, reject });
      stream.write(command(nonce));
    });
  }

  private stream(clientId: string): CommandStream {
    const stream = this.streams.get(clientId);
    if (stream !== undefined) return stream;
    const text = `client ${clientId} has no telemetry stream at this proxy`;
    throw new StatusError(Code.NOT_FOUND, text);
  }

  private nonce(): string {
    return `command-${this.nonces++}`;
  }

  private take(nonce: string): Waiting | undefined {
    const waiting = this.waiting.get(nonce);
    this.waiting.delete(nonce);
    waiting?.timer.cancel();
    return waiting;
  }
}

function lost(text: string): StatusError {
  return new StatusError(Code.PROXY_TIMEOUT, text);
}
