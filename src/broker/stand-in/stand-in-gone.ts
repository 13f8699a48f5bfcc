import type { RouteApi } from '../../api/route-api';
import type { Timers } from '../../platform/platform';

/** Longest wait for the routes, and then for a stand-in to hand over, ms. */
const ROUTES_MS = 1_000;
const HAND_OVER_MS = 5_000;

export interface KnownRoutes extends RouteApi {
  /** Resolves when a name server has told its routes, after a `watch`; false after `withinMs`. */
  ready(withinMs: number): Promise<boolean>;
}

/**
 * Resolves when no replica stands in for `brokerName`, as far as name servers know: whoever did has handed over what
 * was acknowledged there. After 5 s it resolves all the same.
 */
export async function standInGone(
  routes: KnownRoutes,
  brokerName: string,
  timers: Pick<Timers, 'after'>,
): Promise<void> {
  let look: () => void = () => undefined;
  let standsIn = false;
  const watch = routes.watch((brokers) => {
    standsIn = brokers.some((one) => one.brokerName === brokerName && one.standIn !== undefined);
    look();
  });
  await routes.ready(ROUTES_MS);
  await new Promise<void>((resolve) => {
    const timer = timers.after(HAND_OVER_MS, resolve);
    look = () => {
      if (standsIn) return;
      timer.cancel();
      resolve();
    };
    look();
  });
  watch.close();
}
