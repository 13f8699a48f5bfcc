import { type GantryProcess, startGantry } from '../support/process';
import { TlsFiles } from '../support/tls-files';
import { Driver } from './support/driver';
import { CLIENTS } from './support/driver-command';
import { passOneMessage } from './support/one-message';
import { SHORT_DURATIONS } from './support/topology';

const files = new TlsFiles();
/** The Rust client's option for TLS sets none up. */
const CLIENTS_WITH_TLS = CLIENTS.filter((client) => client !== 'rust');

afterAll(() => files.remove());

async function pass(gantry: GantryProcess, driver: Driver, topic: string): Promise<void> {
  try {
    await passOneMessage(driver, gantry.endpoint, topic, `group-of-${topic}`);
  } finally {
    await driver.stop();
  }
}

describe('gantry start as it is by default, on its own HTTP/2', () => {
  let gantry: GantryProcess;

  beforeAll(async () => {
    const args = ['--memory', '--rpc-transport', 'http2', ...SHORT_DURATIONS];
    gantry = await startGantry('start', { args });
  });

  afterAll(() => gantry.kill());

  it('java over TLS, which is how this client starts, takes the certificate for development', async () => {
    await pass(gantry, Driver.start('java', {}), 'secret');
  });

  it('java in plaintext finds the same port', async () => {
    await pass(gantry, Driver.start('java'), 'plain');
  });
});

describe('gantry start with TLS only', () => {
  let gantry: GantryProcess;

  beforeAll(async () => {
    const args = ['--memory', '--tls-mode', 'enforcing', ...files.flags, ...SHORT_DURATIONS];
    gantry = await startGantry('start', { args });
  });

  afterAll(() => gantry.kill());

  it.each(CLIENTS_WITH_TLS)(
    '%s over TLS: a message is sent, received and acknowledged',
    async (client) => {
      const { certificate } = files;
      await pass(gantry, Driver.start(client, { certificate }), `secret-${client}`);
    },
  );
});
