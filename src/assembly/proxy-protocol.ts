/** Which peers of a gRPC port are balancers: the settings `rpc.proxyProtocol` and `rpc.proxyProtocolFrom`. */
import type { Logger } from 'pino';
import { ConfigError } from '../config/config-error';
import { proxyProtocolFaults, type ProxyProtocolOptions } from '../config/proxy-protocol';
import { networksOf } from '../platform/networks';
import type { Clock } from '../platform/platform';
import type { ProxyProtocol } from '../rpc/http2/server';
import { refusalLog } from './refusal-log';

/** @throws ConfigError when the settings do not go together; RangeError naming what is no network */
export function proxyProtocolOf(
  options: ProxyProtocolOptions,
  clock: Clock,
  log: Logger,
): ProxyProtocol {
  const faults = proxyProtocolFaults(options);
  if (faults.length > 0) throw new ConfigError(faults);
  const { proxyProtocol: mode, proxyProtocolFrom } = options;
  const use = mode === 'off' ? 'none' : mode;
  const isBalancer = networksOf(proxyProtocolFrom);
  return {
    expected: (host) => (use !== 'none' && isBalancer(host) ? use : 'none'),
    refused: refusalLog(clock, (refused) =>
      log.warn(refused, 'connection refused by its PROXY protocol header'),
    ),
  };
}
