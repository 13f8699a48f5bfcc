/** Addresses as options hold them: `host:port`, an IPv6 address in brackets. */
import { networkInterfaces } from 'node:os';

export interface Address {
  readonly host: string;
  readonly port: number;
}

const ADDRESS = /^(?:\[([0-9a-f:.]+(?:%[\w.-]+)?)\]|([\w.-]+)):(\d{1,5})$/i;

/** The parts of `host:port` or `[v6]:port`; `undefined` for what is neither, or a port not in 1 .. 65535. */
export function parseAddress(text: string): Address | undefined {
  const [, v6, name, digits] = ADDRESS.exec(text.trim()) ?? [];
  const host = v6 ?? name;
  const port = Number(digits);
  if (host === undefined || port < 1 || port > 65535) return undefined;
  return { host, port };
}

/** `host:port`, with brackets around an IPv6 address. */
export function writeAddress({ host, port }: Address): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

/**
 * A host under which other machines reach a listener on `host`: `host` itself, and for 0.0.0.0 or ::
 * the first address of this machine that is not loopback, 127.0.0.1 where there is none.
 */
export function reachableHost(host: string): string {
  if (host !== '0.0.0.0' && host !== '::') return host;
  const outward = Object.values(networkInterfaces())
    .flatMap((addresses) => addresses ?? [])
    .find(({ family, internal }) => family === 'IPv4' && !internal);
  return outward?.address ?? '127.0.0.1';
}
