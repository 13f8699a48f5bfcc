import { scenarios } from '../scenarios';
import { Driver } from './driver';
import type { ClientName } from './driver-command';
import { dropResults, type Outcome, writeResults } from './results';
import { startCluster, startOneProcess, type Topology } from './topology';

const TOPOLOGIES = {
  'one process': startOneProcess,
  'one name server, two brokers, two proxies': startCluster,
} as const;

/** Runs all scenarios with one client on one topology, and keeps the outcomes for docs/compatibility.md. */
export function interopSuite(kind: keyof typeof TOPOLOGIES, client: ClientName): void {
  const file = `${kind}-${client}`.replaceAll(/[^a-z]+/g, '-');
  beforeAll(() => dropResults(file));
  scenarioSuite(kind, client, TOPOLOGIES[kind], (outcomes, { version, client: name }) => {
    // A choice of scenarios makes no column.
    if (Object.keys(outcomes).length < scenarios.length) return;
    writeResults(file, { topology: kind, client: name, version, outcomes });
  });
}

/** Runs all scenarios with one client, one test a scenario. */
export function scenarioSuite(
  kind: string,
  client: ClientName,
  startTopology: () => Promise<Topology>,
  done: (
    outcomes: Readonly<Record<string, Outcome>>,
    about: Awaited<ReturnType<Driver['hello']>>,
  ) => void = () => undefined,
): void {
  describe(`${client} client, ${kind}`, () => {
    let topology: Topology;
    let driver: Driver;
    const outcomes: Record<string, Outcome> = {};

    beforeAll(async () => {
      topology = await startTopology();
      driver = Driver.start(client);
    });

    afterAll(async () => {
      done(outcomes, await driver.hello());
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
