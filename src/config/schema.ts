/**
 * Every option of every role, in blocks that roles share. Keys here are the keys of the file; the
 * flag, the variable, the help and docs/configuration.md follow from them.
 */
import { choice, option } from './option';
import type { OptionTree } from './option';
import { consumerFlow, dedup, lite, liteServing, proxyFlow, transactions } from './flow-schema';
import { etcd } from './etcd-schema';
import { link } from './link-schema';
import { messages } from './message-schema';
import { replicaId, replication } from './replication-schema';
import { storage } from './store-schema';
import { innerTls, rpc, tls } from './transport-schema';

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;

const anyPort = (what: string): string => `${what}; 0 takes any free port.`;

const listen = (port: number, httpPort: number) => ({
  host: option('text', '0.0.0.0', 'The address to listen on; 0.0.0.0 is every IPv4 one.', {
    argument: 'HOST',
  }),
  port: option('integer', port, anyPort('The port for gRPC'), {
    min: 0,
    max: 65535,
    argument: 'PORT',
  }),
  httpPort: option('integer', httpPort, anyPort('The port for health and metrics over HTTP'), {
    min: 0,
    max: 65535,
    argument: 'PORT',
  }),
});

const operation = {
  log: {
    level: choice(
      ['trace', 'debug', 'info', 'warn', 'error', 'silent'],
      'info',
      'The least severe lines that are logged.',
    ),
    pretty: option(
      'switch',
      false,
      'Log lines for people instead of JSON; needs the package pino-pretty.',
    ),
  },
  shutdown: {
    grace: option(
      'duration',
      15 * SECOND,
      'How long calls that are under way may take to finish after SIGTERM before they are cut.',
      { min: 0, max: 10 * MINUTE },
    ),
  },
  rpc,
};

const identity = {
  name: option(
    'text',
    'broker-a',
    'The name of the broker, its own in the cluster; part of receipt handles.',
    {
      argument: 'NAME',
    },
  ),
  cluster: option('text', 'DefaultCluster', 'The cluster that the broker belongs to.', {
    argument: 'NAME',
  }),
};

const topicsAutoCreate = (fallback: boolean) =>
  option(
    'switch',
    fallback,
    'Whether QueryRoute or SendMessage of a legal unknown name makes a NORMAL topic of 8 queues on each broker that is there; else TOPIC_NOT_FOUND.',
    { flag: 'auto-create' },
  );

const groups = {
  autoCreate: option(
    'switch',
    true,
    'Whether a consumer group is made when it is first used; else CONSUMER_GROUP_NOT_FOUND.',
  ),
};

const namesrv = option('addresses', [], 'The name servers.', { argument: 'HOST:PORT[,...]' });

const serving = {
  advertise: option(
    'address',
    '',
    'The address that routes answer. Empty: the one that the client itself used.',
  ),
  receive: {
    minInvisible: option(
      'duration',
      10 * SECOND,
      'The shortest invisible duration that a receive may ask for.',
      { min: 1, max: 12 * HOUR },
    ),
    maxInvisible: option(
      'duration',
      12 * HOUR,
      'The longest invisible duration that a receive or a change may ask for.',
      { min: SECOND, max: 72 * HOUR },
    ),
    minPolling: option(
      'duration',
      5 * SECOND,
      'The shortest wait of a long poll; shorter wishes are raised to it.',
      { min: 0, max: 5 * MINUTE },
    ),
    maxPolling: option(
      'duration',
      20 * SECOND,
      'The longest wait of a long poll; longer wishes are lowered to it.',
      { min: 0, max: 5 * MINUTE },
    ),
  },
  delay: {
    max: option(
      'duration',
      24 * HOUR,
      'The longest time from now to the delivery time of a delayed message; beyond, ILLEGAL_DELIVERY_TIME.',
      { min: SECOND, max: 10 * 365 * 24 * HOUR },
    ),
    recall: option(
      'switch',
      true,
      'Whether producers may call delayed messages back with RecallMessage; else FORBIDDEN.',
    ),
  },
  messages,
  tls,
  admin: {
    listen: choice(
      ['loopback', 'any'],
      'loopback',
      'Who may use the admin service: peers on this machine, or all.',
    ),
  },
};

const startSchema = {
  ...listen(8081, 8082),
  ...storage,
  topics: {
    autoCreate: topicsAutoCreate(true),
    create: option(
      'topics',
      [],
      'Topics that exist once it serves; one that has fewer queues gets those that are missing.',
      {
        flag: 'topic',
        argument: 'NAME[:TYPE[:QUEUES]]',
      },
    ),
  },
  groups,
  ...serving,
  broker: identity,
  consumers: consumerFlow,
  dedup,
  lite,
  transactions,
  flow: proxyFlow,
  ...operation,
} satisfies OptionTree;

const namesrvSchema = {
  ...listen(9876, 9886),
  tls: innerTls,
  ...operation,
} satisfies OptionTree;

const brokerSchema = {
  ...listen(10911, 10922),
  namesrv,
  ...storage,
  topics: { autoCreate: topicsAutoCreate(false) },
  groups,
  consumers: consumerFlow,
  dedup,
  lite,
  transactions,
  replication,
  etcd,
  tls: innerTls,
  link,
  broker: {
    ...identity,
    replicaId,
    address: option(
      'address',
      '',
      'Where proxies reach the broker. Empty: the address listened on, and for 0.0.0.0 the first address of this machine that is not loopback.',
    ),
  },
  ...operation,
} satisfies OptionTree;

const proxySchema = {
  ...listen(8081, 8082),
  namesrv,
  topics: { autoCreate: topicsAutoCreate(false) },
  ...serving,
  link,
  lite: liteServing,
  flow: proxyFlow,
  ...operation,
} satisfies OptionTree;

/** The options of each role. */
export const schemas = {
  start: startSchema,
  namesrv: namesrvSchema,
  broker: brokerSchema,
  proxy: proxySchema,
} as const;

export type Role = keyof typeof schemas;
export const ROLES: readonly Role[] = ['start', 'namesrv', 'broker', 'proxy'];
