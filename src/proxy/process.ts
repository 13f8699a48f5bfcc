/** What a proxy knows of the process that it runs in. */

import type { ProxyInfo } from '../api/proxies-api';

export const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

export interface ProxyProcess {
  /** What operators know it by: `host:port`; '' before it listens. */
  name(): string;
  readonly version: string;
  /** All proxies that are known, this one among them. @throws StatusError PROXY_TIMEOUT */
  proxies(): Promise<readonly ProxyInfo[]>;
  /** Open connections of clients; `undefined` where the server does not tell. */
  connections(): number | undefined;
  /** From now on, for all that the process logs. @returns the level before */
  setLogLevel(level: LogLevel): string;
}
