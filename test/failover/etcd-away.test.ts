import { expectAllKept } from '../crash/mixed/load';
import { letRun } from '../support/until';
import { BROKERS, ETCDS } from './support/cluster';
import { longestGapMs } from './support/master-watch';
import { scenario } from './support/scenario';

/** Far more than a lease, and than what promises of followers cover at once. */
const AWAY_MS = Number(process.env['ETCD_AWAY_MS'] ?? 120_000);
/** A master that answers all the time is heard from at least so often, ms. */
const SILENT_MS = 2_000;
/** Nobody leads for so long after the death of a master without etcd, ms. */
const NOBODY_MS = 12_000;

describe('an etcd that hangs for minutes', () => {
  it('lets the master go on, and elects another one when it is back', async () => {
    let heardMs: readonly number[] = [];
    const outcome = await scenario('etcd away', {}, async ({ cluster, watch, master }) => {
      const fromMs = performance.now();
      for (const name of ETCDS) cluster.signal(name, 'SIGSTOP');
      await letRun(AWAY_MS);
      expect(await watch.master(BROKERS.length)).toBe(master);
      const diedMs = performance.now();
      heardMs = [fromMs, ...watch.answers.map(({ answeredMs }) => answeredMs), diedMs].filter(
        (ms) => ms >= fromMs && ms <= diedMs,
      );
      await cluster.kill(master);
      await letRun(NOBODY_MS);
      expect(watch.answers.filter(({ askedMs }) => askedMs > diedMs + SILENT_MS)).toEqual([]);
      for (const name of ETCDS) cluster.signal(name, 'SIGCONT');
      expect(await watch.master(BROKERS.length - 1)).not.toBe(master);
      await cluster.restart(master);
    });
    expectAllKept(outcome);
    expect(outcome.stale).toEqual([]);
    expect(outcome.masters).toHaveLength(2);
    expect(longestGapMs(heardMs, heardMs[0] ?? 0, heardMs.at(-1) ?? 0)).toBeLessThan(SILENT_MS);
  });
});
