import { join } from 'node:path';

import { DEPLOY } from '../support/deploy-files';
import { goProgram, run } from '../support/go-program';

/** Loads a compose file as Compose does: its JSON schema first, then whether its parts fit together. */
const COMPOSE = 'github.com/compose-spec/compose-go/v2/cmd@v2.8.1';

let compose = '';
beforeAll(async () => {
  compose = await goProgram(COMPOSE);
});

describe('compose files', () => {
  it.each(['one-node.yaml', 'cluster.yaml'])(
    '%s is as the Compose Specification says',
    async (file) => {
      await run(compose, [join(DEPLOY, 'compose', file)]);
    },
  );

  it('would not pass with a field that does not exist', async () => {
    const values = join(DEPLOY, 'helm', 'gantry', 'values.yaml');
    await expect(run(compose, [values])).rejects.toThrow('additional properties');
  });

  it('have a scrape configuration that Prometheus takes', async () => {
    await run('promtool', ['check', 'config', join(DEPLOY, 'compose', 'prometheus.yaml')]);
  });

  it('have alerts that come when they should, and then alone', async () => {
    const { stdout } = await run('promtool', ['test', 'rules', join(__dirname, 'alerts.yaml')]);
    expect(stdout).toContain('SUCCESS');
  });

  it('have a balancer that haproxy takes', async () => {
    await run('haproxy', ['-c', '-f', join(DEPLOY, 'compose', 'haproxy.cfg')]);
  });
});
