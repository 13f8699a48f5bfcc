/** What the options of TLS say together: `tls.*`, `link.tls.*` and `etcd.tls.*`. */

/** A value as it is written, and where it came from. */
interface Given {
  readonly text: string;
  readonly source: string;
}

/** Clients that a port serves, and the certificates that it wants of them. */
export interface ClientCaOptions {
  readonly transport: string;
  readonly mode: string;
  /** The port's own; '' for none. */
  readonly certificate: string;
  /** '' for none. */
  readonly clientCa: string;
}

/** Why these do not go together, a line each; none for a role that has no such options. */
export function tlsFaults(by: ReadonlyMap<string, Given>): readonly string[] {
  const text = (key: string): string => by.get(key)?.text ?? '';
  return [
    ...clientCaFaults({
      transport: text('rpc.transport'),
      mode: text('tls.mode'),
      certificate: text('tls.certificate'),
      clientCa: text('tls.clientCa'),
    }),
    ...['tls', 'link.tls', 'etcd.tls'].flatMap((group) => pairFaults(by, group)),
    ...['link.tls', 'etcd.tls'].flatMap((group) => unusedFaults(by, group)),
  ];
}

/** Why a port cannot ask its clients for certificates, a line each. */
export function clientCaFaults(options: ClientCaOptions): readonly string[] {
  const { transport, mode, certificate, clientCa } = options;
  if (clientCa === '') return [];
  const faults: string[] = [];
  if (certificate === '') faults.push('tls.clientCa needs tls.certificate and tls.key');
  if (mode !== 'enforcing') {
    faults.push(`tls.clientCa needs tls.mode enforcing: with ${mode} clients come in plaintext`);
  }
  if (transport === 'grpc-js') {
    faults.push('tls.clientCa needs rpc.transport http2: grpc-js does not tell whom it refuses');
  }
  return faults;
}

/** A certificate without its key, or a key alone. */
function pairFaults(by: ReadonlyMap<string, Given>, group: string): readonly string[] {
  const [certificate, key] = [`${group}.certificate`, `${group}.key`];
  const given = [certificate, key].filter((option) => by.get(option)?.text);
  const [only] = given;
  if (given.length !== 1 || only === undefined) return [];
  const missing = only === key ? certificate : key;
  return [`${only} (${by.get(only)?.source}) is given without ${missing}`];
}

/** Files for a TLS that is not used. */
function unusedFaults(by: ReadonlyMap<string, Given>, group: string): readonly string[] {
  if (by.get(`${group}.enabled`)?.text !== 'false') return [];
  const files = ['ca', 'certificate', 'key'].map((name) => `${group}.${name}`);
  return files
    .filter((option) => by.get(option)?.text)
    .map(
      (option) => `${option} (${by.get(option)?.source}) is given, and ${group}.enabled is false`,
    );
}
