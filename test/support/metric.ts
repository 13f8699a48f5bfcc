import type { GantryProcess } from './process';

/** The samples of one metric of a process, by their labels as they are written: '' without any. */
export async function samplesOf(
  { host, httpPort }: Pick<GantryProcess, 'host' | 'httpPort'>,
  name: string,
): Promise<ReadonlyMap<string, number>> {
  const text = await (await fetch(`http://${host}:${httpPort}/metrics`)).text();
  const line = new RegExp(`^${name}(?:\\{(.*)\\})? (\\S+)$`, 'gm');
  return new Map([...text.matchAll(line)].map(([, labels = '', value]) => [labels, Number(value)]));
}

/** A metric that has one sample. @throws Error when it has none, or more */
export async function metricOf(
  gantry: Pick<GantryProcess, 'host' | 'httpPort'>,
  name: string,
): Promise<number> {
  const [value, ...more] = (await samplesOf(gantry, name)).values();
  if (value === undefined || more.length > 0) throw new Error(`${name} has not one sample`);
  return value;
}
