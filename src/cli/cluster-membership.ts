/** `gantry cluster drain|leave|forget`: brokers that leave the cluster. */
import type { Command } from 'commander';

import type { AdminApi } from '../api/admin-api';
import type { DrainRequest, ForgetRequest, LeaveRequest, Unfinished } from '../api/membership-api';
import { adminCommand, type Answer } from './admin-command';
import { ExitError } from './exit-error';
import type { Terminal } from './terminal';
import { json, table } from './text';
import { countOf, movesTable } from './topic-moves';

const DRY_RUN = ['--dry-run', 'only tell what it would do'] as const;

export function membershipCommands(cluster: Command, terminal: Terminal): void {
  adminCommand(cluster, terminal, {
    name: 'drain <BROKER>',
    description:
      'Send no new messages to a broker: its topics go to the others. What it holds is consumed there.',
    options: [['--undo', 'let it take new messages again'], DRY_RUN],
    prepare: (name, { undo, dryRun }) => {
      const request = { broker: name, undo: undo === true, dryRun: dryRun === true };
      return (admin) => drain(admin, request);
    },
  });
  adminCommand(cluster, terminal, {
    name: 'leave <BROKER>',
    description:
      'Let a drained broker leave: its topics are deleted there. Refused while something unfinished lies there.',
    options: [
      ['--force', 'also with unfinished messages: they are LOST'],
      ['--dry-run', 'only tell what is unfinished'],
    ],
    prepare: (name, { force, dryRun }) => {
      const request = { broker: name, force: force === true, dryRun: dryRun === true };
      return (admin) => leave(admin, request, terminal);
    },
  });
  adminCommand(cluster, terminal, {
    name: 'forget <BROKER>',
    description:
      'Give up a broker that never comes back: all that nobody has consumed there is LOST, and nobody waits for it.',
    options: [DRY_RUN],
    prepare: (name, { dryRun }) => {
      const request = { broker: name, dryRun: dryRun === true };
      return (admin) => forget(admin, request);
    },
  });
}

async function drain(admin: AdminApi, request: DrainRequest): Promise<Answer> {
  const topics = await admin.drainBroker(request);
  const { broker, undo, dryRun } = request;
  const said = undo
    ? `broker ${broker} ${dryRun ? 'would take' : 'takes'} new messages again; gantry topic rebalance gives it topics`
    : `broker ${broker} ${dryRun ? 'would get' : 'gets'} no new messages: ${countOf(topics.length, 'topic')} ` +
      `${dryRun ? 'would change' : 'changed'}; gantry cluster leave ${broker} --dry-run tells what is left there`;
  return {
    people: `${movesTable(topics)}${said}\n`,
    programs: json({ broker, undo, dryRun, topics }),
  };
}

async function leave(admin: AdminApi, request: LeaveRequest, terminal: Terminal): Promise<Answer> {
  const { left, unfinished } = await admin.leaveBroker(request);
  const { broker, force, dryRun } = request;
  const messages = unfinished.reduce((sum, one) => sum + one.messages, 0);
  const report = unfinishedTable(unfinished);
  const open = `${countOf(messages, 'message')} unfinished there`;
  if (!left && !dryRun) {
    terminal.err(report);
    throw new ExitError(1, `broker ${broker} does not leave: ${open}; --force would lose them`);
  }
  const lost = messages > 0 ? `${countOf(messages, 'message')} LOST` : 'nothing is lost';
  const wouldSay =
    messages === 0 || force
      ? `broker ${broker} would leave, ${lost}`
      : `broker ${broker} would not leave: ${open}`;
  const said = dryRun
    ? wouldSay
    : `broker ${broker} has left, ${lost}: stop its process, its directory is of no use any more`;
  return {
    people: `${report}${said}\n`,
    programs: json({ broker, left, force, dryRun, messages, unfinished }),
  };
}

async function forget(admin: AdminApi, request: ForgetRequest): Promise<Answer> {
  const topics = await admin.forgetBroker(request);
  const { broker, dryRun } = request;
  const said =
    topics.length === 0
      ? `no topic with message groups waits for broker ${broker}`
      : `broker ${broker} ${dryRun ? 'would be' : 'is'} given up for ${countOf(topics.length, 'topic')}`;
  return {
    people:
      `${movesTable(topics)}${said}; what nobody has consumed there ${dryRun ? 'would be' : 'is'} LOST: ` +
      'never start it again with its directory\n',
    programs: json({ broker, dryRun, topics }),
  };
}

function unfinishedTable(unfinished: readonly Unfinished[]): string {
  if (unfinished.length === 0) return '';
  return table(
    ['TOPIC', 'GROUP', 'WHAT', 'MESSAGES'],
    unfinished.map(({ topic, group, kind, messages }) => [
      ...[topic, group === '' ? '-' : group, kind, String(messages)],
    ]),
  );
}
