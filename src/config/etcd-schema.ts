/** Options of the etcd that decides who leads a broker group. */
import { option } from './option';
import type { OptionTree } from './option';

export const etcd = {
  endpoints: option(
    'addresses',
    [],
    'The members of the etcd cluster that decides who leads, where replication.mode is etcd: 3.4 or newer.',
    { argument: 'HOST:PORT[,...]' },
  ),
  user: option('text', '', 'A user of etcd that may read and write below /gantry/. Empty: none.'),
  password: option(
    'text',
    '',
    "That user's password. A variable or a file keeps it from other users of the machine, a flag does not.",
    { secret: true },
  ),
  leaseSeconds: option(
    'integer',
    2,
    'How long a master that died keeps others from leading; the same on all brokers of a name. Shorter ones end sooner where the network or etcd is slow.',
    { min: 2, max: 60 },
  ),
  tls: {
    enabled: option('switch', false, 'Whether etcd is reached by TLS.'),
    ca: option(
      'text',
      '',
      "A PEM file with the certificates that etcd's are checked against. Empty: the system's.",
      { argument: 'FILE' },
    ),
    certificate: option(
      'text',
      '',
      'A PEM file with the certificate that etcd is shown, where it asks for one.',
      { argument: 'FILE' },
    ),
    key: option('text', '', "A PEM file with that certificate's private key.", {
      argument: 'FILE',
    }),
  },
} satisfies OptionTree;
