import { crc32 } from 'node:zlib';
import { type Chance, seeded } from '../support/seeded';

/** Chance of its own for each purpose: more of one does not change another. */
export function chanceOf(seed: number, purpose: string): Chance {
  return seeded(crc32(`${seed} ${purpose}`));
}
