/** What is wrong with config/*.json and gantry/exchange.json of a broker that does not run. */
import { join } from 'node:path';
import type { Files } from '../../platform/platform';
import { wholeJson } from '../../store/kept-twice';
import { Layout } from '../../store/layout';
import type { Report } from '../../store/tools/finding';
import { parseApacheJson } from './apache-json';
import { CONFIG_FILES, hashOfText, readNote, type ExchangeNote } from './config-files';
import { errorText } from '../../platform/error-text';

const NOTE = 'gantry/exchange.json';
/** The member of each file that says what it is for. */
const TABLES: Record<(typeof CONFIG_FILES)[number], string> = {
  'topics.json': 'topicConfigTable',
  'subscriptionGroup.json': 'subscriptionGroupTable',
  'consumerOffset.json': 'offsetTable',
};
const JSON_NAME = /\.json(\.bak)?$/;

/** Reads each file once. @param logEnd where the log ends */
export async function checkExchange(
  files: Files,
  directory: string,
  logEnd: number,
  report: Report,
): Promise<void> {
  const wrong = (file: string, what: string): void => {
    report({ kind: 'wrong', file, what });
  };
  const note = await checkNote(files, directory, logEnd, wrong);
  const visited = (await files.stat(new Layout(directory).abortBackup)) !== undefined;
  for (const name of await files.list(join(directory, 'config'))) {
    if (!JSON_NAME.test(name)) continue;
    const bytes = (await files.readFile(join(directory, 'config', name))) ?? Buffer.alloc(0);
    const fault = faultOf(name, bytes);
    if (fault !== undefined) wrong(`config/${name}`, fault);
    else if (note !== undefined && isForeign(note, name, bytes)) {
      const what =
        'is not as this broker has written it: the next start takes topics, groups and offsets from config';
      report({ kind: visited ? 'note' : 'wrong', file: `config/${name}`, what });
    }
  }
}

async function checkNote(
  files: Files,
  directory: string,
  logEnd: number,
  wrong: (file: string, what: string) => void,
): Promise<ExchangeNote | undefined> {
  const path = join(directory, NOTE);
  if ((await files.stat(path)) === undefined) return undefined;
  for (const copy of ['', '.bak']) {
    if (wholeJson(await files.readFile(`${path}${copy}`)) !== undefined) continue;
    wrong(`${NOTE}${copy}`, 'its checksum is wrong');
  }
  const note = await readNote(directory, files);
  if (note !== undefined && Math.max(note.end, note.foreignEnd) > logEnd) {
    wrong(
      NOTE,
      `speaks of position ${Math.max(note.end, note.foreignEnd)}, the log ends at ${logEnd}`,
    );
  }
  return note;
}

/** Why a file is none that a broker can read; `undefined` when it is one. */
function faultOf(name: string, bytes: Buffer): string | undefined {
  try {
    const value = parseApacheJson(bytes.toString('utf8'));
    if (!(value instanceof Map)) return 'is no JSON object';
    const known = CONFIG_FILES.find((file) => name === file || name === `${file}.bak`);
    const table = known && TABLES[known];
    if (table === undefined || value.get(table) instanceof Map) return undefined;
    return `has no ${table}`;
  } catch (error) {
    return `is no JSON: ${errorText(error)}`;
  }
}

function isForeign(note: ExchangeNote, name: string, bytes: Buffer): boolean {
  const hashes = note.hashes[name];
  return hashes !== undefined && !hashes.includes(hashOfText(bytes));
}
