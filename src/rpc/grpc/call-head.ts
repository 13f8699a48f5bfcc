/** What a request's head says to gRPC, found out once for all requests that begin with the same bytes. */
import { status as Status } from '@grpc/grpc-js';
import type { RequestHead } from '../http2/request-head';
import { metadataValues, RequestMetadata, type MetadataValues } from './metadata';
import type { Method, MethodTable } from './method';
import type { GrpcStatus } from './status';
import { parseTimeout } from './timeout';

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

  static of(head: RequestHead, methods: MethodTable): CallHead {
    let timeout: string | undefined;
    let encoding = 'identity';
    let accepted = '';
    for (const { name, value } of head.fields) {
      if (name === 'grpc-timeout') timeout = value;
      else if (name === 'grpc-encoding') encoding = value;
      else if (name === 'grpc-accept-encoding') accepted = value;
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
}

/** True for `application/grpc`, alone or with a format or parameters behind. */
export function isGrpc(head: RequestHead): boolean {
  const type = head.fields.find((field) => field.name === 'content-type')?.value ?? '';
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
