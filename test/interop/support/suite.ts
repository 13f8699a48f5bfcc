import { scenarios } from '../scenarios';
import { Driver } from './driver';
import type { ClientName } from './driver-command';
import { dropResults, type Outcome, writeResults } from './results';
import { startCluster, startOneProcess, type Topology } from './topology';

const TOPOLOGIES = {
  'one process': startOneProcess,
  'one name server, two brokers, two proxies': startCluster,
} as const;

/** Runs all scenarios with one client on one topology, one test a scenario. */
export function interopSuite(kind: keyof typeof TOPOLOGIES, client: ClientName): void {
  describe(`${client} client, ${kind}`, () => {
    let topology: Topology;
    let driver: Driver;
    const outcomes: Record<string, Outcome> = {};

    const file = `${kind}-${client}`.replaceAll(/[^a-z]+/g, '-');

    beforeAll(async () => {
      dropResults(file);
      topology = await TOPOLOGIES[kind]();
      driver = Driver.start(client);
    });

    afterAll(async () => {
      const { version, client: name } = await driver.hello();
      // A choice of scenarios makes no column.
      if (Object.keys(outcomes).length === scenarios.length) {
        writeResults(file, { topology: kind, client: name, version, outcomes });
      }
      await driver.stop();
      await topology.stop();
    });

    for (const [index, scenario] of scenarios.entries()) {
      const reason = scenario.unsupported?.[client];
      if (reason !== undefined) {
        outcomes[scenario.title] = { notSupported: reason };
        continue;
      }
      it(scenario.title, async () => {
        outcomes[scenario.title] = 'fail';
        const topic = `scenario-${index}`;
        await topology.createTopic(topic, scenario.topicType ?? 'NORMAL');
        await scenario.run({ ...topology, driver, topic, group: `group-${index}` });
        outcomes[scenario.title] = 'pass';
      });
    }
  });
}
