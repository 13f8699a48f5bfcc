/** Where clients reach us: the endpoints that routes answer. */
import { Code, StatusError } from '../message/status';
import type { Endpoints, Endpoints__Output } from '../rpc/generated/apache/rocketmq/v2/Endpoints';
import { AddressScheme } from '../rpc/generated/apache/rocketmq/v2/AddressScheme';

const IPV4 = /^\d{1,3}(\.\d{1,3}){3}$/;
const MAX_PORT = 65535;
/** The port that clients use when none is given. */
const DEFAULT_PORT = 80;
/** Addresses in one request's endpoints, at most; beyond: ILLEGAL_ACCESS_POINT. */
const MAX_ADDRESSES = 256;

/** Scheme of a host by its form. */
function schemeOf(host: string): 1 | 2 | 3 {
  if (IPV4.test(host)) return AddressScheme.IPv4;
  return host.includes(':') ? AddressScheme.IPv6 : AddressScheme.DOMAIN_NAME;
}

/**
 * Checks the endpoints of a request and answers them as they came; `undefined` when it has none.
 * @throws StatusError ILLEGAL_ACCESS_POINT
 */
export function requestEndpoints(endpoints: Endpoints__Output | null): Endpoints | undefined {
  if (endpoints === null) return undefined;
  const { scheme, addresses } = endpoints;
  if (addresses.length === 0) {
    if (scheme === AddressScheme.ADDRESS_SCHEME_UNSPECIFIED) return undefined;
    refuse(`has scheme ${scheme} but no addresses`);
  }
  if (addresses.length > MAX_ADDRESSES) {
    refuse(`has ${addresses.length} addresses, the limit is ${MAX_ADDRESSES}`);
  }
  for (const { host, port } of addresses) {
    if (host.trim() === '') refuse('has an address without a host');
    if (port < 0 || port > MAX_PORT) {
      refuse(`has port ${port} for host ${host}, it must be 0 .. ${MAX_PORT}`);
    }
  }
  // No scheme at all would stop some clients, so it is told from the form of the first address.
  const known =
    scheme === AddressScheme.ADDRESS_SCHEME_UNSPECIFIED
      ? schemeOf(addresses[0]?.host ?? '')
      : scheme;
  if (known === AddressScheme.DOMAIN_NAME && addresses.length > 1) {
    refuse(`has ${addresses.length} addresses, a domain name must have exactly 1`);
  }
  return { scheme: known, addresses };
}

/**
 * Endpoints of `host:port` texts, all of one form.
 * @throws RangeError when there is none, or one is malformed
 */
export function endpointsOf(texts: readonly string[]): Endpoints {
  const addresses = texts.map(addressOf);
  const schemes = new Set(addresses.map(({ host }) => schemeOf(host)));
  const [scheme] = schemes;
  if (scheme === undefined) throw new RangeError('endpoints need at least one host:port');
  if (schemes.size > 1 || (scheme === AddressScheme.DOMAIN_NAME && addresses.length > 1)) {
    throw new RangeError(
      `endpoints must be one domain name, or only IPv4, or only IPv6 addresses: ${texts.join(', ')}`,
    );
  }
  return { scheme, addresses };
}

/** The endpoints of one address, such as a call's `:authority`; `undefined` when it is none. */
export function endpointsOfAddress(address: string): Endpoints | undefined {
  if (address === '') return undefined;
  try {
    return endpointsOf([address]);
  } catch {
    return undefined;
  }
}

function addressOf(text: string): { host: string; port: number } {
  const match = /^(?:\[([^\]]+)\]|([^:[\]]+))(?::(\d{1,5}))?$/.exec(text.trim());
  const host = match?.[1] ?? match?.[2];
  const port = match?.[3] === undefined ? DEFAULT_PORT : Number(match[3]);
  if (host === undefined || port > MAX_PORT) {
    throw new RangeError(`not a host:port with a port of 0 .. ${MAX_PORT}: ${text}`);
  }
  return { host, port };
}

function refuse(fault: string): never {
  throw new StatusError(Code.ILLEGAL_ACCESS_POINT, `endpoints of the request ${fault}`);
}
