import type { PopResult } from '../../src/api/broker-api';
import type { TopicMove } from '../../src/api/membership-api';
import { readRecord } from '../../src/message/record';
import { never } from './broker-bench';
import { GrowingCluster, type ClusterProxy } from './growing-cluster';
import { groupConfig } from './model-broker';
import { message } from './public-client';
import { popRequest } from './test-broker';

/** Message groups. */
export const LETTERS = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'];

/** Broker a holds FIFO topic t with one queue, group g is on it; b is there and has nothing of it. */
export class GrowingScene {
  readonly cluster = new GrowingCluster();
  proxy!: ClusterProxy;
  private sent = 0;

  static async open(): Promise<GrowingScene> {
    const scene = new GrowingScene();
    await scene.cluster.start('a');
    scene.proxy = scene.cluster.proxy();
    await scene.put(1);
    const group = groupConfig('g', { fifo: true });
    await scene.drive(scene.proxy.proxy.admin.putGroup(group));
    await scene.cluster.bench('a').subscribe('g', 't');
    await scene.cluster.start('b');
    return scene;
  }

  drive<T>(promise: Promise<T>): Promise<T> {
    return this.cluster.bench('a').drive(promise);
  }

  put(queues: number, brokers: readonly string[] = ['a']): Promise<void> {
    const config = { name: 't', type: 'FIFO', queues } as const;
    return this.drive(this.proxy.proxy.admin.putTopic(config, brokers));
  }

  /** One message of each group; answers the codes. */
  async send(letters: readonly string[] = LETTERS, by = this.proxy): Promise<number[]> {
    const nth = this.sent++;
    const messages = letters.map((letter) =>
      message('t', `${letter}${nth}`, { message_group: letter }),
    );
    const { entries } = await this.drive(by.client.unary('SendMessage', { messages }));
    return entries.map(({ status }) => status?.code ?? 0);
  }

  /** One message to a topic of any type; answers the code. */
  async sendTo(
    topic: string,
    id: string,
    system: Parameters<typeof message>[2] = {},
    by = this.proxy,
  ): Promise<number> {
    const messages = [message(topic, id, system)];
    return (await this.drive(by.client.unary('SendMessage', { messages }))).status?.code ?? 0;
  }

  /** The message groups that have their first message on a broker. */
  async lettersOn(name: string): Promise<string[]> {
    const { broker } = this.cluster.bench(name);
    const search = {
      topic: 't',
      by: 'time',
      beginMs: 0,
      endMs: 2 ** 52,
      maxMessages: 64,
    } as const;
    const { messages } = await this.drive(broker.findMessages({ ...search, key: '' }));
    return messages.map(({ record }) => readRecord(record, 0).body.toString().slice(8, 9));
  }

  pop(name: string, group = 'g'): Promise<PopResult> {
    const pop = this.cluster.bench(name).broker.pop(popRequest(group, 't'), never);
    return this.drive(pop);
  }

  /** A receive that waits a second for messages. */
  async poll(name: string): Promise<PopResult> {
    const { broker } = this.cluster.bench(name);
    const polled = broker.pop(popRequest('g', 't', { pollMs: 1000 }), never);
    await this.cluster.sim.advance(1100);
    return this.drive(polled);
  }

  async ack(name: string, result: PopResult): Promise<void> {
    await this.cluster.bench(name).ack(result);
  }
}

/** The queues of each topic on each broker, `a 1>2 b 1>0`. */
export function queuesOf(moves: readonly TopicMove[]): Record<string, string> {
  return Object.fromEntries(
    moves.map(({ topic, brokers }) => [
      topic,
      brokers.map(({ broker, before, after }) => `${broker} ${before}>${after}`).join(' '),
    ]),
  );
}
