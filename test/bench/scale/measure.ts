/** What an operation costs at two sizes of the same process, and what the process holds: rows of one table. */
import { performance } from 'node:perf_hooks';

/**
 * CPU microseconds an operation, all threads of the process.
 * @param tidy whether memory is collected first; not for what takes less time than that
 */
export async function cpuUs(
  operations: number,
  work: () => Promise<void>,
  tidy = true,
): Promise<number> {
  if (tidy) collect();
  const before = process.cpuUsage();
  await work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / operations;
}

export interface Durations {
  readonly wallMs: number;
  readonly cpuMs: number;
}

/** Milliseconds that `work` takes by the clock on the wall, and by the CPUs. */
export async function durations(work: () => Promise<unknown>): Promise<Durations> {
  const begin = performance.now();
  const before = process.cpuUsage();
  await work();
  const { user, system } = process.cpuUsage(before);
  return { wallMs: performance.now() - begin, cpuMs: (user + system) / 1000 };
}

/** Bytes that are left after a collection. */
export interface Held {
  /** Objects, and what lies outside of the heap: buffers and typed arrays. */
  readonly bytes: number;
  readonly rssBytes: number;
}

export function held(): Held {
  collect();
  const { heapUsed, external, rss } = process.memoryUsage();
  return { bytes: heapUsed + external, rssBytes: rss };
}

/** Needs `node --expose-gc`: what is not collected would be told as held, and paid for later. */
function collect(): void {
  const { gc } = globalThis;
  if (gc === undefined) throw new Error('run with node --expose-gc');
  gc();
  gc();
}

/** The rows of one case; `failures` says which bounds were not kept. */
export class Report {
  readonly failures: string[] = [];

  constructor(
    private readonly caseName: string,
    private readonly write: (line: string) => void,
  ) {}

  /**
   * A cost at a small and at a large scale, CPU microseconds.
   * @param limit of large to small; none: the row only tells
   */
  cost(operation: string, smallUs: number, largeUs: number, limit?: number): void {
    const ratio = largeUs / smallUs;
    const bound = limit === undefined ? '' : ` (at most ${limit})`;
    this.row(operation, smallUs.toFixed(2), largeUs.toFixed(2), `${ratio.toFixed(2)}${bound}`);
    if (limit !== undefined && !(ratio <= limit)) {
      this.failures.push(`${operation}: ${ratio.toFixed(2)} times, at most ${limit}`);
    }
  }

  /** What `count` things hold, more than before they came. */
  memory(what: string, count: number, before: Held, after: Held): void {
    const bytes = after.bytes - before.bytes;
    this.row(
      `memory: ${what}`,
      mib(before.bytes),
      mib(after.bytes),
      `${(bytes / count).toFixed(0)} bytes each, RSS ${mib(after.rssBytes)}`,
    );
  }

  reopening(when: string, { wallMs, cpuMs }: Durations): void {
    this.note(`opening ${when}`, `${wallMs.toFixed(0)} ms, ${cpuMs.toFixed(0)} ms CPU`);
  }

  /** Anything else that is worth a row. */
  note(what: string, value: string): void {
    this.row(what, '', '', value);
  }

  private row(...cells: readonly string[]): void {
    this.write(`| ${[this.caseName, ...cells].join(' | ')} |`);
  }
}

export const HEADER = [
  '| case | operation | small | large | large to small |',
  '| --- | --- | --- | --- | --- |',
].join('\n');

function mib(bytes: number): string {
  return `${(bytes / 1024 / 1024).toFixed(1)} MiB`;
}

/** The mean of what rounds have shown. */
export function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
