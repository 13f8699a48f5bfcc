import { setTimeout as pause } from 'node:timers/promises';

/**
 * Asks `probe` again and again until it answers something other than `undefined`, and answers that. For
 * facts outside this process, which nobody announces. Throws after `limitMs`, with what was waited for.
 */
export async function until<T>(
  what: string,
  limitMs: number,
  probe: () => Promise<T | undefined> | T | undefined,
): Promise<T> {
  const end = performance.now() + limitMs;
  for (;;) {
    const answer = await probe();
    if (answer !== undefined) return answer;
    if (performance.now() >= end) throw new Error(`not within ${limitMs} ms: ${what}`);
    await pause(20);
  }
}

/** What `promise` answers; throws when it has not within `limitMs`, with what was waited for. */
export async function within<T>(what: string, limitMs: number, promise: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`not within ${limitMs} ms: ${what}`)), limitMs);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** Lets `ms` milliseconds pass, for load that is to run so long. Never to wait for something: that is `until`. */
export async function letRun(ms: number): Promise<void> {
  await pause(ms);
}
