/** What is looked at when a fault lies in one record of the log: that record and those around it. */
import { LogScanner } from '../../../../src/store/log-scanner';
import type { Contents } from '../../../support/copy-on-write-files';
import { isHarmed, SMALL, type Fault, type Sent, type Subject } from './small-store';
import { DIRECTORY, type TestStore } from './test-store';

/** What is at a record's beginning decides where the next one is: always in full. */
const HEAD_BYTES = 8;

/** The messages around the place of a fault in the log: that one, and two to each side. */
export interface Around {
  readonly before: readonly Sent[];
  readonly harmed: Sent;
  readonly behind: readonly Sent[];
}

/** `undefined` for a fault in no message's record, or in the head of one. */
export function recordsAround({ inLog }: Subject, { path, at }: Fault): Around | undefined {
  const position = Number(path.slice(-20)) + at;
  const i = inLog.findIndex(
    ({ physicalOffset, bytes }) =>
      position >= physicalOffset + HEAD_BYTES && position < physicalOffset + bytes.length,
  );
  const harmed = inLog[i];
  if (harmed === undefined) return undefined;
  return { before: inLog.slice(Math.max(0, i - 2), i), harmed, behind: inLog.slice(i + 1, i + 3) };
}

/** The same as `compare` and the check of the store, for what lies around the fault. */
export async function compareAround(
  { sent }: Subject,
  fault: Fault,
  { store }: TestStore,
  { before, harmed: mine, behind }: Around,
  contents: Contents,
  wrong: string[],
): Promise<void> {
  const inQueue = sent.filter(({ topic, queueId, queueOffset: offset }) => {
    const near = Math.abs(offset - mine.queueOffset) === 1;
    return near && topic === mine.topic && queueId === mine.queueId;
  });
  for (const one of new Set([...before, ...inQueue, mine, ...behind])) {
    const bytes = await serveOne(store, one);
    const slot = `${one.topic} queue ${one.queueId} offset ${one.queueOffset}`;
    if (bytes === undefined && !isHarmed(one, fault)) wrong.push(`${slot} is not served`);
    if (bytes !== undefined && !bytes.equals(one.bytes)) wrong.push(`${slot} has other bytes`);
    if (bytes !== undefined && one === mine) wrong.push(`${slot} is served and was harmed`);
  }
  const found = await scanAround(contents, before[0] ?? mine, behind[behind.length - 1] ?? mine);
  const lines = [...before, ...(fault.kind === 'flip' ? behind : [])];
  for (const { physicalOffset } of lines) {
    if (!found.records.has(physicalOffset)) wrong.push(`no record found at ${physicalOffset}`);
  }
  if (!found.damaged.has(mine.physicalOffset)) wrong.push('its damage is not reported');
}

async function serveOne(
  store: TestStore['store'],
  { topic, queueId, queueOffset }: Sent,
): Promise<Buffer | undefined> {
  const [entry] = await store.entries(topic, queueId, queueOffset, 1);
  if (entry === undefined || entry.bytes === 0) return undefined;
  try {
    return await store.record(topic, queueId, entry);
  } catch {
    return undefined;
  }
}

/** What `gantry store check` walks over, between two records. */
async function scanAround(
  contents: Contents,
  first: Sent,
  last: Sent,
): Promise<{ readonly records: ReadonlySet<number>; readonly damaged: ReadonlySet<number> }> {
  const { segmentBytes } = SMALL;
  const startOf = (position: number): number => position - (position % segmentBytes);
  const read = (target: Uint8Array, position: number): Promise<number> => {
    const start = startOf(position);
    const name = `${DIRECTORY}/commitlog/${String(start).padStart(20, '0')}`;
    const bytes = contents.get(name) ?? Buffer.alloc(0);
    const part = target.subarray(0, start + segmentBytes - position);
    part.fill(0);
    part.set(bytes.subarray(position - start, position - start + part.length));
    return Promise.resolve(part.length);
  };
  const to = last.physicalOffset + last.bytes.length;
  const records = new Set<number>();
  const damaged = new Set<number>();
  await new LogScanner({ segmentBytes, end: startOf(to) + segmentBytes, startOf, read }).scan({
    from: first.physicalOffset,
    to,
    trusted: to,
    onRecord: ({ physicalOffset }) => void records.add(physicalOffset),
    onDamage: (from) => void damaged.add(from),
  });
  return { records, damaged };
}
