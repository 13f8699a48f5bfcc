import type { TransactionCheck } from '../../src/api/transaction-api';
import type { TransactionSettings } from '../../src/broker/transaction/transactions';
import { DEFAULT_BROKER_SETTINGS } from '../../src/broker/settings';
import type { Files } from '../../src/platform/platform';
import { UNANSWERED_TOPIC } from '../../src/message/names';
import { readRecord, type StoredRecord } from '../../src/message/record';
import { BrokerBench } from './broker-bench';
import { idsOf, messageDraft, type TestBrokerOptions } from './test-broker';

/** A broker with a TRANSACTION topic `t` of one queue and a group `g` that has it from the beginning. */
export async function transactionBench(
  settings: Partial<TransactionSettings> = {},
  options: TestBrokerOptions = {},
  files?: Files,
): Promise<TransactionBench> {
  const transactions = { ...DEFAULT_BROKER_SETTINGS.transactions, ...settings };
  const all = { ...options, settings: { ...options.settings, transactions } };
  const bench = new TransactionBench(all, files);
  await bench.open();
  await bench.drive(bench.broker.putTopic({ name: 't', type: 'TRANSACTION', queues: 1 }));
  await bench.group({ startFrom: 'beginning' });
  await bench.subscribe('g', 't');
  return bench;
}

export class TransactionBench extends BrokerBench {
  /** Stores a half message; answers its place. */
  async begin(id: string, properties: Readonly<Record<string, string>> = {}): Promise<number> {
    const draft = messageDraft('t', id, '', properties);
    const { transactions } = this.broker;
    const { queueOffset } = await this.drive(transactions.prepare({ queueId: 0, draft }));
    return queueOffset;
  }

  end(id: string, resolution: 'commit' | 'rollback', topic = 't'): Promise<void> {
    const request = { topic, transactionId: id, resolution };
    return this.drive(this.broker.transactions.endTransaction(request));
  }

  commit(id: string): Promise<void> {
    return this.end(id, 'commit');
  }

  rollback(id: string): Promise<void> {
    return this.end(id, 'rollback');
  }

  /** Takes all that consumers can see now, and acknowledges it. */
  async received(): Promise<string[]> {
    const messages = await this.pop();
    await this.ack(messages);
    return idsOf(messages);
  }

  async pendingIds(): Promise<string[]> {
    const request = { topic: '', transactionId: '', maxCount: 1000 };
    const { transactions } = await this.drive(this.broker.transactions.listTransactions(request));
    return transactions.map(({ transactionId }) => transactionId);
  }

  /** All records of a topic's queue 0. */
  async stored(topic: string): Promise<StoredRecord[]> {
    return (await this.storedBytes(topic)).map((bytes) => readRecord(bytes, 0));
  }

  async storedBytes(topic: string): Promise<Buffer[]> {
    const { store } = this.running ?? {};
    if (store === undefined) throw new Error('not open');
    const entries = await store.entries(topic, 0, 0, 1000);
    const records = entries.map(async (entry) => store.record(topic, 0, entry));
    return this.drive(Promise.all(records));
  }

  /** What an operator finds of a transaction that nobody decided about. */
  async copiesById(key: string): Promise<readonly Buffer[]> {
    const place = { topic: UNANSWERED_TOPIC, by: 'id', key, maxMessages: 10 } as const;
    const all = { ...place, beginMs: 0, endMs: Number.MAX_SAFE_INTEGER };
    const { messages } = await this.drive(this.broker.findMessages(all));
    return messages.map(({ record }) => record);
  }

  /** What a proxy with a producer of `t` gets at once. */
  async checks(proxyId = 'p1', topics = ['t']): Promise<readonly TransactionCheck[]> {
    const wait = new AbortController();
    const taken = this.broker.transactions.takeChecks(
      { proxyId, topics, pollMs: 60_000 },
      wait.signal,
    );
    await this.sim.settle();
    wait.abort();
    return this.drive(taken);
  }

  /** As `checks`, and says that the producers were asked. */
  async askedIds(proxyId = 'p1'): Promise<string[]> {
    const checks = await this.checks(proxyId);
    const outcomes = checks.map((check) => ({ ...check, reached: true }));
    await this.drive(this.broker.transactions.reportChecks(outcomes));
    await this.sim.settle();
    return checks.map(({ transactionId }) => transactionId);
  }
}
