import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { ConfigError } from '../../../src/config/config-error';
import { loadConfig, readConfig } from '../../../src/config/load';
import type { Role } from '../../../src/config/schema';

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'gantry-config-'));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

function file(text: string): string {
  const path = join(directory, 'gantry.yaml');
  writeFileSync(path, text);
  return path;
}

const flags = (values: Readonly<Record<string, unknown>>): ReadonlyMap<string, unknown> =>
  new Map(Object.entries(values));

interface Given {
  readonly yaml?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly flags?: Readonly<Record<string, unknown>>;
}

const inputs = (given: Given) => ({
  ...(given.yaml === undefined ? {} : { file: file(given.yaml) }),
  env: given.env ?? {},
  flags: flags(given.flags ?? {}),
});

/** What is wrong with a configuration, `[]` when nothing is. */
function faults(role: Role, given: Given): readonly string[] {
  const all = inputs(given);
  try {
    loadConfig(role, all);
    return [];
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return error.faults.map((fault) => fault.replaceAll(directory, '.'));
  }
}

describe('the order of sources', () => {
  const yaml = 'port: 1001\nhttpPort: 1002\nlog: {level: warn}\n';

  it('the environment goes before the file, and flags before both', () => {
    const env = { GANTRY_HTTP_PORT: '2002', GANTRY_LOG_LEVEL: 'error' };
    const options = loadConfig('start', inputs({ yaml, env, flags: { 'log.level': 'debug' } }));
    expect(options).toMatchObject({ port: 1001, httpPort: 2002, log: { level: 'debug' } });
    expect(options.host).toBe('0.0.0.0');
  });

  it('each value says where it came from', () => {
    const env = { GANTRY_HTTP_PORT: '2002' };
    const { entries } = readConfig('start', inputs({ yaml, env, flags: { 'log.level': 'debug' } }));
    const sources = Object.fromEntries(entries.map(({ key, source }) => [key, source]));
    expect(sources).toMatchObject({
      host: 'default',
      port: 'file',
      httpPort: 'env',
      'log.level': 'flag',
    });
  });

  it('a value that equals the default still says that it was given', () => {
    const { entries } = readConfig('start', inputs({ flags: { port: '8081' } }));
    expect(entries.find(({ key }) => key === 'port')).toMatchObject({
      value: 8081,
      source: 'flag',
    });
  });

  it('GANTRY_CONFIG names the file where no flag does', () => {
    const env = { GANTRY_CONFIG: file('port: 1001') };
    expect(loadConfig('start', { env, flags: flags({}) }).port).toBe(1001);
    const other = join(directory, 'other.yaml');
    writeFileSync(other, 'port: 1003');
    expect(loadConfig('start', { file: other, env, flags: flags({}) }).port).toBe(1003);
  });

  it('an empty file and empty variables change nothing', () => {
    const env = { GANTRY_PORT: '', GANTRY_CONFIG: '' };
    expect(loadConfig('start', inputs({ yaml: '# nothing\n', env })).port).toBe(8081);
  });
});

describe('defaults', () => {
  const namesrv = { namesrv: '127.0.0.1:9876' };

  it('each role has its ports', () => {
    const ports = {
      start: loadConfig('start', inputs({})),
      namesrv: loadConfig('namesrv', inputs({})),
      broker: loadConfig('broker', inputs({ flags: namesrv })),
      proxy: loadConfig('proxy', inputs({ flags: namesrv })),
    };
    expect(ports).toMatchObject({
      start: { port: 8081, httpPort: 8082 },
      namesrv: { port: 9876, httpPort: 9886 },
      broker: { port: 10911, httpPort: 10922 },
      proxy: { port: 8081, httpPort: 8082 },
    });
  });

  it('topics make themselves in gantry start only, groups everywhere', () => {
    expect(loadConfig('start', inputs({}))).toMatchObject({
      topics: { autoCreate: true },
      groups: { autoCreate: true },
    });
    expect(loadConfig('broker', inputs({ flags: namesrv }))).toMatchObject({
      topics: { autoCreate: false },
      groups: { autoCreate: true },
    });
    expect(loadConfig('proxy', inputs({ flags: namesrv })).topics.autoCreate).toBe(false);
  });

  it('durations are milliseconds and sends are durable', () => {
    expect(loadConfig('start', inputs({}))).toMatchObject({
      flush: 'sync',
      receive: {
        minInvisibleMs: 10_000,
        maxInvisibleMs: 43_200_000,
        minPollingMs: 5_000,
        maxPollingMs: 20_000,
      },
    });
  });
});

describe('values', () => {
  it.each([
    ['250', 250],
    ['250ms', 250],
    ['2s', 2_000],
    ['3 m', 180_000],
    ['1h', 3_600_000],
    [1500, 1_500],
  ])('a duration of %p is %p ms', (raw, ms) => {
    const options = loadConfig('start', inputs({ flags: { 'receive.minInvisible': raw } }));
    expect(options.receive.minInvisibleMs).toBe(ms);
  });

  it.each([
    ['16777216', 16_777_216],
    ['16384KiB', 16_777_216],
    ['16MiB', 16_777_216],
    ['1gib', 1_073_741_824],
  ])('a size of %p is %p bytes', (raw, bytes) => {
    const options = loadConfig('start', inputs({ env: { GANTRY_STORE_SEGMENT_BYTES: raw } }));
    expect(options.store.segmentBytes).toBe(bytes);
  });

  it('topics come as flags, as text with commas, and as a list', () => {
    const wanted = [
      { name: 'orders', type: 'FIFO', queues: 16 },
      { name: 'mails', type: 'NORMAL', queues: 8 },
    ];
    const created = (given: Given) => loadConfig('start', inputs(given)).topics.create;
    expect(created({ flags: { 'topics.create': ['orders:fifo:16', 'mails'] } })).toEqual(wanted);
    expect(created({ env: { GANTRY_TOPICS_CREATE: 'orders:FIFO:16, mails' } })).toEqual(wanted);
    expect(created({ yaml: 'topics: {create: [orders:FIFO:16, mails]}' })).toEqual(wanted);
  });

  it('name servers come as text with commas and as a list', () => {
    const wanted = ['10.0.0.1:9876', '[::1]:9877'];
    const named = (given: Given) => loadConfig('proxy', inputs(given)).namesrv;
    expect(named({ flags: { namesrv: '10.0.0.1:9876,[::1]:9877' } })).toEqual(wanted);
    expect(named({ yaml: 'namesrv: [10.0.0.1:9876, "[::1]:9877"]' })).toEqual(wanted);
  });

  it('a data directory given after memory wins nothing silently, but memory given later does', () => {
    const yaml = 'dataDir: /var/lib/gantry';
    expect(loadConfig('start', inputs({ yaml, flags: { memory: true } })).memory).toBe(true);
    expect(faults('start', { yaml: 'memory: true', flags: { dataDir: '/x' } })).toEqual([
      'memory (file) and dataDir /x (flag) exclude each other',
    ]);
  });
});

describe('what is refused', () => {
  it.each<[string, Given, string]>([
    [
      'an unknown key of the file, with the nearest one',
      { yaml: 'recieve: {minInvisible: 5s}' },
      './gantry.yaml: recieve.minInvisible is not an option; did you mean receive.minInvisible?',
    ],
    [
      'a key without its group',
      { yaml: 'autoCreate: true' },
      './gantry.yaml: autoCreate is not an option; did you mean topics.autoCreate?',
    ],
    [
      'an unknown key with nothing near',
      { yaml: 'quorumElections: true' },
      './gantry.yaml: quorumElections is not an option',
    ],
    [
      'an unknown variable, with the nearest one',
      { env: { GANTRY_HTTPPORT: '1' } },
      'GANTRY_HTTPPORT is not an option; did you mean GANTRY_HTTP_PORT?',
    ],
    [
      'a port above the range',
      { flags: { port: '65536' } },
      '--port must be a whole number from 0 to 65535, got "65536"',
    ],
    [
      'a port below the range',
      { yaml: 'port: -1' },
      './gantry.yaml: port must be a whole number from 0 to 65535, got -1',
    ],
    [
      'a port that is no number',
      { env: { GANTRY_PORT: '80a' } },
      'GANTRY_PORT must be a whole number from 0 to 65535, got "80a"',
    ],
    [
      'a duration beyond its limit',
      { flags: { 'receive.minInvisible': '13h' } },
      '--receive-min-invisible must be a duration in milliseconds or with the unit ms, s, m or h from 1ms to 12h, got "13h"',
    ],
    [
      'a duration of an unknown unit',
      { flags: { 'shutdown.grace': '1d' } },
      '--shutdown-grace must be a duration in milliseconds or with the unit ms, s, m or h from 0ms to 10m, got "1d"',
    ],
    [
      'a word that is not among the choices',
      { flags: { flush: 'never' } },
      '--flush must be one of sync, async, got "never"',
    ],
    [
      'a switch that is neither true nor false',
      { env: { GANTRY_MEMORY: 'yes' } },
      'GANTRY_MEMORY must be true or false, got "yes"',
    ],
    [
      'an address without a port',
      { flags: { advertise: 'localhost' } },
      '--advertise must be HOST:PORT with a port from 1 to 65535, got "localhost"',
    ],
    [
      'a topic of an unknown type',
      { flags: { 'topics.create': ['a:QUEUE'] } },
      '--topic must be NAME[:TYPE[:QUEUES]]: the type must be one of NORMAL, FIFO, DELAY, TRANSACTION, PRIORITY, LITE, MIXED, not QUEUE, got ["a:QUEUE"]',
    ],
    [
      'a topic of too many queues',
      { flags: { 'topics.create': ['a:FIFO:1025'] } },
      '--topic must be NAME[:TYPE[:QUEUES]]: the queues must be from 1 to 1024, not 1025, got ["a:FIFO:1025"]',
    ],
    [
      'a smallest value above the largest, with where both came from',
      { yaml: 'receive: {maxPolling: 3s}' },
      'receive.minPolling (5s, default) is above receive.maxPolling (3s, file)',
    ],
    ['an empty broker name', { flags: { 'broker.name': '' } }, 'broker.name is empty'],
  ])('%s', (_what, given, fault) => {
    expect(faults('start', given)).toEqual([fault]);
  });

  it('all that is wrong is said at once', () => {
    const given = {
      yaml: 'port: x\nhots: y',
      env: { GANTRY_FLUSH: 'z' },
      flags: { httpPort: '-' },
    };
    expect(faults('start', given)).toHaveLength(4);
  });

  it('a file that is not there, and one that is no YAML', () => {
    const missing = join(directory, 'missing.yaml');
    expect(() => loadConfig('start', { file: missing, env: {}, flags: flags({}) })).toThrow(
      /missing\.yaml cannot be read: .*ENOENT/,
    );
    expect(faults('start', { yaml: 'port: [' })[0]).toMatch(/^\.\/gantry\.yaml cannot be read: /);
  });

  it('a broker and a proxy without a name server', () => {
    for (const role of ['broker', 'proxy'] as const) {
      expect(faults(role, {})).toEqual([
        `namesrv is empty: a ${role} needs one at least, as in --namesrv 127.0.0.1:9876`,
      ]);
    }
  });

  it('an option of another role in the file', () => {
    expect(faults('namesrv', { yaml: 'flush: sync' })).toEqual([
      './gantry.yaml: flush is not an option',
    ]);
  });
});

describe('variables that are not meant for a role', () => {
  it.each([
    ['another role', { GANTRY_NAMESRV: '10.0.0.1:9876' }],
    ['commands', { GANTRY_ENDPOINT: '10.0.0.1:8081' }],
    [
      'a Kubernetes service named gantry',
      {
        GANTRY_SERVICE_HOST: '10.0.0.9',
        GANTRY_SERVICE_PORT_GRPC: '8081',
        GANTRY_PORT: 'tcp://10.0.0.9:8081',
        GANTRY_PORT_8081_TCP_ADDR: '10.0.0.9',
      },
    ],
    ['other programs', { PORT: 'x', PATH: '/bin' }],
  ])('those of %s are not looked at', (_whose, env) => {
    expect(loadConfig('start', inputs({ env })).port).toBe(8081);
  });
});
