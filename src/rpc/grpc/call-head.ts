/** What a request's head says to gRPC, found out once for all requests that begin with the same bytes. */
import { status as Status } from '@grpc/grpc-js';
import { lastOfJoint } from '../call-context';
import type { RequestHead } from '../http2/request-head';
import { metadataValues, RequestMetadata, type MetadataValues } from './metadata';
import type { Method, MethodTable } from './method';
import type { GrpcStatus } from './status';
import { parseTimeout } from './timeout';

const TIMEOUT = 'grpc-timeout';
const ENCODING = 'grpc-encoding';
const ACCEPT_ENCODING = 'grpc-accept-encoding';
const CONTENT_TYPE = 'content-type';

export class CallHead {
  private values: MetadataValues | undefined;

  private constructor(
    private readonly head: RequestHead,
    /** What to call, or the status that answers instead. */
    readonly target: Method | GrpcStatus,
    /** Milliseconds that the client waits; Infinity when it did not say. */
    readonly timeoutMs: number,
    /** What compressed messages are compressed with. */
    readonly encoding: string,
    readonly acceptsGzip: boolean,
  ) {}

  /** What the head says; `undefined` when it is no gRPC. */
  static of(head: RequestHead, methods: MethodTable): CallHead | undefined {
    return CallHead.like(head) ?? (isGrpc(head) ? CallHead.read(head, methods) : undefined);
  }

  /** From an earlier call that differs only in its time limit and in metadata. */
  private static like(head: RequestHead): CallHead | undefined {
    const before = head.base?.derived;
    if (!(before instanceof CallHead)) return undefined;
    let timeoutMs: number | undefined = before.timeoutMs;
    for (const { name, value } of head.changed) {
      if (name === TIMEOUT) timeoutMs = parseTimeout(value);
      else if (name === ENCODING || name === ACCEPT_ENCODING || name === CONTENT_TYPE) {
        return undefined;
      }
    }
    if (timeoutMs === undefined) return undefined;
    return new CallHead(head, before.target, timeoutMs, before.encoding, before.acceptsGzip);
  }

  private static read(head: RequestHead, methods: MethodTable): CallHead {
    let timeout: string | undefined;
    let encoding = 'identity';
    let accepted = '';
    for (const { name, value } of head.fields) {
      if (name === TIMEOUT) timeout = value;
      else if (name === ENCODING) encoding = value;
      else if (name === ACCEPT_ENCODING) accepted = value;
    }
    const timeoutMs = timeout === undefined ? Infinity : parseTimeout(timeout);
    const target = timeoutMs === undefined ? badTimeout(timeout) : findMethod(head.path, methods);
    const acceptsGzip = accepted.split(',').some((name) => name.trim() === 'gzip');
    return new CallHead(head, target, timeoutMs ?? Infinity, encoding, acceptsGzip);
  }

  get path(): string {
    return this.head.path;
  }

  get authority(): string {
    return this.head.authority;
  }

  /** A call's own view of the metadata. */
  metadata(): RequestMetadata {
    this.values ??= metadataValues(this.head.fields);
    return new RequestMetadata(this.values);
  }

  /** The last value of a field that is no transport's and not binary, '' when it is absent. */
  lastHeader(name: string): string {
    const { fields } = this.head;
    for (let i = fields.length - 1; i >= 0; i--) {
      const field = fields[i];
      if (field?.name === name && field.printable) return lastOfJoint(field.value);
    }
    return '';
  }
}

/** True for `application/grpc`, alone or with a format or parameters behind. */
function isGrpc(head: RequestHead): boolean {
  const type = head.fields.find((field) => field.name === CONTENT_TYPE)?.value ?? '';
  return head.method === 'POST' && /^application\/grpc(?:$|[+;])/.test(type);
}

function findMethod(path: string, methods: MethodTable): Method | GrpcStatus {
  return (
    methods.find(path) ?? {
      code: Status.UNIMPLEMENTED,
      details: `The server does not implement the method ${path}`,
    }
  );
}

function badTimeout(value: string | undefined): GrpcStatus {
  return { code: Status.INTERNAL, details: `Invalid grpc-timeout value "${value}"` };
}
