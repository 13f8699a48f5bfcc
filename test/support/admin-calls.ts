import { Client, credentials, Metadata } from '@grpc/grpc-js';
import type { MethodDefinition } from '@grpc/proto-loader';
import type { AdminDefinition } from '../../src/rpc/generated/apache/rocketmq/v2/Admin';
import { loadService } from '../../src/rpc/protos';

type Name = keyof AdminDefinition;
type Request<N extends Name> =
  AdminDefinition[N] extends MethodDefinition<infer Q, infer _A, infer _QO, infer _AO> ? Q : never;
type Answer<N extends Name> =
  AdminDefinition[N] extends MethodDefinition<infer _Q, infer _A, infer _QO, infer AO> ? AO : never;

const service = loadService(
  'apache/rocketmq/v2/admin.proto',
  'apache.rocketmq.v2.Admin',
) as unknown as Readonly<Record<Name, MethodDefinition<object, object>>>;

/** A stub of the service Admin: as a console calls it, without a client id. */
export class AdminCalls {
  private readonly client: Client;

  constructor(endpoint: string) {
    this.client = new Client(endpoint, credentials.createInsecure());
  }

  /** Rejects with gRPC's errors only: business errors are in the answer's status. */
  call<N extends Name>(name: N, request: Request<N>): Promise<Answer<N>> {
    const { path, requestSerialize, responseDeserialize } = service[name];
    return new Promise((resolve, reject) => {
      this.client.makeUnaryRequest(
        path,
        requestSerialize,
        responseDeserialize,
        request as object,
        new Metadata(),
        { deadline: Date.now() + 10_000 },
        (error, answer) => {
          if (error !== null) reject(error);
          else resolve(answer as Answer<N>);
        },
      );
    });
  }

  /** The code of the answer's status. */
  async code<N extends Exclude<Name, 'ChangeLogLevel'>>(
    name: N,
    request: Request<N>,
  ): Promise<number | undefined> {
    const { status } = (await this.call(name, request)) as {
      readonly status: { readonly code: number } | null;
    };
    return status?.code;
  }

  close(): void {
    this.client.close();
  }
}
