/** Which peers of a gRPC port are balancers: the settings `rpc.proxyProtocol` and `rpc.proxyProtocolFrom`. */
import type { Logger } from 'pino';
import { ConfigError } from '../config/config-error';
import { proxyProtocolFaults, type ProxyProtocolOptions } from '../config/proxy-protocol';
import { networksOf } from '../platform/networks';
import type { Clock } from '../platform/platform';
import type { ProxyProtocol } from '../rpc/http2/server';

/** Refused connections are told of once in this time, ms: a balancer that is set up wrong makes many. */
const TELL_MS = 10_000;

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
  let untoldRefusals = 0;
  let toldMs = -Infinity;
  return {
    expected: (host) => (use !== 'none' && isBalancer(host) ? use : 'none'),
    refused: (peer, reason) => {
      const nowMs = clock.monotonicMs();
      if (nowMs - toldMs < TELL_MS) {
        untoldRefusals++;
        return;
      }
      log.warn(
        { peer, reason, untold: untoldRefusals },
        'connection refused by its PROXY protocol header',
      );
      toldMs = nowMs;
      untoldRefusals = 0;
    },
  };
}
