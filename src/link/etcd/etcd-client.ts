/** Calls to an etcd cluster: to one of its members as long as that answers, then to the next. */
import { Metadata, type ServiceError } from '@grpc/grpc-js';
import { LeaseUnavailableError } from '../../api/lease-api';
import type { Platform } from '../../platform/platform';
import type { AuthenticateResponse__Output } from '../../rpc/generated/etcdserverpb/AuthenticateResponse';
import type { LeaseGrantResponse__Output } from '../../rpc/generated/etcdserverpb/LeaseGrantResponse';
import type { LeaseKeepAliveResponse__Output } from '../../rpc/generated/etcdserverpb/LeaseKeepAliveResponse';
import type { LeaseRevokeResponse__Output } from '../../rpc/generated/etcdserverpb/LeaseRevokeResponse';
import type { RangeRequest } from '../../rpc/generated/etcdserverpb/RangeRequest';
import type { RangeResponse__Output } from '../../rpc/generated/etcdserverpb/RangeResponse';
import type { TxnRequest } from '../../rpc/generated/etcdserverpb/TxnRequest';
import type { TxnResponse__Output } from '../../rpc/generated/etcdserverpb/TxnResponse';
import type { WatchCreateRequest } from '../../rpc/generated/etcdserverpb/WatchCreateRequest';
import type { WatchResponse__Output } from '../../rpc/generated/etcdserverpb/WatchResponse';
import type { TlsParts } from '../../rpc/tls/tls-parts';
import { isAuthDisabled, isAway, wantsToken } from './etcd-error';
import { EtcdMember, type EtcdRpc } from './etcd-member';

export interface EtcdOptions {
  /** Of the members, at least one: `host:port`. */
  readonly endpoints: readonly string[];
  /** '' with an empty password: calls carry no token. */
  readonly user: string;
  readonly password: string;
  /** Absent: plaintext. */
  readonly tls?: TlsParts;
}

export interface WatchEvents {
  /** A part of the stream; `canceled` among them. */
  response(response: WatchResponse__Output): void;
  /** The last call. */
  ended(reason: string): void;
}

/** How long one of several members may take, ms. */
const ATTEMPT_MS = 750;
/** Longest wait for a token, ms: etcd hashes passwords, which is meant to be slow. */
const AUTHENTICATE_MS = 3_000;
/** Rounds over all members in one call. */
const ROUNDS = 2;

type Done<T> = (error: ServiceError | null, value?: T) => void;
/** Starts a call; answers how to end it. */
type Start<T> = (rpc: EtcdRpc, metadata: Metadata, done: Done<T>) => { cancel(): void };

export class EtcdClient {
  private readonly members: readonly EtcdMember[];
  private current = 0;
  private token: Promise<string> | undefined;

  constructor(
    private readonly options: EtcdOptions,
    private readonly platform: Pick<Platform, 'clock' | 'timers'>,
  ) {
    this.members = options.endpoints.map(
      (endpoint) => new EtcdMember(endpoint, options.tls, platform.clock),
    );
  }

  /** Reads as of now: etcd has a majority of its members confirm it. */
  range(request: RangeRequest, withinMs: number): Promise<RangeResponse__Output> {
    return this.call((rpc, metadata, done) => rpc.Range(request, metadata, done), withinMs);
  }

  /** May happen twice, when an answer is lost: its comparisons are to make the second one harmless. */
  txn(request: TxnRequest, withinMs: number): Promise<TxnResponse__Output> {
    return this.call((rpc, metadata, done) => rpc.Txn(request, metadata, done), withinMs);
  }

  grant(id: number, ttlSeconds: number, withinMs: number): Promise<LeaseGrantResponse__Output> {
    const request = { ID: id, TTL: ttlSeconds };
    return this.call((rpc, metadata, done) => rpc.LeaseGrant(request, metadata, done), withinMs);
  }

  revoke(id: number, withinMs: number): Promise<LeaseRevokeResponse__Output> {
    return this.call(
      (rpc, metadata, done) => rpc.LeaseRevoke({ ID: id }, metadata, done),
      withinMs,
    );
  }

  /** One renewal, asked of one member. Its TTL is 0 when there is no such lease. */
  keepAlive(id: number, withinMs: number): Promise<LeaseKeepAliveResponse__Output> {
    const start: Start<LeaseKeepAliveResponse__Output> = (rpc, metadata, done) => {
      const stream = rpc.LeaseKeepAlive(metadata);
      stream.on('data', (response: LeaseKeepAliveResponse__Output) => {
        stream.end();
        done(null, response);
      });
      stream.on('error', (error: ServiceError) => done(error));
      stream.write({ ID: id });
      return stream;
    };
    return this.call(start, withinMs, 1);
  }

  /** Watches through one member, which ends it when it has lost the others. @returns how to stop */
  watch(request: WatchCreateRequest, events: WatchEvents): () => void {
    let over = false;
    let cancel = (): void => undefined;
    const end = (reason: string): void => {
      if (over) return;
      over = true;
      events.ended(reason);
    };
    void this.metadata().then(
      (metadata) => {
        if (over) return;
        metadata.set('hasleader', 'true');
        const stream = this.rpc.Watch(metadata);
        cancel = () => stream.cancel();
        stream.on('data', (response: WatchResponse__Output) => {
          if (!over) events.response(response);
        });
        stream.on('error', (error: ServiceError) => {
          if (wantsToken(error)) this.token = undefined;
          end(error.details);
        });
        stream.on('end', () => end('the member ended it'));
        stream.write({ create_request: request });
      },
      (error: unknown) => end(String(error)),
    );
    return () => {
      over = true;
      cancel();
    };
  }

  /** The member asked so far is asked no more, unless all others are worse. */
  moveOn(): void {
    this.current = (this.current + 1) % this.members.length;
  }

  close(): void {
    for (const member of this.members) member.close();
  }

  private get rpc(): EtcdRpc {
    const member = this.members[this.current];
    if (member === undefined) throw new RangeError('etcd has no endpoints');
    return member.rpc;
  }

  /**
   * @param triesMax default: each member is asked twice
   * @throws LeaseUnavailableError no member answered in time, or etcd refuses this client
   */
  private async call<T>(
    start: Start<T>,
    withinMs: number,
    triesMax = ROUNDS * this.members.length,
  ): Promise<T> {
    const endMs = this.platform.clock.monotonicMs() + withinMs;
    let failure: unknown;
    for (let tries = 0; tries < triesMax; tries++) {
      const leftMs = endMs - this.platform.clock.monotonicMs();
      if (leftMs <= 0) break;
      const asked = this.current;
      try {
        const metadata = await this.metadata();
        return await this.attempt(start, metadata, Math.min(leftMs, this.attemptMs(withinMs)));
      } catch (error) {
        failure = error;
        if (wantsToken(error)) this.token = undefined;
        else if (!isAway(error)) break;
        // Another call may have moved on meanwhile.
        else if (this.current === asked) this.moveOn();
      }
    }
    const reason = failure instanceof Error ? failure.message : 'no time left';
    throw new LeaseUnavailableError(`etcd: ${reason}`, { cause: failure });
  }

  private attemptMs(withinMs: number): number {
    return this.members.length === 1 ? withinMs : ATTEMPT_MS;
  }

  private attempt<T>(start: Start<T>, metadata: Metadata, withinMs: number): Promise<T> {
    return new Promise((resolve, reject) => {
      const call = start(this.rpc, metadata, (error, value) => {
        timer.cancel();
        if (value === undefined) reject(error ?? new Error('no answer'));
        else resolve(value);
      });
      const timer = this.platform.timers.after(withinMs, () => {
        reject(new Error(`no answer within ${Math.round(withinMs)} ms`));
        call.cancel();
      });
    });
  }

  private async metadata(): Promise<Metadata> {
    const metadata = new Metadata();
    if (this.options.user === '') return metadata;
    this.token ??= this.authenticate();
    const token = await this.token;
    if (token !== '') metadata.set('token', token);
    return metadata;
  }

  /** A token of this user; '' where etcd asks for none. */
  private async authenticate(): Promise<string> {
    const { user: name, password } = this.options;
    try {
      const { token } = await this.attempt<AuthenticateResponse__Output>(
        (rpc, metadata, done) => rpc.Authenticate({ name, password }, metadata, done),
        new Metadata(),
        AUTHENTICATE_MS,
      );
      return token;
    } catch (error) {
      if (isAuthDisabled(error)) return '';
      this.token = undefined;
      throw error;
    }
  }
}
