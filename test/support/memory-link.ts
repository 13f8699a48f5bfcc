import type { BrokerApi } from '../../src/api/broker-api';
import { BrokerLink } from '../../src/link/broker-link';
import { BrokerLinkServer } from '../../src/link/broker-link-server';
import { servedMethods } from '../../src/link/broker-methods';
import { LINK_LIMITS, type LinkLimits } from '../../src/link/link-limits';
import { brokerDefinition } from '../../src/link/services';
import type { LinkBatch, LinkBatch__Output } from '../../src/rpc/generated/gantry/v1/LinkBatch';
import { keptLog } from './kept-log';
import { MemoryStream } from './memory-stream';
import { registration } from './registration';
import type { SimClock } from './sim-clock';

type LinkStream = MemoryStream<LinkBatch, LinkBatch, LinkBatch__Output, LinkBatch__Output>;

/** A proxy's link to a broker, both in this process, on simulated time. */
export class MemoryLink {
  readonly log = keptLog();
  readonly link: BrokerLink;
  /** All streams that were opened, the newest last. */
  readonly streams: LinkStream[] = [];
  readonly servers: BrokerLinkServer[] = [];
  /** Whether the broker can be reached. */
  reachable = true;

  /**
   * @param api what answers there; a function: whoever leads there, when somebody does
   * @param answering the name of the broker that answers; the link means broker a
   */
  constructor(
    sim: SimClock,
    api: BrokerApi | (() => BrokerApi | undefined),
    limits: Partial<LinkLimits> = {},
    answering = 'a',
  ) {
    const all = { ...LINK_LIMITS, ...limits };
    const platform = {
      clock: sim.clock,
      timers: sim.timers,
      random: { bytes: (count: number) => Buffer.alloc(count), uint32: () => 0 },
    };
    this.link = new BrokerLink(registration({ brokerName: 'a', address: 'there:1' }), {
      platform,
      log: this.log,
      limits: all,
      connect: () => {
        const stream = new MemoryStream(sim.timers, brokerDefinition().Link);
        this.streams.push(stream);
        if (this.reachable) {
          const settings = {
            platform,
            log: this.log,
            brokerName: answering,
            brokerId: () => 0,
            limits: all,
          };
          this.servers.push(
            new BrokerLinkServer(
              typeof api === 'function' ? api : () => api,
              servedMethods(),
              stream.server,
              settings,
              () => undefined,
            ),
          );
        } else {
          stream.cut();
        }
        return stream.client;
      },
    });
  }

  get stream(): LinkStream {
    const last = this.streams.at(-1);
    if (last === undefined) throw new Error('no stream was opened');
    return last;
  }

  get server(): BrokerLinkServer {
    const last = this.servers.at(-1);
    if (last === undefined) throw new Error('no stream was accepted');
    return last;
  }
}
