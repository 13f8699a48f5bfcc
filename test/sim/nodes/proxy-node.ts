import type { AdminApi } from '../../../src/api/admin-api';
import { createProxy } from '../../../src/proxy/proxy';
import { DEFAULT_PROXY_SETTINGS } from '../../../src/proxy/settings';
import { TestProcess } from '../../support/test-process';
import { MESSAGING, serveMessaging } from '../world/rpc';
import { dialerOf, type NodeSurroundings, routesOf, type RunningNode } from './surroundings';

/** How long `gantry proxy` waits for its routes before it serves without. */
const ROUTES_WAIT_MS = 30_000;

/** Receives may be as short as the simulation needs them. */
const SETTINGS = {
  ...DEFAULT_PROXY_SETTINGS,
  autoCreateTopics: false,
  minInvisibleMs: 100,
  minPollMs: 0,
};

export interface ProxyNode extends RunningNode {
  /** Topics and groups on all masters. */
  readonly admin: AdminApi;
}

/** A proxy as `gantry proxy` puts it together, on the simulated network. */
export async function startProxy(surroundings: NodeSurroundings): Promise<ProxyNode> {
  const { process, logger } = surroundings;
  const routes = routesOf(surroundings);
  const proxy = createProxy({
    process: new TestProcess(),
    routes,
    dial: dialerOf(surroundings),
    platform: process.platform,
    log: logger,
    settings: SETTINGS,
  });
  await routes.ready(ROUTES_WAIT_MS);
  serveMessaging(process, proxy);
  return {
    admin: proxy.admin,
    stop: async () => {
      await proxy.drain();
      process.services.delete(MESSAGING);
      await proxy.close();
      await routes.close();
    },
  };
}
