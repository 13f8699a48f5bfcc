/** What Gantry uses of etcd, as one process of a model: keys, transactions, leases, watches and tokens. */
import { status as Status, type ServerDuplexStream, type ServerUnaryCall } from '@grpc/grpc-js';
import type { AuthenticateRequest__Output } from '../../src/rpc/generated/etcdserverpb/AuthenticateRequest';
import type { Compare__Output } from '../../src/rpc/generated/etcdserverpb/Compare';
import type { KeyValue } from '../../src/rpc/generated/etcdserverpb/KeyValue';
import type { RangeRequest__Output } from '../../src/rpc/generated/etcdserverpb/RangeRequest';
import type { RequestOp__Output } from '../../src/rpc/generated/etcdserverpb/RequestOp';
import type { ResponseOp } from '../../src/rpc/generated/etcdserverpb/ResponseOp';
import type { TxnRequest__Output } from '../../src/rpc/generated/etcdserverpb/TxnRequest';
import type { TxnResponse } from '../../src/rpc/generated/etcdserverpb/TxnResponse';
import type { WatchRequest__Output } from '../../src/rpc/generated/etcdserverpb/WatchRequest';
import type { WatchResponse } from '../../src/rpc/generated/etcdserverpb/WatchResponse';
import { loadService } from '../../src/rpc/protos';
import { testServer } from './transport';

interface Pair {
  readonly key: string;
  readonly value: Buffer;
  readonly create_revision: number;
  readonly mod_revision: number;
  readonly lease: number;
}

interface ModelLeaseEntry {
  readonly ttlSeconds: number;
  timer: NodeJS.Timeout;
}

interface Watcher {
  readonly from: string;
  readonly end: string;
  readonly tell: (response: WatchResponse) => void;
}

type Reply<T> = (error: { code: number; details: string } | null, value?: T) => void;
type Unary<In, Out> = (call: ServerUnaryCall<In, Out>, reply: Reply<Out>) => void;

export class ModelEtcd {
  /** The term that its answers name; `renewalTerm` that of renewals, where it differs. */
  term = 2;
  renewalTerm: number | undefined;
  /** So many transactions happen, and their answers are lost. */
  lostAnswers = 0;
  /** It hears all, and no answer of it arrives. */
  unheard = false;
  /** With a user, each call needs one of these. */
  private readonly tokens = new Set<string>();
  private revision = 1;
  private readonly pairs = new Map<string, Pair>();
  private readonly leases = new Map<number, ModelLeaseEntry>();
  /** Of the revision that is being made. */
  private readonly changes: NonNullable<WatchResponse['events']>[number][] = [];
  private readonly watchers = new Set<Watcher>();
  private readonly server = testServer();

  /** @param user name and password; without one, no call needs a token */
  constructor(private readonly user?: { readonly name: string; readonly password: string }) {
    const add = (name: string, handlers: object): void => {
      this.server.addService(loadService('etcd/rpc.proto', `etcdserverpb.${name}`), {
        ...handlers,
      });
    };
    add('KV', {
      Range: this.checked((request: RangeRequest__Output) => this.range(request)),
      Txn: this.checked((request: TxnRequest__Output) => this.txn(request)),
    });
    add('Lease', {
      LeaseGrant: this.checked(({ ID, TTL }: { ID: number; TTL: number }) => this.grant(ID, TTL)),
      LeaseRevoke: this.checked(({ ID }: { ID: number }) => this.revoke(ID)),
      LeaseKeepAlive: (call: ServerDuplexStream<{ ID: number }, object>) => this.keep(call),
    });
    add('Watch', {
      Watch: (call: ServerDuplexStream<WatchRequest__Output, WatchResponse>) => this.watch(call),
    });
    add('Auth', {
      Authenticate: ((call, reply) => this.authenticate(call.request, reply)) as Unary<
        AuthenticateRequest__Output,
        { token: string }
      >,
    });
  }

  /** @returns its endpoint */
  async start(): Promise<string> {
    return `127.0.0.1:${await this.server.listen('127.0.0.1', 0)}`;
  }

  async stop(): Promise<void> {
    for (const { timer } of this.leases.values()) clearTimeout(timer);
    await this.server.drain(0);
  }

  /** As an operator does, or the end of a lease. */
  remove(key: string): void {
    this.revision++;
    this.drop(key);
    this.flush();
  }

  value(key: string): string | undefined {
    return this.pairs.get(key)?.value.toString();
  }

  /** All tokens end. */
  forgetTokens(): void {
    this.tokens.clear();
  }

  private get header() {
    return { revision: this.revision, raft_term: this.term };
  }

  private checked<In, Out>(answer: (request: In) => Out): Unary<In, Out> {
    return (call, reply) => {
      if (!this.knows(call.metadata.get('token')[0])) {
        reply({ code: Status.UNAUTHENTICATED, details: 'etcdserver: invalid auth token' });
        return;
      }
      const value = answer(call.request);
      if (this.unheard) return;
      const { lostAnswers } = this;
      if (value !== undefined && 'succeeded' in (value as object) && lostAnswers > 0) {
        this.lostAnswers = lostAnswers - 1;
        reply({ code: Status.UNAVAILABLE, details: 'the answer is lost' });
      } else reply(null, value);
    };
  }

  private knows(token: unknown): boolean {
    return this.user === undefined || (typeof token === 'string' && this.tokens.has(token));
  }

  private authenticate(
    { name, password }: AuthenticateRequest__Output,
    reply: Reply<{ token: string }>,
  ): void {
    if (this.user === undefined) {
      const details = 'etcdserver: authentication is not enabled';
      reply({ code: Status.FAILED_PRECONDITION, details });
    } else if (name === this.user.name && password === this.user.password) {
      const token = `token${this.tokens.size}.${this.revision}`;
      this.tokens.add(token);
      reply(null, { token });
    } else {
      const details = 'etcdserver: authentication failed, invalid user ID or password';
      reply({ code: Status.INVALID_ARGUMENT, details });
    }
  }

  private range({ key, range_end }: RangeRequest__Output): { header: object; kvs: KeyValue[] } {
    const [from, end] = [key.toString(), range_end.toString()];
    const kvs = [...this.pairs.values()].filter((pair) => within(pair.key, from, end)).map(wire);
    return { header: this.header, kvs };
  }

  private txn({ compare, success, failure }: TxnRequest__Output): TxnResponse {
    const succeeded = compare.every((one) => this.holds(one));
    const ops = succeeded ? success : failure;
    if (ops.some(({ request }) => request !== 'request_range')) this.revision++;
    const responses = ops.map((op) => this.run(op));
    this.flush();
    return { header: this.header, succeeded, responses };
  }

  private holds({ key, target, create_revision, mod_revision }: Compare__Output): boolean {
    const pair = this.pairs.get(key.toString());
    const CREATE = 1;
    return target === CREATE
      ? (pair?.create_revision ?? 0) === create_revision
      : (pair?.mod_revision ?? 0) === mod_revision;
  }

  private run({ request_put, request_range, request_delete_range }: RequestOp__Output): ResponseOp {
    if (request_put) {
      const key = request_put.key.toString();
      const before = this.pairs.get(key);
      const pair: Pair = {
        key,
        value: request_put.value,
        create_revision: before?.create_revision ?? this.revision,
        mod_revision: this.revision,
        lease: request_put.lease,
      };
      this.pairs.set(key, pair);
      this.changes.push({ type: 'PUT', kv: wire(pair) });
    }
    if (request_delete_range) this.drop(request_delete_range.key.toString());
    return request_range ? { response_range: this.range(request_range) } : {};
  }

  private drop(key: string): void {
    if (!this.pairs.delete(key)) return;
    const kv = { key: Buffer.from(key), mod_revision: this.revision };
    this.changes.push({ type: 'DELETE', kv });
  }

  /** Tells the changes of a revision to each watcher in one piece. */
  private flush(): void {
    const changes = this.changes.splice(0);
    for (const { from, end, tell } of this.watchers) {
      const events = changes.filter(({ kv }) => within(String(kv?.key), from, end));
      if (events.length > 0) tell({ header: this.header, events });
    }
  }

  private grant(ID: number, TTL: number): object {
    const timer = setTimeout(() => this.revoke(ID), TTL * 1000);
    this.leases.set(ID, { ttlSeconds: TTL, timer });
    return { header: this.header, ID, TTL };
  }

  private revoke(ID: number): object {
    clearTimeout(this.leases.get(ID)?.timer);
    this.leases.delete(ID);
    this.revision++;
    for (const { key, lease } of [...this.pairs.values()]) if (lease === ID) this.drop(key);
    this.flush();
    return { header: this.header };
  }

  private keep(call: ServerDuplexStream<{ ID: number }, object>): void {
    call.on('data', ({ ID }: { ID: number }) => {
      const lease = this.leases.get(ID);
      const header = { ...this.header, raft_term: this.renewalTerm ?? this.term };
      lease?.timer.refresh();
      if (this.unheard) return;
      call.write({ header, ID, TTL: lease?.ttlSeconds ?? 0 });
    });
    call.on('end', () => call.end());
    call.on('error', () => undefined);
  }

  private watch(call: ServerDuplexStream<WatchRequest__Output, WatchResponse>): void {
    let watcher: Watcher | undefined;
    const end = (): void => {
      if (watcher !== undefined) this.watchers.delete(watcher);
    };
    call.on('data', ({ create_request }: WatchRequest__Output) => {
      const [from, to] = [create_request?.key, create_request?.range_end].map(String);
      if (from === undefined || to === undefined) return;
      watcher = { from, end: to, tell: (response) => call.write(response) };
      this.watchers.add(watcher);
      call.write({ header: this.header, created: true });
    });
    call.on('cancelled', end);
    call.on('error', end);
    call.on('end', () => {
      end();
      call.end();
    });
  }
}

function within(key: string, from: string, end: string): boolean {
  return end === '' ? key === from : key >= from && key < end;
}

function wire({ key, ...rest }: Pair): KeyValue {
  return { ...rest, key: Buffer.from(key) };
}
