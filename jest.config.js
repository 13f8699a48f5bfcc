'use strict';

/**
 * One jest project a kind of test, each with the longest time that one of its tests may take.
 *
 * - unit: one part, simulated time, no process of its own
 * - integration: several parts in this process or a `gantry` process, real sockets on loopback
 * - smoke: the official Node client against a real `gantry start` process
 * - interop: official clients of other languages, and the roles as separate processes
 * - balancers: official clients and proxies behind nginx, HAProxy and Envoy
 * - transport: the gRPC transport against clients, conformance suites and attackers from outside
 * - apache: one directory in turn under Apache RocketMQ and under Gantry (test/interop/apache)
 * - failover: a cluster of processes, parts of which are killed, stopped or cut off, with a checker outside
 * - etcd: leases in real etcds (Debian's etcd-server), built code
 * - fuzz: properties of what reads clients' bytes, for minutes instead of a number of runs
 * - crash: kill -9 under load, with a checker outside the process
 * - sim: a cluster in this process under simulated time, some seeds (docs/simulation.md)
 * - rolling: every role restarted one by one under the load of official clients, each call watched on the wire
 * - faults: every byte harmed, power lost, a full and a broken disk; long
 * - deploy: the files of deploy/ against what checks them, and the image's steps without Docker
 * - grpc-js: suites of the above that talk to a server, again on `rpc.transport: grpc-js`
 *
 * GANTRY_RPC_TRANSPORT in the environment decides what all others run on; it is http2 by default.
 *
 * Pick one with `npx jest --selectProjects unit`, or one file with `npx jest test/unit/store/commit-log.test.ts`.
 */
const timeoutsMs = {
  unit: 60_000,
  integration: 30_000,
  smoke: 120_000,
  interop: 600_000,
  balancers: 600_000,
  apache: 600_000,
  crash: 900_000,
  rolling: 600_000,
  sim: 600_000,
  faults: 2_400_000,
  transport: 600_000,
  fuzz: 600_000,
  deploy: 600_000,
  etcd: 300_000,
  failover: 600_000,
};

/** Where a project's tests are, when not in a folder of its name. */
const folders = { apache: 'interop/apache' };

/** Suites that talk to a server, and run on the other transport as well. */
const served = [
  'integration/{library,broken-disk}',
  'smoke/official-clients',
  'unit/cli/{send-and-receive,start,topics-and-groups}',
  'unit/link/{admin,broker-api,over-grpc}',
  'unit/rpc/client',
];

const project = (name) => ({
  displayName: name,
  rootDir: __dirname,
  testEnvironment: 'node',
  testMatch: [`<rootDir>/test/${folders[name] ?? name}/**/*.test.ts`],
  modulePathIgnorePatterns: ['<rootDir>/dist/', '<rootDir>/.cache/'],
  testPathIgnorePatterns: [
    ...['/node_modules/', '<rootDir>/dist/', '<rootDir>/.cache/'],
    ...(name === 'interop' ? ['<rootDir>/test/interop/apache/'] : []),
  ],
  // jest 30 accepts `testTimeout` for a project but obeys only the global one, so a setup file sets it.
  globals: { testTimeoutMs: timeoutsMs[name] },
  setupFilesAfterEnv: ['<rootDir>/test/support/set-timeout.js'],
  transform: {
    '^.+\\.ts$': [
      '@swc/jest',
      {
        jsc: { parser: { syntax: 'typescript' }, target: 'es2023' },
        module: { type: 'commonjs' },
        sourceMaps: 'inline',
      },
    ],
  },
});

/** What grpc-js serves, which is not the default. */
const onGrpcJs = {
  ...project('smoke'),
  displayName: 'grpc-js',
  testMatch: served.map((suite) => `<rootDir>/test/${suite}.test.ts`),
  globals: { testTimeoutMs: timeoutsMs.smoke, testTransport: 'grpc-js' },
  setupFilesAfterEnv: [
    '<rootDir>/test/support/set-timeout.js',
    '<rootDir>/test/support/set-transport.js',
  ],
};

module.exports = {
  projects: [...Object.keys(timeoutsMs).map(project), onGrpcJs],
  reporters: ['default', '<rootDir>/test/support/closing-line-reporter.js'],
  maxWorkers: '100%',
};
