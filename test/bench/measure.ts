import { type Usage, usageOf } from '../support/usage';

/** Latencies of one kind of call, in milliseconds. */
export class Latencies {
  private readonly values: number[] = [];

  add(ms: number): void {
    this.values.push(ms);
  }

  /** The value that a share `of` (0 .. 1) of the calls did not exceed; NaN without calls. */
  quantile(of: number): number {
    const sorted = Float64Array.from(this.values).sort();
    return sorted[Math.min(sorted.length - 1, Math.ceil(of * sorted.length) - 1)] ?? Number.NaN;
  }

  get count(): number {
    return this.values.length;
  }
}

/** One line of the table. */
export interface Result {
  readonly step: string;
  readonly messages: number;
  readonly failures: number;
  readonly messagesPerSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly p999Ms: number;
  /** Server CPU time, idle time taken off. */
  readonly cpuUsPerMessage: number;
  readonly peakRssMiB: number;
}

export interface Tally {
  readonly latencies: Latencies;
  messages: number;
  failures: number;
}

/** The CPU that the server uses when nobody asks for anything, milliseconds a second. */
export async function idleCpu(
  pid: number,
  ms: number,
  pass: (ms: number) => Promise<void>,
): Promise<number> {
  const before = usageOf(pid).cpuMs;
  await pass(ms);
  return ((usageOf(pid).cpuMs - before) * 1000) / ms;
}

/** Runs `work` and makes a line of what it did and what the server used meanwhile. */
export async function measure(
  step: string,
  pid: number,
  idleCpuMsPerSecond: number,
  work: (tally: Tally) => Promise<void>,
): Promise<Result> {
  const tally: Tally = { latencies: new Latencies(), messages: 0, failures: 0 };
  const before: Usage = usageOf(pid);
  const start = performance.now();
  await work(tally);
  const elapsedMs = performance.now() - start;
  const after = usageOf(pid);
  const busyMs = after.cpuMs - before.cpuMs - (idleCpuMsPerSecond * elapsedMs) / 1000;
  const { latencies, messages, failures } = tally;
  return {
    step,
    messages,
    failures,
    messagesPerSecond: (messages * 1000) / elapsedMs,
    p50Ms: latencies.quantile(0.5),
    p99Ms: latencies.quantile(0.99),
    p999Ms: latencies.quantile(0.999),
    cpuUsPerMessage: (busyMs * 1000) / messages,
    peakRssMiB: after.peakRssBytes / 1024 / 1024,
  };
}
