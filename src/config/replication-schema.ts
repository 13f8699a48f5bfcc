/** Options of a broker that belongs to a group of replicas. */
import { choice, option } from './option';
import type { OptionTree } from './option';

const MIB = 1024 * 1024;
const ADVANCED = { advanced: true };

export const replicaId = option(
  'integer',
  0,
  'The number of this replica, its own among the brokers of that name; it never changes.',
  { min: 0, max: 1000 },
);

export const replication = {
  mode: choice(
    ['off', 'static', 'etcd'],
    'off',
    'Whether the broker has replicas: none, or brokers of the same name; what each of them is the configuration says (static), or a lease in etcd (etcd).',
  ),
  role: choice(
    ['master', 'replica'],
    'master',
    'What this broker is where replication.mode is static. There must be one master of a name.',
  ),
  master: option(
    'address',
    '',
    'Where a replica finds its master: the address of that broker, where replication.mode is static.',
  ),
  ack: choice(
    ['async', 'sync'],
    'async',
    'Whether answers wait until all replicas in sync have what is answered for.',
  ),
  minInSync: option(
    'integer',
    1,
    'Messages are refused with INTERNAL_SERVER_ERROR, and not stored, while fewer replicas are in sync, the master counted.',
    { min: 1, max: 100 },
  ),
  ackTimeout: option(
    'duration',
    3000,
    'The longest wait of a send or an acknowledgement for replicas. Then it is answered SLAVE_PERSISTENCE_TIMEOUT, HA_NOT_AVAILABLE when none is there, or MASTER_PERSISTENCE_TIMEOUT when the disk of the master is late; it is stored. Clients of RocketMQ wait 3 seconds for an answer themselves.',
    { min: 100, max: 60_000, ...ADVANCED },
  ),
  lag: option(
    'duration',
    5000,
    'A replica that has not had all of the log for so long is not in sync.',
    { min: 1000, max: 60_000, ...ADVANCED },
  ),
  windowBytes: option(
    'size',
    8 * MIB,
    'Log bytes on their way to one replica, at most: less is felt less by clients while a replica catches up.',
    { min: 64 * 1024, max: 1024 * MIB, ...ADVANCED },
  ),
  standIn: option(
    'duration',
    5000,
    'A replica whose master is away for so long serves receives and acknowledgements in its place, where replication.mode is static; 0: never.',
    { min: 0, max: 3_600_000 },
  ),
} satisfies OptionTree;
