import type { ServiceDefinition, UntypedServiceImplementation } from '@grpc/grpc-js';
import type { AdminApi } from '../api/admin-api';
import { Code, StatusError } from '../message/status';
import { peerAddress } from '../rpc/call-context';
import { adminMethods, type AdminMethod } from './admin-methods';
import { adminDefinition } from './services';

type Handled = Pick<AdminMethod<never, unknown>, 'handler'>;

export interface AdminServiceOptions {
  /** Who is answered: peers on this machine only, or any. */
  readonly listen: 'loopback' | 'any';
}

/** Serves AdminApi. Refused peers get PERMISSION_DENIED. */
export function adminService(
  api: AdminApi,
  { listen }: AdminServiceOptions,
): {
  readonly definition: ServiceDefinition;
  readonly implementation: UntypedServiceImplementation;
} {
  const check = peerCheck(listen);
  const implementation: UntypedServiceImplementation = {};
  const methods: Readonly<Record<string, Handled>> = { ...adminMethods() };
  for (const [name, method] of Object.entries(methods)) {
    implementation[name] = method.handler(api, check);
  }
  return { definition: { ...adminDefinition() }, implementation };
}

/** What throws the refusal of a peer that may not use the admin services. */
export function peerCheck(listen: AdminServiceOptions['listen']): (peer: string) => void {
  return listen === 'any' ? () => undefined : checkLoopback;
}

/** @throws StatusError FORBIDDEN when the peer is on another machine */
function checkLoopback(peer: string): void {
  const { ip } = peerAddress(peer);
  if (isLoopback(ip)) return;
  throw new StatusError(
    Code.FORBIDDEN,
    `the admin service answers only to this machine, not to ${ip}: set admin.listen to any to open it`,
  );
}

/** 127.0.0.0/8, ::1, and the former as IPv4-mapped IPv6. */
export function isLoopback(ip: string): boolean {
  return /^(::ffff:)?127\.\d{1,3}\.\d{1,3}\.\d{1,3}$/i.test(ip) || ip === '::1';
}
