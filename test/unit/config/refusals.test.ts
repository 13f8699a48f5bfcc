import { join } from 'node:path';

import { loadConfig } from '../../../src/config/load';
import { ConfigFiles, type Given } from '../../support/config-files';

let files: ConfigFiles;
beforeEach(() => {
  files = new ConfigFiles();
});
afterEach(() => files.remove());

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
      'a network that is none',
      { env: { GANTRY_RPC_PROXY_PROTOCOL_FROM: '10.0.0.0/8,10.0.0.0/33' } },
      'GANTRY_RPC_PROXY_PROTOCOL_FROM must be IP addresses, or networks such as 10.0.0.0/8, got "10.0.0.0/8,10.0.0.0/33"',
    ],
    [
      'headers of balancers without the balancers',
      { flags: { 'rpc.proxyProtocol': 'required' } },
      'rpc.proxyProtocol (required) needs rpc.proxyProtocolFrom: the addresses or networks of the balancers',
    ],
    [
      'headers of balancers where none are read',
      { yaml: 'rpc: {transport: grpc-js, proxyProtocol: optional, proxyProtocolFrom: 10.0.0.7}' },
      'rpc.proxyProtocol (optional) needs rpc.transport http2: grpc-js reads no such header',
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
      '--flush must be one of sync, async, buffered, got "never"',
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
    [
      'a window of a call above that of its connection',
      { flags: { 'rpc.connectionWindowBytes': '512KiB' } },
      'rpc.streamWindowBytes (1MiB, default) is above rpc.connectionWindowBytes (512KiB, flag)',
    ],
    [
      'a certificate without its key',
      { flags: { 'tls.certificate': '/tls.pem' } },
      'tls.certificate (flag) is given without tls.key',
    ],
    [
      'a key without its certificate',
      { yaml: 'tls: {key: /key.pem}' },
      'tls.key (file) is given without tls.certificate',
    ],
    ['an empty broker name', { flags: { 'broker.name': '' } }, 'broker.name is empty'],
  ])('%s', (_what, given, fault) => {
    expect(files.faults('start', given)).toEqual([fault]);
  });

  it('all that is wrong is said at once', () => {
    const given = {
      yaml: 'port: x\nhots: y',
      env: { GANTRY_FLUSH: 'z' },
      flags: { httpPort: '-' },
    };
    expect(files.faults('start', given)).toHaveLength(4);
  });

  it('a file that is not there, and one that is no YAML', () => {
    const missing = join(files.directory, 'missing.yaml');
    expect(() => loadConfig('start', { file: missing, env: {}, flags: new Map() })).toThrow(
      /missing\.yaml cannot be read: .*ENOENT/,
    );
    expect(files.faults('start', { yaml: 'port: [' })[0]).toMatch(
      /^\.\/gantry\.yaml cannot be read: /,
    );
  });

  it('a broker and a proxy without a name server', () => {
    for (const role of ['broker', 'proxy'] as const) {
      expect(files.faults(role, {})).toEqual([
        `namesrv is empty: a ${role} needs one at least, as in --namesrv 127.0.0.1:9876`,
      ]);
    }
  });

  it.each<[string, Given['flags'], string]>([
    [
      'a lease in etcd without etcd',
      { 'replication.mode': 'etcd' },
      'etcd.endpoints is empty: replication.mode (etcd) needs a member of etcd at least',
    ],
    [
      'a replica by configuration without its master',
      { 'replication.mode': 'static', 'replication.role': 'replica' },
      'replication.master is empty: say where the master of this replica is',
    ],
    [
      'a password of nobody',
      { 'etcd.password': 'p' },
      'etcd.password (flag) is given without etcd.user',
    ],
    [
      'a certificate for etcd without its key',
      { 'etcd.tls.enabled': true, 'etcd.tls.certificate': '/c.pem' },
      'etcd.tls.certificate (flag) is given without etcd.tls.key',
    ],
    [
      'files for a TLS that is off',
      { 'etcd.tls.ca': '/ca.pem' },
      'etcd.tls.ca (flag) is given, and etcd.tls.enabled is false',
    ],
    [
      'whom to trust for links without TLS',
      { 'link.tls.ca': '/ca.pem' },
      'link.tls.ca (flag) is given, and link.tls.enabled is false',
    ],
    [
      'a key for links without its certificate',
      { 'link.tls.enabled': true, 'link.tls.key': '/key.pem' },
      'link.tls.key (flag) is given without link.tls.certificate',
    ],
    [
      'certificates of clients where plaintext is taken',
      { 'tls.certificate': '/c.pem', 'tls.key': '/k.pem', 'tls.clientCa': '/ca.pem' },
      'tls.clientCa needs tls.mode enforcing: with disabled clients come in plaintext',
    ],
    [
      'certificates of clients where the port has none',
      { 'tls.mode': 'enforcing', 'tls.clientCa': '/ca.pem' },
      'tls.clientCa needs tls.certificate and tls.key',
    ],
    [
      'certificates of clients on grpc-js',
      {
        ...{ 'tls.mode': 'enforcing', 'tls.certificate': '/c.pem', 'tls.key': '/k.pem' },
        ...{ 'tls.clientCa': '/ca.pem', 'rpc.transport': 'grpc-js' },
      },
      'tls.clientCa needs rpc.transport http2: grpc-js does not tell whom it refuses',
    ],
    [
      'a lease that etcd does not grant',
      { 'etcd.leaseSeconds': 1 },
      '--etcd-lease-seconds must be a whole number from 2 to 60, got 1',
    ],
  ])('%s', (_what, flags, fault) => {
    const namesrv = { namesrv: '127.0.0.1:9876' };
    expect(files.faults('broker', { flags: { ...namesrv, ...flags } })).toEqual([fault]);
  });

  it('an option of another role in the file', () => {
    expect(files.faults('namesrv', { yaml: 'flush: sync' })).toEqual([
      './gantry.yaml: flush is not an option',
    ]);
  });
});
