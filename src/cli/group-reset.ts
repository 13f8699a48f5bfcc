/** `gantry group reset`: moves a consumer group on a topic. */
import type { Command } from 'commander';

import type { AdminApi } from '../api/admin-api';
import type { GroupReset, QueueReset, ResetTarget } from '../api/offset-api';
import { adminCommand, timeOf, wholeNumber, type Answer } from './admin-command';
import type { Terminal } from './terminal';
import { json, table } from './text';
import { UsageError } from './usage-error';

const MAX_QUEUE = 65_535;

type Options = Readonly<Record<string, unknown>>;

export function groupResetCommand(group: Command, terminal: Terminal): void {
  adminCommand(group, terminal, {
    name: 'reset <NAME>',
    description:
      'Move a consumer group on a topic: what lies behind comes again, what lies before is skipped, ' +
      'what is in flight is cancelled.',
    options: [
      ['--topic <TOPIC>', 'the topic'],
      [
        '--time <TIME>',
        'to the first message stored then or later: milliseconds, or as 2026-11-21T07:00:00Z',
      ],
      ['--to-beginning', 'to the oldest message'],
      ['--to-end', 'behind the newest message'],
      ['--offset <QUEUE:OFFSET>', 'one queue, to an offset'],
      ['--queue <QUEUE>', 'this queue only'],
      ['--broker <NAME>', 'on this broker only'],
      ['--dry-run', 'only tell what it would do'],
    ],
    prepare: (name, options) => {
      const request = { group: name, ...requestOf(options) };
      return (admin) => reset(admin, request);
    },
  });
}

/** @throws UsageError */
function requestOf(options: Options): Omit<GroupReset, 'group'> {
  const { topic, broker, queue, offset, dryRun } = options;
  if (typeof topic !== 'string') throw new UsageError('say on which topic: --topic TOPIC');
  const targets = targetsOf(options);
  const [to] = targets;
  if (to === undefined || targets.length > 1) {
    throw new UsageError('say one of --time, --to-beginning, --to-end and --offset');
  }
  if (offset !== undefined && queue !== undefined) {
    throw new UsageError('--offset names its queue, --queue is not needed');
  }
  const named = typeof queue === 'string' ? queue : queueOf(offset);
  return {
    ...{ topic, to, dryRun: dryRun === true, broker: typeof broker === 'string' ? broker : '' },
    queueId: named === undefined ? undefined : wholeNumber('--queue', named, 0, MAX_QUEUE),
  };
}

function targetsOf({ time, toBeginning, toEnd, offset }: Options): readonly ResetTarget[] {
  const targets: ResetTarget[] = [];
  if (typeof time === 'string') targets.push({ at: 'time', timeMs: timeOf('--time', time) });
  if (toBeginning === true) targets.push({ at: 'beginning' });
  if (toEnd === true) targets.push({ at: 'end' });
  if (typeof offset === 'string') {
    const [, text] = /^\d+:(\d+)$/.exec(offset) ?? [];
    if (text === undefined) throw new UsageError(`--offset must be QUEUE:OFFSET, got ${offset}`);
    const value = wholeNumber('--offset', text, 0, Number.MAX_SAFE_INTEGER);
    targets.push({ at: 'offset', offset: value });
  }
  return targets;
}

function queueOf(offset: unknown): string | undefined {
  return typeof offset === 'string' ? offset.split(':')[0] : undefined;
}

async function reset(admin: AdminApi, request: GroupReset): Promise<Answer> {
  const queues = await admin.resetGroup(request);
  const { group, topic, dryRun } = request;
  const sum = (count: (one: QueueReset) => number): number =>
    queues.reduce((total, one) => total + count(one), 0);
  const totals = {
    again: sum((one) => one.again),
    skipped: sum((one) => one.skipped),
    cancelled: sum((one) => one.cancelled),
  };
  const rows = queues.map(({ broker, queueId, from, to, again, skipped, cancelled }) => [
    broker,
    ...[queueId, from, to, again, skipped, cancelled].map(String),
  ]);
  const headers = ['BROKER', 'QUEUE', 'FROM', 'TO', 'AGAIN', 'SKIPPED', 'CANCELLED'];
  const did = dryRun ? 'would be moved' : 'is moved';
  const { again, skipped, cancelled } = totals;
  return {
    people:
      `${table(headers, rows)}group ${group} ${did} on topic ${topic}: ` +
      `${again} come again, ${skipped} are skipped, ${cancelled} in flight are cancelled\n`,
    programs: json({ group, topic, dryRun, ...totals, queues }),
  };
}
