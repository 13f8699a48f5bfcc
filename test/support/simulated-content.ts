import type { Chance } from './seeded';

const SECTOR_BYTES = 512;
const TORN_PART = 0.1;

/** The bytes of a file, and what each sector held since it was synced. */
export class Content {
  bytes = Buffer.alloc(0);
  private lengths: number[] = [0];
  private lengthsGone = 0;
  private readonly sectors = new Map<number, Buffer[]>();

  write(data: Uint8Array, position: number): void {
    const end = position + data.length;
    this.remember(position, end);
    if (end > this.bytes.length) this.resize(end);
    this.bytes.set(data, position);
    this.remember(position, end);
  }

  truncate(length: number): void {
    const before = this.bytes.length;
    if (length < before) {
      this.remember(length, before);
      this.bytes.fill(0, length);
      this.remember(length, before);
    }
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
    after.bytes = Buffer.from(this.bytes);
    for (const [sector, versions] of this.sectors) {
      const held = sectorLeft(versions, chance, kept);
      const at = sector * SECTOR_BYTES;
      if (at + SECTOR_BYTES > after.bytes.length) after.resize(at + SECTOR_BYTES);
      after.bytes.set(held, at);
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
    const bytes = Buffer.alloc(length);
    bytes.set(this.bytes.subarray(0, length));
    this.bytes = bytes;
    this.lengths.push(length);
  }

  /** Keeps what the sectors of `from` .. `to` hold now. */
  private remember(from: number, to: number): void {
    const last = Math.floor((to - 1) / SECTOR_BYTES);
    for (let sector = Math.floor(from / SECTOR_BYTES); sector <= last; sector++) {
      const held = Buffer.alloc(SECTOR_BYTES);
      held.set(this.bytes.subarray(sector * SECTOR_BYTES, (sector + 1) * SECTOR_BYTES));
      const versions = this.sectors.get(sector) ?? [];
      if (!versions.at(-1)?.equals(held)) versions.push(held);
      this.sectors.set(sector, versions);
    }
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
