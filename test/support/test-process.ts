import type { ProxyInfo } from '../../src/api/proxies-api';
import type { LogLevel, ProxyProcess } from '../../src/proxy/process';

/** A process of which a proxy knows what a test says. */
export class TestProcess implements ProxyProcess {
  readonly version = '1.2.3';
  logLevel = 'info';
  connected: number | undefined = 3;

  known: readonly ProxyInfo[] = [];

  async proxies(): Promise<readonly ProxyInfo[]> {
    return this.known;
  }

  name(): string {
    return 'proxy-a';
  }

  connections(): number | undefined {
    return this.connected;
  }

  setLogLevel(level: LogLevel): string {
    const before = this.logLevel;
    this.logLevel = level;
    return before;
  }
}
