/** The public API as `gantry send` and `gantry receive` use it: one connection, no Telemetry. */
import { randomBytes } from 'node:crypto';
import { hostname } from 'node:os';
import { Metadata, type ServiceError } from '@grpc/grpc-js';

import { Code, codeName, StatusError } from '../message/status';
import { makeClient } from '../rpc/client';
import type { Message__Output } from '../rpc/generated/apache/rocketmq/v2/Message';
import type { MessagingServiceClient } from '../rpc/generated/apache/rocketmq/v2/MessagingService';
import type { ReceiveMessageRequest } from '../rpc/generated/apache/rocketmq/v2/ReceiveMessageRequest';
import type { ReceiveMessageResponse__Output } from '../rpc/generated/apache/rocketmq/v2/ReceiveMessageResponse';
import type { Status__Output } from '../rpc/generated/apache/rocketmq/v2/Status';
import { loadService } from '../rpc/protos';
import { callError } from './call-error';
import type { Endpoint } from './endpoint';
import { version } from '../platform/version';

type Callback<T> = (error: ServiceError | null, answer?: T) => void;

/** How long a call may take that waits for nothing, milliseconds. */
const CALL_MS = 10_000;
const UNKNOWN_CODE = 0;

/** A receive that is under way. */
export interface Poll {
  /** The messages, none when there were none. */
  readonly messages: Promise<readonly Message__Output[]>;
  /** Ends it, unless messages are on their way already. */
  end(): void;
}

export class PublicClient {
  private readonly client: MessagingServiceClient;
  private readonly metadata = new Metadata();

  constructor(private readonly endpoint: Endpoint) {
    const definition = loadService(
      'apache/rocketmq/v2/service.proto',
      'apache.rocketmq.v2.MessagingService',
    );
    this.client = makeClient<MessagingServiceClient>(definition, endpoint.address, {
      tls: endpoint.tls,
    });
    const id = `${hostname()}@${process.pid}@0@${randomBytes(6).toString('hex')}`;
    this.metadata.set('x-mq-client-id', id);
    this.metadata.set('x-mq-language', 'NODE_JS');
    this.metadata.set('x-mq-client-version', version());
    this.metadata.set('x-mq-protocol', 'v2');
  }

  /** Makes a call and checks its status. */
  async call<T extends { readonly status: Status__Output | null }>(
    make: (
      client: MessagingServiceClient,
      metadata: Metadata,
      options: { readonly deadline: Date },
      callback: Callback<T>,
    ) => void,
  ): Promise<T> {
    const answer = await new Promise<T>((resolve, reject) => {
      const deadline = new Date(Date.now() + CALL_MS);
      make(this.client, this.metadata, { deadline }, (error, value) => {
        if (error !== null) reject(callError(error, this.endpoint));
        else if (value !== undefined) resolve(value);
      });
    });
    check(answer.status);
    return answer;
  }

  /**
   * Receives once.
   * @param limitMs the longest that the call may take, milliseconds
   */
  receive(request: ReceiveMessageRequest, limitMs: number): Poll {
    const deadline = new Date(Date.now() + limitMs);
    const stream = this.client.ReceiveMessage(request, this.metadata, { deadline });
    const found: Message__Output[] = [];
    let answered = false;
    let ended = false;
    const messages = new Promise<readonly Message__Output[]>((resolve, reject) => {
      stream.on('data', ({ status, message }: ReceiveMessageResponse__Output) => {
        answered = true;
        if (message) found.push(message);
        const bad = status && status.code !== Code.OK && status.code !== Code.MESSAGE_NOT_FOUND;
        if (bad) reject(statusError(status));
      });
      stream.on('error', (error: ServiceError) => {
        if (ended || found.length > 0) resolve(found);
        else reject(callError(error, this.endpoint));
      });
      stream.on('end', () => resolve(found));
    });
    const end = (): void => {
      if (answered) return;
      ended = true;
      stream.cancel();
    };
    return { messages, end };
  }

  close(): void {
    this.client.close();
  }
}

/** @throws StatusError for any status but OK */
export function check(status: Status__Output | null): void {
  if (status?.code !== Code.OK) throw statusError(status);
}

function statusError(status: Status__Output | null): StatusError {
  const code = Object.values(Code).find((known) => known === status?.code);
  if (code !== undefined) return new StatusError(code, status?.message ?? '');
  const text = `the proxy answered the unknown code ${codeName(status?.code ?? UNKNOWN_CODE)}`;
  return new StatusError(Code.INTERNAL_SERVER_ERROR, `${text}: ${status?.message ?? ''}`);
}
