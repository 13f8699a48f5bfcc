import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { Code } from '../../../src/message/status';
import { ROOT } from '../../support/process';
import { within } from '../../support/until';
import {
  DriverLitePush,
  DriverLiteSimple,
  DriverProducer,
  DriverPush,
  DriverSimple,
} from './driver-clients';
import { commandOf, tlsVariables, type ClientName, type DriverTls } from './driver-command';

/** A message as a client showed it to its user; see PROTOCOL.md. */
export interface ReceivedMessage {
  readonly number: number;
  readonly messageId: string;
  readonly topic: string;
  /** Base64. */
  readonly body: string;
  readonly tag: string;
  readonly keys: readonly string[];
  readonly properties: Readonly<Record<string, string>>;
  readonly attempt: number;
  readonly corrupted: boolean;
  /** Where it has one. */
  readonly priority?: number;
  readonly liteTopic?: string;
}

export interface OutgoingMessage {
  readonly topic: string;
  /** Base64. */
  readonly body: string;
  readonly tag?: string;
  readonly keys?: readonly string[];
  readonly properties?: Readonly<Record<string, string>>;
  readonly messageGroup?: string;
  /** Wall clock, whole seconds in milliseconds: what all clients can say. */
  readonly deliverMs?: number;
  readonly priority?: number;
  readonly liteTopic?: string;
  /** Whether it is a half message, to be ended by `end`. */
  readonly transaction?: true;
}

export interface SendReceipt {
  readonly messageId: string;
  /** '' for a message that cannot be recalled. */
  readonly recallHandle: string;
}

export interface ConsumerOptions {
  readonly endpoints: string;
  readonly group: string;
  /** Topic to tag expression, or to an SQL expression. */
  readonly subscriptions: Readonly<Record<string, string | { readonly sql: string }>>;
}

export interface LiteOptions {
  readonly endpoints: string;
  readonly group: string;
  /** The topic whose lite topics it receives. */
  readonly parent: string;
}

/** A message that a push consumer's listener or a producer's checker was given, and when (`performance.now()`). */
export interface PushedMessage {
  readonly message: ReceivedMessage;
  readonly atMs: number;
}

export type Resolution = 'commit' | 'rollback';

/** What a client's operation failed with; `code` is the API's status code where the client tells it. */
export class ClientError extends Error {
  constructor(
    override readonly name: string,
    message: string,
    readonly code: number | undefined,
  ) {
    super(message);
  }
}

const CALL_MS = 60_000;
const STDERR_CHARS_MAX = 20_000;

interface Line {
  readonly id?: number;
  readonly result?: unknown;
  readonly error?: { name: string; message: string; code?: number | keyof typeof Code | null };
  readonly event?: string;
  readonly name?: string;
  readonly message?: ReceivedMessage;
}

/** One official client in its own process. */
export class Driver {
  private readonly waiting = new Map<number, (line: Line) => void>();
  private readonly pushed = new Map<string, PushedMessage[]>();
  private stderr = '';
  private nextId = 1;
  private names = 0;

  private constructor(
    readonly client: ClientName,
    private readonly child: ChildProcess,
    private readonly home: string,
  ) {
    child.stderr?.on('data', (chunk: Buffer) => {
      this.stderr = (this.stderr + chunk.toString()).slice(-STDERR_CHARS_MAX);
    });
    if (child.stdout === null) throw new Error('no standard output');
    createInterface({ input: child.stdout }).on('line', (line) =>
      this.take(JSON.parse(line) as Line),
    );
    child.once('close', () => {
      for (const done of this.waiting.values()) {
        done({ error: { name: 'DriverEnded', message: this.stderr } });
      }
      this.waiting.clear();
    });
  }

  static start(client: ClientName, tls?: DriverTls): Driver {
    // The clients write their logs below the home folder.
    const home = mkdtempSync(join(tmpdir(), `gantry-${client}-`));
    const [command, ...args] = commandOf(client, home);
    if (command === undefined) throw new Error('no command');
    const child = spawn(command, args, {
      cwd: ROOT,
      env: { ...process.env, HOME: home, ...(tls === undefined ? {} : tlsVariables(tls)) },
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    return new Driver(client, child, home);
  }

  /** The client's package and version. */
  async hello(): Promise<{ client: string; version: string }> {
    return (await this.call('hello', {})) as { client: string; version: string };
  }

  /** `checker`: what the producer's transaction checker answers; without one it begins no transactions. */
  async producer(
    endpoints: string,
    topics: readonly string[],
    checker?: Resolution | 'unknown',
  ): Promise<DriverProducer> {
    const name = this.name('producer');
    const checked: PushedMessage[] = [];
    this.pushed.set(name, checked);
    await this.call('producer', { name, endpoints, topics, checker });
    return new DriverProducer(this, name, checked);
  }

  /** `awaitMs`: how long an empty receive waits. */
  async simple(options: ConsumerOptions & { readonly awaitMs: number }): Promise<DriverSimple> {
    const name = this.name('simple');
    await this.call('simple', { name, ...options });
    return new DriverSimple(this, name);
  }

  /** The listener fails deliveries whose attempt is below `failBelowAttempt` (default: none). */
  async push(
    options: ConsumerOptions & { readonly failBelowAttempt?: number },
  ): Promise<DriverPush> {
    const name = this.name('push');
    const pushed: PushedMessage[] = [];
    this.pushed.set(name, pushed);
    await this.call('push', { failBelowAttempt: 0, ...options, name });
    return new DriverPush(this, name, pushed);
  }

  /** A push consumer of lite topics; the same of its listener. */
  async litePush(
    options: LiteOptions & { readonly failBelowAttempt?: number },
  ): Promise<DriverLitePush> {
    const name = this.name('litePush');
    const pushed: PushedMessage[] = [];
    this.pushed.set(name, pushed);
    await this.call('litePush', { failBelowAttempt: 0, ...options, name });
    return new DriverLitePush(this, name, pushed);
  }

  async liteSimple(options: LiteOptions & { readonly awaitMs: number }): Promise<DriverLiteSimple> {
    const name = this.name('liteSimple');
    await this.call('liteSimple', { name, ...options });
    return new DriverLiteSimple(this, name);
  }

  /** One operation of the protocol. Rejects with `ClientError`. */
  async call(op: string, args: Readonly<Record<string, unknown>>): Promise<unknown> {
    const id = this.nextId++;
    const answer = new Promise<Line>((resolve) => this.waiting.set(id, resolve));
    this.child.stdin?.write(`${JSON.stringify({ id, op, ...args })}\n`);
    try {
      const line = await within(`${this.client} to answer ${op}`, CALL_MS, answer);
      if (line.error === undefined) return line.result;
      const { name, message, code } = line.error;
      const known = typeof code === 'string' ? Code[code] : (code ?? undefined);
      throw new ClientError(name, `${this.client} ${op}: ${message}`, known);
    } finally {
      this.waiting.delete(id);
    }
  }

  /** Ends the process. */
  async stop(): Promise<void> {
    const ended = once(this.child, 'close');
    this.child.kill('SIGKILL');
    await ended;
    rmSync(this.home, { recursive: true, force: true });
  }

  private name(kind: string): string {
    return `${kind}-${++this.names}`;
  }

  private take(line: Line): void {
    if (line.event !== undefined && line.name !== undefined && line.message !== undefined) {
      this.pushed.get(line.name)?.push({ message: line.message, atMs: performance.now() });
    } else if (line.id !== undefined) {
      this.waiting.get(line.id)?.(line);
    }
  }
}
