import { DEFAULT_RPC_OPTIONS } from '../../../src/assembly/rpc-options';
import { loadConfig } from '../../../src/config/load';
import { ROLES } from '../../../src/config/schema';

const flags = new Map([['namesrv', '127.0.0.1:9876']]);

test.each(ROLES)('the settings of %s have the defaults of the server', (role) => {
  const given = role === 'broker' || role === 'proxy' ? flags : new Map();
  expect(loadConfig(role, { env: {}, flags: given }).rpc).toEqual(DEFAULT_RPC_OPTIONS);
});
