/** The frame around every handler of the service Admin: who may call, the bound on calls, errors as statuses. */
import type { handleUnaryCall, ServerUnaryCall } from '@grpc/grpc-js';
import type { AdminApi } from '../../api/admin-api';
import { checkGroupName, checkTopicName } from '../../message/names';
import { Code, StatusError } from '../../message/status';
import type { Resource__Output } from '../../rpc/generated/apache/rocketmq/v2/Resource';
import type { Status } from '../../rpc/generated/apache/rocketmq/v2/Status';
import { type CallGate, failure } from '../calls';
import type { ClusterInspect } from '../cluster-inspect';
import type { ProxyParts } from '../parts';
import type { SendFamily } from '../send';

/** What the handlers of the service share. */
export interface AdminCallParts {
  readonly parts: ProxyParts;
  readonly admin: AdminApi;
  readonly inspect: ClusterInspect;
  readonly sending: SendFamily;
  readonly gate: CallGate;
  /** Throws what a peer is refused with. */
  readonly check: (peer: string) => void;
}

type Call = ServerUnaryCall<unknown, unknown>;

/** A handler that puts what `work` throws into the answer's `status`. Callers need no client id. */
export function adminCall<Q, A extends { status?: Status | null }>(
  { parts, gate, check }: AdminCallParts,
  work: (request: Q, call: Call) => Promise<A>,
): handleUnaryCall<Q, A> {
  return (call, callback) => {
    const fail = (error: unknown): void => {
      const answer: { status?: Status | null } = { status: failure(error, parts.log, gate.family) };
      callback(null, answer as A);
    };
    try {
      check(call.getPeer());
      gate.enter();
    } catch (error) {
      fail(error);
      return;
    }
    // Also what is thrown before the first wait is answered as a status.
    const answered = async (): Promise<A> => work(call.request, call);
    answered()
      .finally(() => gate.leave())
      .then((answer) => callback(null, answer), fail);
  };
}

/** @throws StatusError ILLEGAL_TOPIC */
export function topicNameOf(topic: Resource__Output | null | undefined): string {
  const name = topic?.name ?? '';
  checkTopicName(name);
  return name;
}

/** @throws StatusError ILLEGAL_CONSUMER_GROUP */
export function groupNameOf(group: Resource__Output | null | undefined): string {
  const name = group?.name ?? '';
  checkGroupName(name);
  return name;
}

export function resource(name: string): { resource_namespace: string; name: string } {
  return { resource_namespace: '', name };
}

/** @throws StatusError NOT_IMPLEMENTED when one is named */
export function refuseLiteTopic(name: string | undefined): void {
  if (name === undefined || name === '') return;
  throw new StatusError(
    Code.NOT_IMPLEMENTED,
    `single lite topics are not told apart here: lite topic is ${name}`,
  );
}
