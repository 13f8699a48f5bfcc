import type { Driver, OutgoingMessage, ReceivedMessage } from './driver';
import type { ClientName } from './driver-command';
import type { Topology, TopicType } from './topology';

/** What a scenario is given: its clients are spread over the access points. Topic and group are its own: nobody else uses them. */
export interface ScenarioContext extends Omit<Topology, 'stop'> {
  readonly driver: Driver;
  /** Exists already. */
  readonly topic: string;
  /** Does not exist yet. */
  readonly group: string;
}

export interface Scenario {
  /** What it shows, as a row of the table of compatibility. */
  readonly title: string;
  /** What its topic takes; NORMAL by default. */
  readonly topicType?: TopicType;
  /** Clients whose own limits keep them out, and why. */
  readonly unsupported?: Readonly<Partial<Record<ClientName, string>>>;
  /** Throws when the client did not see what it should. */
  run(context: ScenarioContext): Promise<void>;
}

/** For `unsupported` of what is about push consumers. */
export const PUSH_CONSUMER = { rust: 'The crate has no push consumer.' } as const;

/** The access point of the scenario's client number `index`. */
export function accessPoint(context: ScenarioContext, index: number): string {
  const { endpoints } = context;
  return endpoints[index % endpoints.length] ?? endpoints[0];
}

export function base64(text: string): string {
  return Buffer.from(text, 'utf8').toString('base64');
}

/** `count` small messages with distinct bodies. */
export function numbered(topic: string, count: number): readonly OutgoingMessage[] {
  return Array.from({ length: count }, (_, index) => ({ topic, body: base64(`message ${index}`) }));
}

/** A message's content without what a delivery adds. */
export function contentOf(message: OutgoingMessage | ReceivedMessage): object {
  return {
    topic: message.topic,
    body: message.body,
    tag: message.tag ?? '',
    keys: [...(message.keys ?? [])].sort(),
    properties: Object.entries(message.properties ?? {}).sort(),
  };
}
