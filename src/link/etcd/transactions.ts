/** Parts of etcd's requests: keys are text here, and bytes there. */
import type { Compare } from '../../rpc/generated/etcdserverpb/Compare';
import type { KeyValue__Output } from '../../rpc/generated/etcdserverpb/KeyValue';
import type { RequestOp } from '../../rpc/generated/etcdserverpb/RequestOp';
import type { TxnResponse__Output } from '../../rpc/generated/etcdserverpb/TxnResponse';

/** The key came into being at this revision; 0: it is not there. */
export function createdAt(key: string, revision: number): Compare {
  return { key: Buffer.from(key), target: 'CREATE', result: 'EQUAL', create_revision: revision };
}

/** The key was last changed at this revision; 0: it is not there. */
export function modifiedAt(key: string, revision: number): Compare {
  return { key: Buffer.from(key), target: 'MOD', result: 'EQUAL', mod_revision: revision };
}

export function put(key: string, value: Buffer, lease = 0): RequestOp {
  return { request_put: { key: Buffer.from(key), value, lease } };
}

export function remove(key: string): RequestOp {
  return { request_delete_range: { key: Buffer.from(key) } };
}

export function read(key: string): RequestOp {
  return { request_range: { key: Buffer.from(key) } };
}

/** A key that a transaction has read. */
export function foundIn(done: TxnResponse__Output, key: string): KeyValue__Output | undefined {
  return done.responses
    .flatMap(({ response_range }) => response_range?.kvs ?? [])
    .find((kv) => kv.key.toString() === key);
}
