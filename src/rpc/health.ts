/** The standard health service (grpc.health.v1.Health), for load balancers and orchestrators. */
import {
  status,
  type ServerWritableStream,
  type ServiceDefinition,
  type UntypedServiceImplementation,
  type sendUnaryData,
  type ServerUnaryCall,
} from '@grpc/grpc-js';
import { service } from 'grpc-health-check';

interface HealthRequest {
  /** Full name of a service; '' asks for the server as a whole. */
  readonly service: string;
}

interface HealthResponse {
  readonly status: 'SERVING' | 'NOT_SERVING' | 'SERVICE_UNKNOWN';
}

interface HealthListResponse {
  readonly statuses: Readonly<Record<string, HealthResponse>>;
}

type Watch = ServerWritableStream<HealthRequest, HealthResponse>;

/** One status for the server and all services on it: they come and go together. */
export class Health {
  readonly definition: ServiceDefinition = service;
  readonly implementation: UntypedServiceImplementation = {
    check: (
      call: ServerUnaryCall<HealthRequest, HealthResponse>,
      callback: sendUnaryData<HealthResponse>,
    ) => {
      const name = call.request.service;
      if (this.names.has(name)) callback(null, this.answer(name));
      else callback({ code: status.NOT_FOUND, details: `this server has no service ${name}` });
    },
    list: (_call: unknown, callback: sendUnaryData<HealthListResponse>) => {
      const statuses = Object.fromEntries([...this.names].map((name) => [name, this.answer(name)]));
      callback(null, { statuses });
    },
    watch: (call: Watch) => this.watch(call),
  };

  private readonly names = new Set(['']);
  private readonly watches = new Set<Watch>();
  private serving = false;
  private ended = false;

  /** @param name a service's full name, such as `apache.rocketmq.v2.MessagingService` */
  addService(name: string): void {
    this.names.add(name);
  }

  setServing(serving: boolean): void {
    if (serving === this.serving) return;
    this.serving = serving;
    for (const watch of this.watches) watch.write(this.answer(watch.request.service));
  }

  /** Ends the watches, which would last as long as their clients: a server that drains can't wait for those. */
  end(): void {
    this.ended = true;
    for (const watch of this.watches) watch.end();
    this.watches.clear();
  }

  private watch(call: Watch): void {
    call.write(this.answer(call.request.service));
    if (this.ended) {
      call.end();
      return;
    }
    this.watches.add(call);
    call.on('cancelled', () => this.watches.delete(call));
  }

  private answer(name: string): HealthResponse {
    if (!this.names.has(name)) return { status: 'SERVICE_UNKNOWN' };
    return { status: this.serving ? 'SERVING' : 'NOT_SERVING' };
  }
}
