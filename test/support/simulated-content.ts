import type { Chance } from './seeded';

const SECTOR_BYTES = 512;
const TORN_PART = 0.1;

/** The bytes of a file, and what each sector held since it was synced. */
export class Content {
  /** Whole sectors, zeros behind the end of the file; larger than the file, since files mostly grow. */
  private room = Buffer.alloc(0);
  private length = 0;
  private lengths: number[] = [0];
  private lengthsGone = 0;
  private readonly sectors = new Map<number, Buffer[]>();

  /** The contents of now, to be read at once. */
  get bytes(): Buffer {
    return this.room.subarray(0, this.length);
  }

  write(data: Uint8Array, position: number): void {
    const end = position + data.length;
    this.change(position, end, () => {
      if (end > this.length) this.resize(end);
      this.room.set(data, position);
    });
  }

  truncate(length: number): void {
    const before = this.length;
    if (length < before) this.change(length, before, () => void this.room.fill(0, length, before));
    this.resize(length);
  }

  sync(): void {
    this.sectors.clear();
    this.forgetLengths(this.lengths.length - 1);
  }

  /** Begins to sync what is written now; what is answered makes it durable, whatever was written meanwhile. */
  beginSync(): () => void {
    const newest = new Map(Array.from(this.sectors, ([sector, all]) => [sector, all.at(-1)]));
    const newestLength = this.lengthsGone + this.lengths.length - 1;
    return () => {
      for (const [sector, held] of newest) {
        const versions = this.sectors.get(sector);
        const at = versions?.findIndex((version) => version === held) ?? -1;
        if (versions === undefined || at < 0) continue;
        if (at === versions.length - 1) this.sectors.delete(sector);
        else versions.splice(0, at);
      }
      this.forgetLengths(newestLength - this.lengthsGone);
    };
  }

  /** What a loss of power leaves. */
  left(chance: Chance, kept: number): Content {
    const after = new Content();
    const changed = chance.hits(kept);
    after.resize(this.length);
    after.room.set(this.bytes);
    for (const [sector, versions] of this.sectors) {
      const held = sectorLeft(versions, chance, kept);
      const at = sector * SECTOR_BYTES;
      if (at + SECTOR_BYTES > after.length) after.resize(at + SECTOR_BYTES);
      after.room.set(held, at);
    }
    const length = changed ? this.lengths[chance.below(this.lengths.length)] : this.lengths[0];
    after.resize(length ?? 0);
    after.sync();
    return after;
  }

  /** The oldest lengths can't come back; a later sync may have ended first. */
  private forgetLengths(count: number): void {
    if (count <= 0) return;
    this.lengths = this.lengths.slice(count);
    this.lengthsGone += count;
  }

  private resize(length: number): void {
    this.reserve(length);
    if (length < this.length) this.room.fill(0, length, this.length);
    this.length = length;
    this.lengths.push(length);
  }

  private reserve(length: number): void {
    if (length <= this.room.length) return;
    const sectors = Math.ceil(Math.max(length, 2 * this.room.length) / SECTOR_BYTES);
    const room = Buffer.alloc(sectors * SECTOR_BYTES);
    room.set(this.room);
    this.room = room;
  }

  /** Changes what lies at `from` .. `to`, and keeps what the sectors there held before it and hold then. */
  private change(from: number, to: number, apply: () => void): void {
    this.reserve(to);
    const first = Math.floor(from / SECTOR_BYTES);
    const last = Math.floor((to - 1) / SECTOR_BYTES);
    for (let sector = first; sector <= last; sector++) {
      if (!this.sectors.has(sector)) this.sectors.set(sector, [this.sector(sector)]);
    }
    apply();
    for (let sector = first; sector <= last; sector++) {
      const versions = this.sectors.get(sector);
      const held = this.sector(sector);
      if (versions?.at(-1)?.equals(held) === false) versions.push(held);
    }
  }

  private sector(sector: number): Buffer {
    return Buffer.from(this.room.subarray(sector * SECTOR_BYTES, (sector + 1) * SECTOR_BYTES));
  }
}

function sectorLeft(versions: readonly Buffer[], chance: Chance, kept: number): Buffer {
  const pick = (): Buffer => versions[chance.below(versions.length)] ?? Buffer.alloc(SECTOR_BYTES);
  const first = versions[0] ?? Buffer.alloc(SECTOR_BYTES);
  if (!chance.hits(kept)) return first;
  if (kept === 1) return versions.at(-1) ?? first;
  if (!chance.hits(TORN_PART)) return pick();
  const at = chance.below(SECTOR_BYTES);
  return Buffer.concat([pick().subarray(0, at), pick().subarray(at)]);
}
