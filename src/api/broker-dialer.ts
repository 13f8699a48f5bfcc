import type { BrokerApi } from './broker-api';
import type { BrokerRegistration } from './route-api';

/** A proxy's way to one broker. */
export interface BrokerConnection extends BrokerApi {
  /** Ends the connection; calls under way reject with PROXY_TIMEOUT. */
  close(): Promise<void>;
}

/** Makes the way to a broker: the object itself in one process, a link between processes. */
export type BrokerDialer = (broker: BrokerRegistration) => BrokerConnection;
