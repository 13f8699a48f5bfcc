/**
 * The transport under bytes that are wrong, for minutes. `FUZZ_MINUTES` (1) is shared by the properties; `FUZZ_SEED` (any)
 * repeats a run that failed: its seed is in the message.
 */
import { randomInt } from 'node:crypto';
import type fc from 'fast-check';
import { honestClientProperty, lonelyClientProperty } from '../support/fuzz/connection';
import { runFor } from '../support/fuzz/long-run';
import {
  blocksProperty,
  framesProperty,
  messagesProperty,
  rightBlocksProperty,
} from '../support/fuzz/parts';

const PROPERTIES: Readonly<Record<string, () => unknown>> = {
  'frames are the same in any pieces': () => framesProperty,
  'header blocks say what their sender meant': () => rightBlocksProperty,
  'header blocks with wrong bytes are read or refused': () => blocksProperty,
  'messages are the same in any pieces': () => messagesProperty,
  'nothing is left of a client': () => lonelyClientProperty,
  'an honest client is answered': honestClientProperty,
};

const names = Object.keys(PROPERTIES);
const minutes = Number(process.env['FUZZ_MINUTES'] ?? 1) / names.length;
const seed = Number(process.env['FUZZ_SEED'] ?? randomInt(2 ** 31));

test.each(names)(
  `%s (seed ${seed})`,
  async (name) => {
    const property = (await PROPERTIES[name]?.()) as fc.IRawProperty<unknown>;
    expect(await runFor(minutes, seed, property)).toBeGreaterThan(100);
  },
  minutes * 60_000 + 120_000,
);
