import { Metrics, type MetricSource, type Sample } from '../../../src/observe/metrics';

const source = (samples: ReadonlyMap<string, readonly Sample[]> | Error): MetricSource => ({
  metrics: [
    { name: 'gantry_depth_bytes', type: 'gauge', help: 'How deep it is.' },
    { name: 'gantry_never', type: 'gauge', help: 'Nothing has it.' },
  ],
  read: () => (samples instanceof Error ? Promise.reject(samples) : Promise.resolve(samples)),
});

describe('the metrics of a process', () => {
  it('are a help line, a type line and a line a sample, and nothing for a name without samples', async () => {
    const metrics = new Metrics();
    const samples = [
      { labels: { pool: 'a', place: 'say "hi"\\\n' }, value: 1.5 },
      { labels: {}, value: 2 ** 52 },
    ];
    metrics.add(source(new Map([['gantry_depth_bytes', samples]])));
    const lines = (await metrics.text()).split('\n').filter((line) => line.includes('gantry_'));
    expect(lines).toEqual([
      '# HELP gantry_depth_bytes How deep it is.',
      '# TYPE gantry_depth_bytes gauge',
      'gantry_depth_bytes{pool="a",place="say \\"hi\\"\\\\\\n"} 1.5',
      `gantry_depth_bytes ${2 ** 52}`,
    ]);
  });

  it('tell what the process costs, also when a source fails', async () => {
    const metrics = new Metrics();
    metrics.add(source(new Error('closed')));
    const text = await metrics.text();
    expect(text).toMatch(/^process_cpu_seconds_total [0-9.]+$/m);
    expect(text).toMatch(/^process_resident_memory_bytes [0-9]{7,}$/m);
    expect(text).not.toContain('gantry_');
  });
});
