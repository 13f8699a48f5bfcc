/** A proxy before the broker of a case, in the same process: its handlers are called as a gRPC server calls them. */
import pino from 'pino';
import { connectionOf } from '../../../src/assembly/start-standalone';
import { RouteTable } from '../../../src/namesrv/route-table';
import { createProxy, type Proxy } from '../../../src/proxy/proxy';
import { DEFAULT_PROXY_SETTINGS } from '../../../src/proxy/settings';
import { message, PublicClient, type Receive, receiveRequest } from '../../support/public-client';
import type { SteppedClock } from '../../support/stepped-clock';
import { idOf, inBatches, type ScaleBroker } from './scale-broker';
import { TestProcess } from '../../support/test-process';

/** The wire's numbers. */
const OK = 20_000;
const SIMPLE_CONSUMER = 3;

export class ScaleProxy {
  readonly proxy: Proxy;
  private attempts = 0;
  private sent = 0;
  private readonly producer: PublicClient;

  private constructor(
    readonly scale: ScaleBroker,
    routes: RouteTable,
  ) {
    this.proxy = createProxy({
      process: new TestProcess(),
      ...{ routes, platform: scale.platform, settings: DEFAULT_PROXY_SETTINGS },
      dial: () => connectionOf(scale.broker),
      log: pino({ level: 'silent' }),
    });
    this.producer = this.client('producer');
  }

  /** A proxy before a broker that has the topic `t` and the group `g`. */
  static async open(scale: ScaleBroker): Promise<ScaleProxy> {
    await scale.open();
    await scale.topic('t', 'NORMAL', 8);
    await scale.subscribe('g', 't');
    const routes = new RouteTable(scale.platform);
    await scale.broker.register(routes, '');
    return new ScaleProxy(scale, routes);
  }

  get sim(): SteppedClock {
    return this.scale.sim;
  }

  client(clientId: string): PublicClient {
    return new PublicClient(this, { clientId });
  }

  /** Makes a consumer of `g` known, with the stream that it holds open. */
  async settle(client: PublicClient): Promise<void> {
    const telemetry = client.telemetry();
    telemetry.sendSettings({
      client_type: SIMPLE_CONSUMER,
      access_point: { scheme: 3, addresses: [{ host: 'broker.example', port: 8081 }] },
      request_timeout: { seconds: 3 },
      subscription: {
        group: { name: 'g' },
        subscriptions: [{ topic: { name: 't' }, expression: { type: 1, expression: '*' } }],
      },
    });
    while (telemetry.call.items.length === 0) await nextTurn();
  }

  /** Opens a receive of one message, as clients do: with an attempt id of its own. */
  receive(client: PublicClient): Receive {
    return client.receive(
      receiveRequest('g', 't', {
        ...{ batch_size: 1, invisible_duration: { seconds: 3600 } },
        ...{ long_polling_timeout: { seconds: 20 }, attempt_id: `attempt-${this.attempts++}` },
      }),
    );
  }

  async send(count: number): Promise<void> {
    await inBatches(0, count, async () => {
      const messages = [message('t', idOf(this.sent++))];
      expectOk(await this.producer.status('SendMessage', { messages }));
    });
  }

  async ack(client: PublicClient, receive: Receive): Promise<void> {
    const entries = receive.messages.map(({ system_properties: told }) => {
      const { message_id = '', receipt_handle = '' } = told ?? {};
      return { message_id, receipt_handle };
    });
    const request = { group: { name: 'g' }, topic: { name: 't' }, entries };
    expectOk(await client.status('AckMessage', request));
  }

  async close(): Promise<void> {
    await this.proxy.close();
    await this.scale.remove();
  }
}

/** Resolves when a receive has its answer. */
export async function answered({ call }: Receive): Promise<void> {
  if (call.ended) return;
  await new Promise((resolve) => call.once('finish', resolve));
}

export function expectOk({ code, message: text }: { code: number; message: string }): void {
  if (code !== OK) throw new Error(`${code} ${text}`);
}

export function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
