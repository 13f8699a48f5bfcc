import { Code, type RawStatus } from '../../support/raw-client';
import { letRun } from '../../support/until';
import type { Call, Outcome } from './history';

/** Between two tries while a process is away. */
export const AWAY_MS = 50;
/** From here on a status says that something went wrong on the way, and not whether the call was carried out. */
const FAULTS_FROM = 50000;

/** Makes a call and tells what became of it; the answer is `undefined` when none came. */
export async function ask<T extends { readonly status: RawStatus }>(
  call: () => Promise<T>,
): Promise<{ readonly call: Call; readonly answer: T | undefined }> {
  const askedMs = performance.now();
  const answer = await call().catch(() => undefined);
  const endedMs = performance.now();
  const status = answer?.status;
  const text = status === undefined ? 'no answer' : `${status.code} ${status.message}`;
  return { call: { askedMs, endedMs, outcome: outcomeOf(status), text }, answer };
}

/** Repeats a call that is not answered definitely, and notes each; at most `tries` times. */
export async function insist(
  calls: Call[],
  tries: number,
  call: () => Promise<RawStatus>,
): Promise<Outcome> {
  for (let i = 0; i < tries; i++) {
    const { call: made } = await ask(async () => ({ status: await call() }));
    calls.push(made);
    if (made.outcome !== 'unknown') return made.outcome;
    await letRun(AWAY_MS);
  }
  return 'unknown';
}

function outcomeOf(status: RawStatus | undefined): Outcome {
  if (status === undefined || status.code >= FAULTS_FROM) return 'unknown';
  return status.code === Code.OK ? 'ok' : 'refused';
}
