/**
 * The files of Apache's timer: what waits, and how far it is.
 *
 *     config/timercheck    4096 bytes: @0 readMs 8, @8 flushed 8, @16 queueOffset 8, @24 the same 8, @32 stateVersion 8,
 *                          @40 time of the change 8, @48 counter 8. Slots below readMs are done with, records of
 *                          rmq_sys_wheel_timer below queueOffset are in the timerlog
 *     timerlog/POSITION    units of 52 bytes: size 4, previous unit of the slot 8 (-1 none), magic 4, base time 8,
 *                          slot - base 4, position in the log 8, record's length 4, topic's hash 4, reserved 8.
 *                          A file ends with a blank unit: rest 4, 0 8, blank magic 4
 *     timerwheel           the newest unit of each slot: left out, Apache makes it from the timerlog
 *
 * A slot is a second, named by its first millisecond; Apache delivers what is in it when it is over.
 */
import { join } from 'node:path';
import { slotOf } from '../../message/delayed';
import { readInt64, writeInt64 } from '../../message/int64';
import { MAGIC_BLANK } from '../../message/record';
import type { Files } from '../../platform/platform';
import { replaceFile } from '../../store/atomic-file';
import { positionName, positionOfName } from '../../store/layout';

/** What is due later is put into a slot so far ahead, and looked at again then. */
const ROLL_MS = 2 * 86_400_000;
const CHECK_BYTES = 4096;
const UNIT_BYTES = 52;
/** The last unit of a file and the blank behind it must fit. */
const BLANK_BYTES = 16;
const FILE_BYTES = 100 * 1024 * 1024;
const BATCH_UNITS = 16_384;
const Magic = { WAITS: 1, ROLLS: 2, DELETES: 4, KNOWN: 7 } as const;

/** What Apache's timer has left. */
export interface ApacheTimer {
  /** Records of rmq_sys_wheel_timer from here on are not in `positions`. */
  readonly queueOffset: number;
  /** Positions in the log of all records that wait or take others back, ascending. */
  readonly positions: Float64Array;
  /** How often the files were changed. */
  readonly counter: number;
}

/** Reads what waits; `undefined` where no timer ever ran. */
export async function readApacheTimer(
  files: Files,
  directory: string,
): Promise<ApacheTimer | undefined> {
  const check = await files.readFile(checkPath(directory));
  if (check === undefined || check.length < CHECK_BYTES) return undefined;
  const readMs = readInt64(check, 0);
  const found = new Positions();
  for (const name of await files.list(join(directory, 'timerlog'))) {
    if (positionOfName(name) === undefined) continue;
    await readUnits(files, join(directory, 'timerlog', name), readMs, found);
  }
  const positions = found.sorted();
  return { queueOffset: readInt64(check, 16), positions, counter: readInt64(check, 48) };
}

/** Where a position stands among those of a timer; -1 when it is none of them. */
export function indexIn({ positions }: ApacheTimer, position: number): number {
  let low = 0;
  let high = positions.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((positions[middle] ?? 0) < position) low = middle + 1;
    else high = middle;
  }
  return positions[low] === position ? low : -1;
}

/** Units of one file whose slots are not done with. */
async function readUnits(
  files: Files,
  path: string,
  readMs: number,
  found: Positions,
): Promise<void> {
  const handle = await files.open(path, 'read');
  try {
    const bytes = Buffer.allocUnsafe(BATCH_UNITS * UNIT_BYTES);
    for (let at = 0; ; at += bytes.length) {
      const filled = await handle.read(bytes, at);
      for (let i = 0; i + UNIT_BYTES <= filled; i += UNIT_BYTES) {
        const magic = bytes.readInt32BE(i + 12);
        const whole = bytes.readInt32BE(i) === UNIT_BYTES && (magic & ~Magic.KNOWN) === 0;
        if (!whole || magic === 0) return;
        const slotMs = readInt64(bytes, i + 16) + bytes.readInt32BE(i + 24);
        if (slotMs >= readMs) found.add(readInt64(bytes, i + 28));
      }
      if (filled < bytes.length) return;
    }
  } finally {
    await handle.close();
  }
}

/** A record that waits. */
export interface Waiting {
  readonly dueMs: number;
  readonly position: number;
  readonly bytes: number;
}

/**
 * Writes a timerlog, a batch at a time, and then puts it in the place of all that Apache's timer knew. The
 * directory is as before until `replace`.
 */
export class ApacheTimerWriter {
  private readonly batch = Buffer.alloc(BATCH_UNITS * UNIT_BYTES);
  private batched = 0;
  /** Of the unit that comes next, over all files. */
  private at = 0;
  /** The newest unit of each slot. */
  private readonly slots = new Map<number, number>();
  private readonly firstSlot: number;

  /**
   * @param nowMs slots before are done with: what is overdue is delivered at once
   * @param fileBytes `mappedFileSizeTimerLog`
   */
  constructor(
    private readonly files: Files,
    private readonly directory: string,
    private readonly nowMs: number,
    private readonly fileBytes = FILE_BYTES,
  ) {
    this.firstSlot = slotOf(nowMs);
  }

  async begin(): Promise<void> {
    await this.files.removeTree(this.staged);
    await this.files.makeDirectory(this.staged);
  }

  add({ dueMs, position, bytes }: Waiting): Promise<void> {
    const slot = Math.max(slotOf(dueMs), this.firstSlot);
    const beyond = slot - this.firstSlot - ROLL_MS;
    if (beyond < 0) return this.put(slot, Magic.WAITS, position, bytes);
    const ahead = beyond < ROLL_MS / 3 ? ROLL_MS / 2 : ROLL_MS;
    return this.put(this.firstSlot + ahead, Magic.WAITS | Magic.ROLLS, position, bytes);
  }

  /** A record of rmq_sys_wheel_timer that takes another one back. */
  addDelete(position: number, bytes: number): Promise<void> {
    return this.put(this.firstSlot, Magic.WAITS | Magic.DELETES, position, bytes);
  }

  /** @param queueOffset records of rmq_sys_wheel_timer below it are in the units, or do not count */
  async replace(queueOffset: number, counter: number): Promise<void> {
    const { files, directory } = this;
    await this.flush();
    const target = join(directory, 'timerlog');
    for (const name of await files.list(directory)) {
      if (name.startsWith('timerwheel')) await files.remove(join(directory, name));
    }
    await files.removeTree(target);
    await files.makeDirectory(target);
    for (const name of await files.list(this.staged)) {
      await files.rename(join(this.staged, name), join(target, name));
    }
    await files.removeTree(this.staged);
    await files.syncDirectory(target);
    await files.syncDirectory(directory);
    const check = Buffer.alloc(CHECK_BYTES);
    const fields = [this.firstSlot, 0, queueOffset, queueOffset, 0, this.nowMs, counter];
    fields.forEach((value, i) => writeInt64(check, value, i * 8));
    await files.makeDirectory(join(directory, 'config'));
    await replaceFile(files, checkPath(directory), check);
  }

  private async put(slot: number, magic: number, position: number, bytes: number): Promise<void> {
    if ((this.at % this.fileBytes) + UNIT_BYTES + BLANK_BYTES > this.fileBytes)
      await this.endFile();
    const i = this.batched * UNIT_BYTES;
    const { batch, firstSlot } = this;
    batch.writeInt32BE(UNIT_BYTES, i);
    writeInt64(batch, this.slots.get(slot) ?? -1, i + 4);
    batch.writeInt32BE(magic, i + 12);
    writeInt64(batch, firstSlot, i + 16);
    batch.writeInt32BE(slot - firstSlot, i + 24);
    writeInt64(batch, position, i + 28);
    batch.writeInt32BE(bytes, i + 36);
    batch.fill(0, i + 40, i + UNIT_BYTES);
    this.slots.set(slot, this.at);
    this.at += UNIT_BYTES;
    if (++this.batched === BATCH_UNITS) await this.flush();
  }

  private async endFile(): Promise<void> {
    await this.flush();
    const rest = this.fileBytes - (this.at % this.fileBytes);
    const blank = Buffer.alloc(BLANK_BYTES);
    blank.writeInt32BE(rest, 0);
    blank.writeInt32BE(MAGIC_BLANK, 12);
    await this.write(blank);
    this.at += rest;
  }

  private async flush(): Promise<void> {
    if (this.batched === 0) return;
    const bytes = this.batch.subarray(0, this.batched * UNIT_BYTES);
    this.batched = 0;
    this.at -= bytes.length;
    await this.write(bytes);
    this.at += bytes.length;
  }

  /** Writes at `at`, into a file that has its whole length from the start. */
  private async write(bytes: Buffer): Promise<void> {
    const within = this.at % this.fileBytes;
    const path = join(this.staged, positionName(this.at - within));
    const handle = await this.files.open(path, 'create');
    try {
      await handle.truncate(this.fileBytes);
      await handle.write([bytes], within);
      await handle.datasync();
    } finally {
      await handle.close();
    }
  }

  private get staged(): string {
    return join(this.directory, 'gantry', 'timerlog.new');
  }
}

/** Numbers in a buffer that grows: millions of them. */
class Positions {
  private values = new Float64Array(1024);
  private count = 0;

  add(value: number): void {
    if (this.count === this.values.length) {
      const grown = new Float64Array(2 * this.count);
      grown.set(this.values);
      this.values = grown;
    }
    this.values[this.count++] = value;
  }

  sorted(): Float64Array {
    return this.values.slice(0, this.count).sort();
  }
}

function checkPath(directory: string): string {
  return join(directory, 'config', 'timercheck');
}
