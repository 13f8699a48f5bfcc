import type { Driver, OutgoingMessage, ReceivedMessage } from './driver';
import type { ClientName } from './driver-command';

/** What a scenario is given. Topic and group are its own: nobody else uses them. */
export interface ScenarioContext {
  readonly driver: Driver;
  /** One access point a proxy; clients of a scenario are spread over them. */
  readonly endpoints: readonly [string, ...string[]];
  /** Access points of all proxies as one endpoints text. */
  readonly allEndpoints: string;
  /** How many brokers hold the topic. */
  readonly brokers: number;
  /** Exists already. */
  readonly topic: string;
  /** Does not exist yet. */
  readonly group: string;
  /** Makes a group, with the options of `gantry group create`. */
  createGroup(name: string, options: readonly string[]): Promise<void>;
  /** Names of all topics. */
  topics(): Promise<readonly string[]>;
}

export interface Scenario {
  /** What it shows, as a row of the table of compatibility. */
  readonly title: string;
  /** What its topic takes; NORMAL by default. */
  readonly topicType?: 'NORMAL' | 'FIFO' | 'DELAY';
  /** Clients whose own limits keep them out, and why. */
  readonly unsupported?: Readonly<Partial<Record<ClientName, string>>>;
  /** Throws when the client did not see what it should. */
  run(context: ScenarioContext): Promise<void>;
}

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
