/** `gantry transaction list|show|commit|rollback`: transactions that their producers have not ended. */
import type { Command } from 'commander';

import type { AdminApi } from '../api/admin-api';
import type { PendingTransactionView, Resolution } from '../api/transaction-api';
import { Code, StatusError } from '../message/status';
import { adminCommand, wholeNumber, type Answer } from './admin-command';
import type { Terminal } from './terminal';
import { json, table } from './text';
import { UsageError } from './usage-error';

const MAX_LISTED = 1000;
const DEFAULT_LISTED = 100;

export function transactionCommand(program: Command, terminal: Terminal): void {
  const transaction = program
    .command('transaction')
    .description('Look at transactions that have not ended, and end them.');
  adminCommand(transaction, terminal, {
    name: 'list',
    description: 'List transactions that have not ended, the oldest first.',
    options: [
      ['--topic <TOPIC>', 'of this topic only'],
      ['--max <N>', `as many as this at most, 1 to ${MAX_LISTED} (default: ${DEFAULT_LISTED})`],
    ],
    prepare: (_none, { topic, max }) => {
      const maxCount =
        typeof max === 'string' ? wholeNumber('--max', max, 1, MAX_LISTED) : DEFAULT_LISTED;
      return (admin) => list(admin, typeof topic === 'string' ? topic : '', maxCount);
    },
  });
  adminCommand(transaction, terminal, {
    name: 'show <ID>',
    description: 'Show one transaction by its id, which is that of its message.',
    prepare: (id) => async (admin) => {
      const found = await find(admin, '', id);
      const { topic, transactionId, storedAt, checks, queueOffset, physicalOffset } = viewOf(found);
      const rows = [
        ['transaction id', transactionId],
        ['topic', topic],
        ['sent at', storedAt],
        ['checks', String(checks)],
        ['half message', `queue offset ${queueOffset}, log position ${physicalOffset}`],
      ];
      return { people: table(['FIELD', 'VALUE'], rows), programs: json(viewOf(found)) };
    },
  });
  endCommand(transaction, terminal, 'commit', 'Commit a transaction: its message is delivered.');
  endCommand(
    transaction,
    terminal,
    'rollback',
    'Roll a transaction back: nobody sees its message.',
  );
}

function endCommand(
  parent: Command,
  terminal: Terminal,
  resolution: Resolution,
  description: string,
): void {
  adminCommand(parent, terminal, {
    name: `${resolution} <ID>`,
    description,
    options: [
      ['--topic <TOPIC>', 'its topic; needed when the id is pending on several'],
      ['--yes', 'that this is meant, whatever the producer says later'],
    ],
    prepare: (id, { topic, yes }) => {
      if (yes !== true) {
        throw new UsageError(`a ${resolution} counts against what the producer says: say --yes`);
      }
      return async (admin) => {
        const named = typeof topic === 'string' ? topic : (await find(admin, '', id)).topic;
        await admin.endTransaction({ topic: named, transactionId: id, resolution });
        const done = resolution === 'commit' ? 'committed' : 'rolled back';
        return {
          people: `transaction ${id} of topic ${named} is ${done}\n`,
          programs: json({ topic: named, transactionId: id, resolution }),
        };
      };
    },
  });
}

async function list(admin: AdminApi, topic: string, maxCount: number): Promise<Answer> {
  const { transactions, total } = await admin.listTransactions({
    ...{ topic, transactionId: '', maxCount },
  });
  const views = transactions.map(viewOf);
  const rows = views.map((one) => [
    ...[one.transactionId, one.topic, one.storedAt, String(one.checks)],
  ]);
  const people = table(['TRANSACTION ID', 'TOPIC', 'SENT AT', 'CHECKS'], rows);
  const more = total > views.length ? `${views.length} of ${total}\n` : '';
  return { people: people + more, programs: json({ transactions: views, total }) };
}

/** The one pending transaction of an id. */
async function find(admin: AdminApi, topic: string, id: string): Promise<PendingTransactionView> {
  const query = { topic, transactionId: id, maxCount: 2 };
  const { transactions } = await admin.listTransactions(query);
  const [first, second] = transactions;
  if (first === undefined) {
    throw new StatusError(Code.INVALID_TRANSACTION_ID, `no transaction ${id} is pending`);
  }
  if (second === undefined) return first;
  const topics = `${first.topic} and ${second.topic}`;
  throw new StatusError(
    Code.BAD_REQUEST,
    `transactions ${id} are pending on topics ${topics}: say --topic`,
  );
}

interface View extends Omit<PendingTransactionView, 'storedMs'> {
  readonly storedAt: string;
}

function viewOf({ storedMs, ...rest }: PendingTransactionView): View {
  return { ...rest, storedAt: new Date(storedMs).toISOString() };
}
