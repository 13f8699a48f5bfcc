import { awkwardMessages } from './scenarios/content';
import { Collector } from './support/collector';
import { Driver } from './support/driver';
import { CLIENTS } from './support/driver-command';
import { contentOf } from './support/scenario';
import { startOneProcess, type Topology } from './support/topology';

describe('clients of different languages on one topic', () => {
  const topic = 'polyglot';
  let topology: Topology;
  let drivers: readonly Driver[];

  beforeAll(async () => {
    topology = await startOneProcess();
    await topology.createTopic(topic, 'NORMAL');
    drivers = CLIENTS.map((client) => Driver.start(client));
  });

  afterAll(async () => {
    await Promise.all(drivers.map((driver) => driver.stop()));
    await topology.stop();
  });

  it('every client receives what every client sent, unchanged', async () => {
    const [endpoints] = topology.endpoints;
    const consumers = await Promise.all(
      drivers.map((driver) =>
        driver.simple({
          endpoints,
          group: `readers-${driver.client}`,
          subscriptions: { [topic]: '*' },
          awaitMs: 3000,
        }),
      ),
    );
    const sent: string[] = [];
    for (const driver of drivers) {
      const producer = await driver.producer(endpoints, [topic]);
      for (const message of awkwardMessages(topic)) {
        const messageId = await producer.send(message);
        sent.push(JSON.stringify({ messageId, ...contentOf(message) }));
      }
    }
    for (const consumer of consumers) {
      const collector = new Collector([consumer], { invisibleMs: 10_000, lanes: 1 });
      const seen = await collector.untilSeen(sent.length, 30_000);
      collector.stop();
      const got = seen.map(({ message }) =>
        JSON.stringify({ messageId: message.messageId, ...contentOf(message) }),
      );
      expect(got.sort()).toEqual([...sent].sort());
    }
  });
});
