import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { ENVOY } from '../balancers/support/balancer';
import { DEPLOY, deployFiles, deployText } from '../support/deploy-files';
import { run } from '../support/go-program';
import { ROOT } from '../support/process';

const SETUP_MS = 300_000;

beforeAll(async () => {
  await run(process.execPath, [join(ROOT, 'scripts', 'interop-setup.mjs'), 'envoy']);
}, SETUP_MS);

const place = (file: string): string => join(DEPLOY, 'balancers', file);
const validate = (file: string): Promise<unknown> => run(ENVOY, ['--mode', 'validate', '-c', file]);

/** Whether they do what they are for is seen in test/balancers. */
describe('files of balancers', () => {
  it.each(deployFiles('balancers', /^envoy/))('%s is as Envoy wants it', async (file) => {
    await validate(place(file));
  });

  it.each(deployFiles('balancers', /^haproxy/))('%s is as HAProxy wants it', async (file) => {
    await run('haproxy', ['-c', '-f', place(file)]);
  });

  it('would not pass with a field that Envoy does not know', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'gantry-envoy-'));
    const file = join(directory, 'wrong.yaml');
    writeFileSync(file, deployText('balancers/envoy-grpc.yaml').replace('lb_policy', 'lb_police'));
    await expect(validate(file)).rejects.toThrow('lb_police');
    rmSync(directory, { recursive: true, force: true });
  });
});
