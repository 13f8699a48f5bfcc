import { loadConfig, readConfig } from '../../../src/config/load';
import { ConfigFiles, type Given } from '../../support/config-files';

let files: ConfigFiles;
beforeEach(() => {
  files = new ConfigFiles();
});
afterEach(() => files.remove());

describe('the order of sources', () => {
  const yaml = 'port: 1001\nhttpPort: 1002\nlog: {level: warn}\n';

  it('the environment goes before the file, and flags before both', () => {
    const env = { GANTRY_HTTP_PORT: '2002', GANTRY_LOG_LEVEL: 'error' };
    const options = loadConfig(
      'start',
      files.inputs({ yaml, env, flags: { 'log.level': 'debug' } }),
    );
    expect(options).toMatchObject({ port: 1001, httpPort: 2002, log: { level: 'debug' } });
    expect(options.host).toBe('0.0.0.0');
  });

  it('each value says where it came from', () => {
    const env = { GANTRY_HTTP_PORT: '2002' };
    const { entries } = readConfig(
      'start',
      files.inputs({ yaml, env, flags: { 'log.level': 'debug' } }),
    );
    const sources = Object.fromEntries(entries.map(({ key, source }) => [key, source]));
    expect(sources).toMatchObject({
      host: 'default',
      port: 'file',
      httpPort: 'env',
      'log.level': 'flag',
    });
  });

  it('a value that equals the default still says that it was given', () => {
    const { entries } = readConfig('start', files.inputs({ flags: { port: '8081' } }));
    expect(entries.find(({ key }) => key === 'port')).toMatchObject({
      value: 8081,
      source: 'flag',
    });
  });

  it('GANTRY_CONFIG names the file where no flag does', () => {
    const env = { GANTRY_CONFIG: files.write('one.yaml', 'port: 1001') };
    expect(loadConfig('start', { env, flags: new Map() }).port).toBe(1001);
    const other = files.write('other.yaml', 'port: 1003');
    expect(loadConfig('start', { file: other, env, flags: new Map() }).port).toBe(1003);
  });

  it('an empty file and empty variables change nothing', () => {
    const env = { GANTRY_PORT: '', GANTRY_CONFIG: '' };
    expect(loadConfig('start', files.inputs({ yaml: '# nothing\n', env })).port).toBe(8081);
  });
});

describe('defaults', () => {
  const namesrv = { namesrv: '127.0.0.1:9876' };

  it('each role has its ports', () => {
    const ports = {
      start: loadConfig('start', files.inputs({})),
      namesrv: loadConfig('namesrv', files.inputs({})),
      broker: loadConfig('broker', files.inputs({ flags: namesrv })),
      proxy: loadConfig('proxy', files.inputs({ flags: namesrv })),
    };
    expect(ports).toMatchObject({
      start: { port: 8081, httpPort: 8082 },
      namesrv: { port: 9876, httpPort: 9886 },
      broker: { port: 10911, httpPort: 10922 },
      proxy: { port: 8081, httpPort: 8082 },
    });
  });

  it('topics make themselves in gantry start only, groups everywhere', () => {
    expect(loadConfig('start', files.inputs({}))).toMatchObject({
      topics: { autoCreate: true },
      groups: { autoCreate: true },
    });
    expect(loadConfig('broker', files.inputs({ flags: namesrv }))).toMatchObject({
      topics: { autoCreate: false },
      groups: { autoCreate: true },
    });
    expect(loadConfig('proxy', files.inputs({ flags: namesrv })).topics.autoCreate).toBe(false);
  });

  it('durations are milliseconds and sends are durable', () => {
    expect(loadConfig('start', files.inputs({}))).toMatchObject({
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
    const options = loadConfig('start', files.inputs({ flags: { 'receive.minInvisible': raw } }));
    expect(options.receive.minInvisibleMs).toBe(ms);
  });

  it.each([
    ['16777216', 16_777_216],
    ['16384KiB', 16_777_216],
    ['16MiB', 16_777_216],
    ['1gib', 1_073_741_824],
  ])('a size of %p is %p bytes', (raw, bytes) => {
    const options = loadConfig('start', files.inputs({ env: { GANTRY_STORE_SEGMENT_BYTES: raw } }));
    expect(options.store.segmentBytes).toBe(bytes);
  });

  it('topics come as flags, as text with commas, and as a list', () => {
    const wanted = [
      { name: 'orders', type: 'FIFO', queues: 16 },
      { name: 'mails', type: 'NORMAL', queues: 8 },
    ];
    const created = (given: Given) => loadConfig('start', files.inputs(given)).topics.create;
    expect(created({ flags: { 'topics.create': ['orders:fifo:16', 'mails'] } })).toEqual(wanted);
    expect(created({ env: { GANTRY_TOPICS_CREATE: 'orders:FIFO:16, mails' } })).toEqual(wanted);
    expect(created({ yaml: 'topics: {create: [orders:FIFO:16, mails]}' })).toEqual(wanted);
  });

  it('name servers come as text with commas and as a list', () => {
    const wanted = ['10.0.0.1:9876', '[::1]:9877'];
    const named = (given: Given) => loadConfig('proxy', files.inputs(given)).namesrv;
    expect(named({ flags: { namesrv: '10.0.0.1:9876,[::1]:9877' } })).toEqual(wanted);
    expect(named({ yaml: 'namesrv: [10.0.0.1:9876, "[::1]:9877"]' })).toEqual(wanted);
  });

  it('a data directory given after memory wins nothing silently, but memory given later does', () => {
    const yaml = 'dataDir: /var/lib/gantry';
    expect(loadConfig('start', files.inputs({ yaml, flags: { memory: true } })).memory).toBe(true);
    expect(files.faults('start', { yaml: 'memory: true', flags: { dataDir: '/x' } })).toEqual([
      'memory (file) and dataDir /x (flag) exclude each other',
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
    expect(loadConfig('start', files.inputs({ env })).port).toBe(8081);
  });
});
