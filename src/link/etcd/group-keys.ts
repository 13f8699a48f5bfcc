/**
 * What lies in etcd for a broker group, under `/gantry/<cluster>/<broker name>/`, all of it JSON:
 *
 *     leader       {"member":"0/5f0c..","address":"host:port"}   with the leader's lease
 *     in-sync      ["0/5f0c..","1/a93e.."]
 *     released     {"epoch":12,"to":"1/a93e..","ends":true}      between a release and the next leader
 *     epoch-base   1795282276808                                 where epochs began elsewhere, or in another etcd
 *
 * The epoch of a leadership is the create revision of `leader`, and `epoch-base` with it.
 */
import type { Candidate, GroupState, Member, Release } from '../../api/lease-api';
import type { KeyValue__Output } from '../../rpc/generated/etcdserverpb/KeyValue';

export interface GroupKeys {
  readonly prefix: string;
  /** The first key that is greater than all with the prefix. */
  readonly end: string;
  readonly leader: string;
  readonly inSync: string;
  readonly released: string;
  readonly epochBase: string;
}

export function groupKeys(cluster: string, brokerName: string): GroupKeys {
  const path = `/gantry/${encodeURIComponent(cluster)}/${encodeURIComponent(brokerName)}`;
  const prefix = `${path}/`;
  return {
    prefix,
    // '0' comes after '/'.
    end: `${path}0`,
    leader: `${prefix}leader`,
    inSync: `${prefix}in-sync`,
    released: `${prefix}released`,
    epochBase: `${prefix}epoch-base`,
  };
}

export const values = {
  leader: ({ member, address }: Candidate): Buffer => json({ member, address }),
  inSync: (members: readonly Member[]): Buffer => json(members),
  released: ({ epoch, to, ends }: Release): Buffer => json({ epoch, to, ends }),
  epochBase: (base: number): Buffer => json(base),
};

/** @throws Error naming the key whose value is none of ours */
export function groupState(
  keys: GroupKeys,
  revision: number,
  kvs: Iterable<KeyValue__Output>,
): GroupState {
  const all = [...kvs];
  const base = readEpochBase(all.find((kv) => kv.key.toString() === keys.epochBase));
  let state: GroupState = {
    revision,
    leader: undefined,
    inSync: undefined,
    released: undefined,
  };
  for (const kv of all) {
    const key = kv.key.toString();
    if (key === keys.leader) {
      state = { ...state, leader: { ...readLeader(kv), epoch: kv.create_revision + base } };
    } else if (key === keys.inSync) state = { ...state, inSync: readInSync(kv) };
    else if (key === keys.released) state = { ...state, released: readReleased(kv) };
  }
  return state;
}

function readLeader(kv: KeyValue__Output): Candidate {
  const value = parse(kv);
  if (isObject(value)) {
    const { member, address } = value;
    if (typeof member === 'string' && typeof address === 'string') return { member, address };
  }
  throw unreadable(kv);
}

export function readInSync(kv: KeyValue__Output): readonly Member[] {
  const value = parse(kv);
  if (Array.isArray(value) && value.every((member) => typeof member === 'string')) return value;
  throw unreadable(kv);
}

export function readReleased(kv: KeyValue__Output): Release {
  const value = parse(kv);
  if (isObject(value)) {
    const { epoch, to, ends } = value;
    const named = typeof to === 'string' ? to : undefined;
    if (typeof epoch === 'number') return { epoch, to: named, ends: ends === true };
  }
  throw unreadable(kv);
}

/** 0 where there is none. */
export function readEpochBase(kv: KeyValue__Output | undefined): number {
  if (kv === undefined) return 0;
  const value = parse(kv);
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return value;
  throw unreadable(kv);
}

function json(value: unknown): Buffer {
  return Buffer.from(JSON.stringify(value));
}

function parse(kv: KeyValue__Output): unknown {
  try {
    return JSON.parse(kv.value.toString()) as unknown;
  } catch {
    throw unreadable(kv);
  }
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}

function unreadable({ key, value }: KeyValue__Output): Error {
  return new Error(`etcd key ${key.toString()} holds ${value.toString().slice(0, 100)}`);
}
