/** Options of the ways between proxies, brokers and name servers. */
import { option } from './option';
import type { OptionTree } from './option';

export const link = {
  tls: {
    enabled: option(
      'switch',
      false,
      'Whether this part reaches name servers and brokers by TLS, a replica its master among them; they serve it by their tls.mode.',
    ),
    ca: option(
      'text',
      '',
      "A PEM file with the certificates that theirs are checked against, read again when it changes. Empty: the system's.",
      { argument: 'FILE' },
    ),
    certificate: option(
      'text',
      '',
      'A PEM file with the certificate that they are shown, and its chain, read again when it changes: where they have tls.clientCa.',
      { argument: 'FILE' },
    ),
    key: option('text', '', "A PEM file with that certificate's private key.", {
      argument: 'FILE',
    }),
  },
} satisfies OptionTree;
