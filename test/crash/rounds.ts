import { seeded } from '../support/seeded';
import { letRun, until } from '../support/until';
import { History } from './history';
import { Load } from './load';
import { BROKER, startTarget, type TargetKind } from './target';

const TOPIC = 'crash';
const ROUND_MS = 2000;
const INVISIBLE_MS = 3000;
const RECEIVERS = 4;
const DRAIN_MS = 180_000;

/** Drained when what was neglected has come again, and every receiver has waited in vain for longer than that. */
async function drain(load: Load, history: History): Promise<void> {
  const empty = Math.ceil((INVISIBLE_MS * 2) / 1000) * RECEIVERS;
  await load.stopSending();
  await until('all to be received and acknowledged', DRAIN_MS, () =>
    load.emptyPolls >= empty ? true : undefined,
  ).catch((error: unknown) => {
    throw new Error(`${String(error)}: ${JSON.stringify(history.counts())}`, { cause: error });
  });
  await load.stop();
}

/**
 * Kills the broker under load `rounds` times, about 2 s apart, drains it, and answers what a checker outside of it
 * saw. `seed` decides when it is killed and which messages are left unacknowledged at first.
 */
export async function killUnderLoad(
  kind: TargetKind,
  rounds: number,
  seed: number,
): Promise<History> {
  const random = seeded(seed).next;
  const history = new History();
  const { target, endpoint } = await startTarget(kind, TOPIC);
  const load = new Load(
    {
      endpoint,
      topic: TOPIC,
      group: 'crash-checkers',
      invisibleMs: INVISIBLE_MS,
      senders: 32,
      receivers: RECEIVERS,
      neglected: 0.05,
      random,
    },
    history,
  );
  try {
    await load.start();
    for (let round = 0; round < rounds; round++) {
      const before = history.counts().answered;
      await letRun(ROUND_MS + random() * 500);
      if (history.counts().answered === before) {
        throw new Error(`round ${round}: no send was answered\n${target.output()}`);
      }
      await target.killAndRestart(BROKER);
    }
    await drain(load, history);
    await target.stop();
    const counts = JSON.stringify({ kind, rounds, seed, ...history.counts() });
    process.stdout.write(`crash: ${counts}\n`);
    return history;
  } finally {
    await target.remove();
    await load.stop();
  }
}

/** Asserts all that the checker holds the broker to. */
export function expectNothingLost(history: History): void {
  expect(history.violations).toEqual([]);
  expect(history.missing()).toEqual([]);
  expect(history.unfinished()).toEqual([]);
  const counts = history.counts();
  expect(counts.answered).toBeGreaterThan(100);
  expect(counts.redelivered).toBeGreaterThan(0);
}
