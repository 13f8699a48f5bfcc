/** Which proxies there are: each says so to all name servers, for operators. Nothing depends on it. */

export interface ProxyInfo {
  /** `host:port` where clients reach it. */
  readonly address: string;
  readonly version: string;
}

export interface ProxiesApi {
  /** Makes a proxy known to all name servers, from now until `withdraw`; once. */
  announce(info: ProxyInfo): void;
  /** The proxy is not to be used any more. Closes the connections. */
  withdraw(): void;
  /**
   * The proxies that the name servers know, each once, sorted by address.
   * @throws StatusError PROXY_TIMEOUT when no name server answers
   */
  list(): Promise<readonly ProxyInfo[]>;
}
