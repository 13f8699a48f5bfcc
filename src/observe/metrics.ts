/** Numbers about a process in the text form that Prometheus asks for. */

/** A value now, with the labels that tell it from others of its name. */
export interface Sample {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/** A value that needs no labels. */
export function plainSample(value: number): readonly Sample[] {
  return [{ labels: {}, value }];
}

export interface Metric {
  /** `gantry_...`, with its unit at the end; a counter ends with `_total`. */
  readonly name: string;
  readonly type: 'gauge' | 'counter';
  /** One sentence without a line break. */
  readonly help: string;
}

/** Asked at each scrape; the metrics of one source are read together. */
export interface MetricSource {
  readonly metrics: readonly Metric[];
  /** Samples by the metric's name; a name without samples is left out. */
  read(): Promise<ReadonlyMap<string, readonly Sample[]>>;
}

/** What Prometheus takes the text for. */
export const METRICS_CONTENT_TYPE = 'text/plain; version=0.0.4; charset=utf-8';

/** The numbers of a process: those of its parts, and what it costs. */
export class Metrics {
  private readonly sources: MetricSource[] = [processSource];

  add(source: MetricSource): void {
    this.sources.push(source);
  }

  /** A source that fails is left out: the others are worth more than an error. */
  async text(): Promise<string> {
    const parts = await Promise.all(this.sources.map((source) => textOf(source).catch(() => '')));
    return parts.join('');
  }
}

const MICROS_PER_SECOND = 1_000_000;

const processSource: MetricSource = {
  metrics: [
    {
      ...{ name: 'process_cpu_seconds_total', type: 'counter' },
      help: 'CPU time of the process, user and system.',
    },
    {
      ...{ name: 'process_resident_memory_bytes', type: 'gauge' },
      help: 'Memory of the process that is not swapped out.',
    },
  ],
  read: () => {
    const { user, system } = process.cpuUsage();
    return Promise.resolve(
      new Map([
        ['process_cpu_seconds_total', plainSample((user + system) / MICROS_PER_SECOND)],
        ['process_resident_memory_bytes', plainSample(process.memoryUsage.rss())],
      ]),
    );
  },
};

async function textOf(source: MetricSource): Promise<string> {
  const samples = await source.read();
  return source.metrics
    .flatMap(({ name, type, help }) => {
      const own = samples.get(name) ?? [];
      const lines = own.map(({ labels, value }) => `${name}${labelText(labels)} ${value}\n`);
      return own.length === 0
        ? []
        : [`# HELP ${name} ${help}\n`, `# TYPE ${name} ${type}\n`, ...lines];
    })
    .join('');
}

function labelText(labels: Readonly<Record<string, string>>): string {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${escaped(value)}"`);
  return pairs.length === 0 ? '' : `{${pairs.join(',')}}`;
}

function escaped(value: string): string {
  return value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');
}
