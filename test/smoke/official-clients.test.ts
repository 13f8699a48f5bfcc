import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { scenarios } from '../interop/scenarios';
import { Driver } from '../interop/support/driver';
import { passOneMessage } from '../interop/support/one-message';
import { startOneProcess, type Topology } from '../interop/support/topology';
import { join } from 'node:path';
import { DEFAULT_RPC_OPTIONS } from '../../src/assembly/rpc-options';
import { ROOT } from '../support/process';
import { testTransport } from '../support/transport';

/** The rows that take a second or two; `npm run interop` runs them all, with all clients. */
const QUICK = scenarios.filter(({ title }) =>
  /^(body, keys|a body of 3\.9|an empty long poll|push consumer: every|without auto-creation)/.test(
    title,
  ),
);

/** Take part where their tools are, and always in CI; on the default transport. Rust's takes minutes to compile. */
const TOOLS = { python: ['python3 --version'], java: ['java -version', 'mvn --version'] } as const;

function takesPart(client: keyof typeof TOOLS): boolean {
  if (testTransport() !== DEFAULT_RPC_OPTIONS.transport) return false;
  if (process.env['CI'] !== undefined) return true;
  return TOOLS[client].every((tool) => spawnSync('sh', ['-c', tool]).status === 0);
}

describe('official clients against gantry start', () => {
  let topology: Topology;

  beforeAll(async () => {
    topology = await startOneProcess();
  });

  afterAll(async () => {
    await topology.stop();
  });

  describe('node', () => {
    let driver: Driver;

    beforeAll(() => {
      driver = Driver.start('node');
    });

    afterAll(async () => {
      await driver.stop();
    });

    it('has its quick scenarios', () => {
      expect(QUICK).toHaveLength(5);
    });

    for (const [index, scenario] of QUICK.entries()) {
      it(scenario.title, async () => {
        const topic = `smoke-${index}`;
        await topology.createTopic(topic, 'NORMAL');
        await scenario.run({ ...topology, driver, topic, group: `smoke-group-${index}` });
      });
    }
  });

  for (const client of (['python', 'java'] as const).filter(takesPart)) {
    it(`${client}: a message is sent, received and acknowledged`, async () => {
      const setup = spawnSync(process.execPath, ['scripts/interop-setup.mjs', client], {
        cwd: ROOT,
        encoding: 'utf8',
      });
      if (setup.status !== 0) throw new Error(setup.stderr);
      expect(existsSync(join(ROOT, '.cache', client))).toBe(true);
      const driver = Driver.start(client);
      try {
        const topic = `smoke-${client}`;
        await topology.createTopic(topic, 'NORMAL');
        const [endpoints] = topology.endpoints;
        await passOneMessage(driver, endpoints, topic, `smoke-group-${client}`);
      } finally {
        await driver.stop();
      }
    });
  }
});
