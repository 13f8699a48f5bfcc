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
  it.each(['one-node.yaml'])('%s is as the Compose Specification says', async (file) => {
    await run(compose, [join(DEPLOY, 'compose', file)]);
  });

  it('would not pass with a field that does not exist', async () => {
    const other = join(DEPLOY, 'systemd', 'broker.yaml');
    await expect(run(compose, [other])).rejects.toThrow('additional properties');
  });
});
