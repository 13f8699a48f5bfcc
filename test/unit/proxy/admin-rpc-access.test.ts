import type { ServerUnaryCall } from '@grpc/grpc-js';
import { peerCheck } from '../../../src/link/admin-service';
import { Code } from '../../../src/message/status';
import { ModelCluster } from '../../support/model-cluster';

type Answer = { readonly status?: { readonly code?: number | string } | null } | null | undefined;
type Handler = (
  call: ServerUnaryCall<object, object>,
  answer: (error: { readonly code?: number } | null, value?: Answer) => void,
) => void;

/** What each method answers a peer: the code of the status, or gRPC's error. */
async function answersTo(
  peer: string,
  listen: 'loopback' | 'any',
): Promise<ReadonlyMap<string, unknown>> {
  const handlers = new ModelCluster().proxy.adminRpc(peerCheck(listen));
  const call = { getPeer: () => peer, request: { level: 1, topics: [], ext_info: {} } };
  const codes = new Map<string, unknown>();
  for (const [name, handler] of Object.entries(handlers)) {
    const code = await new Promise((resolve) => {
      (handler as Handler)(call as unknown as ServerUnaryCall<object, object>, (error, value) =>
        resolve(error === null ? value?.status?.code : { grpc: error.code }),
      );
    });
    codes.set(name, code);
  }
  return codes;
}

describe('the service Admin', () => {
  it('refuses peers on other machines, with each of its 16 methods', async () => {
    const { ChangeLogLevel, ...rest } = Object.fromEntries(
      await answersTo('10.0.0.1:5', 'loopback'),
    );
    expect(ChangeLogLevel).toEqual({ grpc: 7 });
    expect(Object.values(rest)).toEqual(Array(15).fill(Code.FORBIDDEN));
  });

  it('answers those on this machine, and all where admin.listen says any', async () => {
    for (const codes of [
      await answersTo('127.0.0.1:5', 'loopback'),
      await answersTo('[::1]:5', 'loopback'),
      await answersTo('10.0.0.1:5', 'any'),
    ]) {
      expect(codes.size).toBe(16);
      expect([...codes.values()]).not.toContain(Code.FORBIDDEN);
      expect(codes.get('GetProxyRuntimeStats')).toBe(Code.OK);
    }
  });
});
