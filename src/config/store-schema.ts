/** Options of where a broker keeps its log, and for how long. */
import { choice, option } from './option';
import type { OptionTree } from './option';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const MIB = 1024 * 1024;

export const storage = {
  dataDir: option(
    'text',
    './gantry-data',
    'The directory of the log and all that follows from it.',
    {
      argument: 'DIR',
    },
  ),
  memory: option('switch', false, 'Keep everything in memory and nothing on disk.'),
  flush: choice(
    ['sync', 'async', 'buffered'],
    'sync',
    'When a send is answered: after fdatasync (sync); after the write, with fdatasync every 500 ms (async); or from memory, with a write every 200 ms, so that a crash of the process alone takes back what was answered since (buffered).',
  ),
  store: {
    segmentBytes: option(
      'size',
      1024 * MIB,
      'The length of one file of the CommitLog. A directory keeps the length it was made with.',
      { min: 8 * MIB, max: 2048 * MIB - 1 },
    ),
    retention: {
      age: option(
        'duration',
        72 * HOUR,
        'How long messages are kept. A file of the CommitLog goes when its newest message is older.',
        { min: MINUTE, max: 10 * 365 * 24 * HOUR },
      ),
      hour: option(
        'integer',
        4,
        'The hour of the day, in local time, in which files that are old enough go; on a filling disk they go at any hour.',
        { min: 0, max: 23 },
      ),
    },
    disk: {
      warn: option(
        'integer',
        75,
        'The use of the disk, in percent, above which files that are old enough go at any hour.',
        { min: 1, max: 100 },
      ),
      clean: option(
        'integer',
        85,
        'The use of the disk, in percent, above which the oldest files go before their time, with messages that nobody received; 100 never does that.',
        { min: 1, max: 100 },
      ),
      refuse: option(
        'integer',
        90,
        'The use of the disk, in percent, above which messages are refused, until it is down to store.disk.clean again.',
        { min: 1, max: 100 },
      ),
    },
    index: {
      enabled: option(
        'switch',
        true,
        'Whether messages can be found by key and id: an index is kept beside the log.',
      ),
      slots: option(
        'integer',
        5_000_000,
        'Hash slots of an index file; 4 bytes each. Another number makes the index be built anew.',
        { min: 1, max: 100_000_000 },
      ),
      entries: option(
        'integer',
        20_000_000,
        'Room for entries in an index file; 20 bytes each. Another number makes the index be built anew.',
        { min: 2, max: 80_000_000 },
      ),
    },
  },
} satisfies OptionTree;
