import type { NameServerAccess } from '../../src/link/route-client';
import { RegisterStream } from '../../src/link/route-register-server';
import { WatchStream } from '../../src/link/route-watch-server';
import { nameServerDefinition } from '../../src/link/services';
import { RouteTable, type RouteTableLimits } from '../../src/namesrv/route-table';
import type {
  RegisterMessage,
  RegisterMessage__Output,
} from '../../src/rpc/generated/gantry/v1/RegisterMessage';
import type {
  RegisterReply,
  RegisterReply__Output,
} from '../../src/rpc/generated/gantry/v1/RegisterReply';
import type {
  WatchMessage,
  WatchMessage__Output,
} from '../../src/rpc/generated/gantry/v1/WatchMessage';
import type { WatchReply, WatchReply__Output } from '../../src/rpc/generated/gantry/v1/WatchReply';
import { keptLog } from './kept-log';
import { MemoryStream } from './memory-stream';
import type { SimClock } from './sim-clock';

type Registers = MemoryStream<
  RegisterMessage,
  RegisterReply,
  RegisterMessage__Output,
  RegisterReply__Output
>;
type Watches = MemoryStream<WatchMessage, WatchReply, WatchMessage__Output, WatchReply__Output>;

/** A name server on simulated time, with the streams that its clients open. */
export class MemoryNameServer implements NameServerAccess {
  table: RouteTable;
  reachable = true;
  readonly registers: Registers[] = [];
  readonly watches: Watches[] = [];

  constructor(
    private readonly sim: SimClock,
    readonly address: string,
    private readonly limits: Partial<RouteTableLimits> = {},
  ) {
    this.table = new RouteTable(sim, limits);
  }

  readonly register = (): Registers['client'] => {
    const stream: Registers = new MemoryStream(this.sim.timers, nameServerDefinition().Register);
    this.registers.push(stream);
    if (this.reachable) new RegisterStream(this.table, stream.server, keptLog(), () => undefined);
    else stream.cut();
    return stream.client;
  };

  readonly watch = (): Watches['client'] => {
    const stream: Watches = new MemoryStream(this.sim.timers, nameServerDefinition().Watch);
    this.watches.push(stream);
    if (this.reachable) new WatchStream(this.table, stream.server, () => undefined);
    else stream.cut();
    return stream.client;
  };

  readonly close = (): void => undefined;

  /** The process dies: its table and all streams are gone, nothing answers. */
  kill(): void {
    this.reachable = false;
    this.cutStreams();
    this.table.close();
  }

  /** The process starts again, knowing nothing. */
  restart(): void {
    this.table = new RouteTable(this.sim, this.limits);
    this.reachable = true;
  }

  /** The connections break, the process lives. */
  cutStreams(): void {
    for (const stream of [...this.registers, ...this.watches]) stream.cut();
  }

  get names(): string[] {
    return this.table.brokers().map(({ brokerName, brokerId }) => `${brokerName}/${brokerId}`);
  }
}
