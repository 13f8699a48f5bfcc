/** What each role is started with: the values of its schema, durations in milliseconds (`...Ms`). */
import type { ValuesOf } from './option';
import type { schemas } from './schema';

/** All roles in one process (`gantry start`). */
export type StartOptions = ValuesOf<(typeof schemas)['start']>;
/** A name server (`gantry namesrv`). */
export type NamesrvOptions = ValuesOf<(typeof schemas)['namesrv']>;
/** A broker (`gantry broker`). */
export type BrokerOptions = ValuesOf<(typeof schemas)['broker']>;
/** A proxy (`gantry proxy`). */
export type ProxyOptions = ValuesOf<(typeof schemas)['proxy']>;

export interface RoleOptions {
  readonly start: StartOptions;
  readonly namesrv: NamesrvOptions;
  readonly broker: BrokerOptions;
  readonly proxy: ProxyOptions;
}
