/** `gantry client list|show`: the clients of a proxy. */
import type { Command } from 'commander';

import type { ClientView, ClientViews } from '../api/client-view';
import { Code, StatusError } from '../message/status';
import { adminCommand, wholeNumber, type Answer } from './admin-command';
import type { Terminal } from './terminal';
import { json, table } from './text';

const MAX_CLIENTS = 1000;

export function clientCommand(program: Command, terminal: Terminal): void {
  const client = program
    .command('client')
    .description('Look at the clients that are known to the proxy that is asked.');
  adminCommand(client, terminal, {
    name: 'list',
    description: 'List producers and consumers.',
    options: [
      ['--group <GROUP>', 'members of this consumer group only'],
      ['--max <N>', `as many as this at most, 1 to ${MAX_CLIENTS} (default: ${MAX_CLIENTS})`],
    ],
    prepare: (_none, { group, max }) => {
      const maxClients =
        typeof max === 'string' ? wholeNumber('--max', max, 1, MAX_CLIENTS) : MAX_CLIENTS;
      const request = { clientId: '', group: typeof group === 'string' ? group : '', maxClients };
      return async (admin) => clientsAnswer(await admin.listClients(request));
    },
  });
  adminCommand(client, terminal, {
    name: 'show <ID>',
    description: 'Show one client by its id.',
    prepare: (clientId) => async (admin) => {
      const { clients } = await admin.listClients({ clientId, group: '', maxClients: 1 });
      const [found] = clients;
      if (found === undefined) {
        throw new StatusError(Code.NOT_FOUND, `the proxy knows no client ${clientId}`);
      }
      return details(found);
    },
  });
}

/** A table of clients. */
export function clientsAnswer({ clients, total }: ClientViews): Answer {
  const people = table(
    ['CLIENT', 'TYPE', 'GROUP', 'LANGUAGE', 'VERSION', 'HOST', 'ADDRESS', 'TOPICS', 'CONNECTED'],
    clients.map((client) => [
      client.clientId,
      client.type,
      orDash(client.group),
      orDash(client.language),
      orDash(client.version),
      orDash(client.host),
      client.address,
      orDash(topicsOf(client).join(',')),
      client.connected ? 'yes' : 'no',
    ]),
  );
  return {
    people: total > clients.length ? `${people}${clients.length} of ${total}\n` : people,
    programs: json({ clients: clients.map(viewOf), total }),
  };
}

function details(client: ClientView): Answer {
  const view = viewOf(client);
  const rows: [string, string][] = [
    ['client id', view.clientId],
    ['type', view.type],
    ['group', orDash(view.group)],
    ['language', orDash(view.language)],
    ['version', orDash(view.version)],
    ['host', orDash(view.host)],
    ['address', view.address],
    ['connected', view.connected ? 'yes' : 'no'],
    ['last heard from', view.heardAt],
    ...client.publishes.map((topic): [string, string] => ['publishes', topic]),
    ...client.subscriptions.map(({ topic, filter }): [string, string] => [
      'subscribes',
      `${topic} ${filter.type} ${filter.expression}`,
    ]),
    ...Object.entries(view.properties).map(([key, value]): [string, string] => [
      `property ${key}`,
      value,
    ]),
  ];
  return { people: table(['FIELD', 'VALUE'], rows), programs: json(view) };
}

function viewOf({ heardMs, ...client }: ClientView): Omit<ClientView, 'heardMs'> & {
  readonly heardAt: string;
} {
  return { ...client, heardAt: new Date(heardMs).toISOString() };
}

function topicsOf({ publishes, subscriptions }: ClientView): readonly string[] {
  return [...publishes, ...subscriptions.map(({ topic }) => topic)];
}

function orDash(text: string): string {
  return text === '' ? '-' : text;
}
