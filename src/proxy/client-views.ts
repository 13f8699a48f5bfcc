/** The clients of this proxy, as operators see them. */
import type { ClientView, ClientViews, ListClientsRequest } from '../api/client-view';
import { Code, StatusError } from '../message/status';
import type { Platform } from '../platform/platform';
import { ClientType } from '../rpc/generated/apache/rocketmq/v2/ClientType';
import { Language } from '../rpc/generated/apache/rocketmq/v2/Language';
import type { ClientRegistry, KnownClient } from './client-registry';

const MAX_CLIENTS = 1000;

interface ViewParts {
  readonly platform: Pick<Platform, 'clock'>;
  readonly clients: ClientRegistry;
}

/** @throws StatusError BAD_REQUEST */
export function listClients(parts: ViewParts, request: ListClientsRequest): ClientViews {
  const { maxClients } = request;
  if (!Number.isInteger(maxClients) || maxClients < 1 || maxClients > MAX_CLIENTS) {
    throw new StatusError(
      Code.BAD_REQUEST,
      `maxClients is ${maxClients}, the limit is 1 to ${MAX_CLIENTS}`,
    );
  }
  const all = clientViews(parts, request);
  return { clients: all.slice(0, maxClients), total: all.length };
}

/** All clients, or those that are asked for; sorted by client id. */
export function clientViews(
  { platform, clients }: ViewParts,
  { clientId, group }: Pick<ListClientsRequest, 'clientId' | 'group'>,
): readonly ClientView[] {
  // What the registry keeps are times of the monotonic clock.
  const sinceEpochMs = platform.clock.wallMs() - platform.clock.monotonicMs();
  return [...clients.all()]
    .filter(([id]) => clientId === '' || id === clientId)
    .filter(([, { settings }]) => group === '' || settings.group === group)
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([id, client]) => view(id, client, sinceEpochMs));
}

function view(clientId: string, client: KnownClient, sinceEpochMs: number): ClientView {
  const { clientType, group, subscriptions, published, about } = client.settings;
  const { language, ...rest } = about;
  return {
    clientId,
    type: nameIn(ClientType, clientType),
    group,
    language: typeof language === 'number' ? nameIn(Language, language) : language,
    ...rest,
    subscriptions,
    publishes: published,
    connected: client.stream !== undefined,
    heardMs: Math.round(client.lastSeenMs + sinceEpochMs),
  };
}

function nameIn(names: Readonly<Record<string, string | number>>, value: number): string {
  return Object.entries(names).find(([, number]) => number === value)?.[0] ?? String(value);
}
