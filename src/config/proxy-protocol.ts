/** What `rpc.proxyProtocol` and the options beside it say together. */

export const PROXY_PROTOCOL_MODES = ['off', 'optional', 'required'] as const;
/**
 * - `off`: no peer may send a header
 * - `optional`: balancers may
 * - `required`: balancers must
 */
export type ProxyProtocolMode = (typeof PROXY_PROTOCOL_MODES)[number];

export interface ProxyProtocolOptions {
  readonly transport: string;
  readonly proxyProtocol: ProxyProtocolMode;
  readonly proxyProtocolFrom: readonly string[];
}

/** Why these do not go together, a line each. */
export function proxyProtocolFaults(options: ProxyProtocolOptions): readonly string[] {
  const { transport, proxyProtocol: mode, proxyProtocolFrom: from } = options;
  if (mode === 'off') return [];
  const faults: string[] = [];
  if (transport === 'grpc-js') {
    faults.push(
      `rpc.proxyProtocol (${mode}) needs rpc.transport http2: grpc-js reads no such header`,
    );
  }
  if (from.length === 0) {
    faults.push(
      `rpc.proxyProtocol (${mode}) needs rpc.proxyProtocolFrom: the addresses or networks of the balancers`,
    );
  }
  return faults;
}
