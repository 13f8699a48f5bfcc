import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type GantryProcess, ROOT, startGantry } from '../support/process';
import { within } from '../support/until';

const README_ENDPOINT = '127.0.0.1:8081';
const SNIPPET_MS = 120_000;

/** Where each language's snippet of the README is run with what; `.cache` is from scripts/interop-setup.mjs. */
const SNIPPETS = {
  js: { file: 'first-message.mjs', command: [process.execPath], word: 'Hello from Node' },
  python: {
    file: 'first_message.py',
    command: [join(ROOT, '.cache', 'python', 'bin', 'python')],
    word: 'Hello from Python',
  },
  java: {
    file: 'FirstMessage.java',
    command: ['java', '-cp', join(ROOT, '.cache', 'java', 'lib', '*')],
    word: 'Hello from Java',
  },
} as const;

/** The code block of the README whose first line names the file. */
function snippet(language: keyof typeof SNIPPETS): string {
  const readme = readFileSync(join(ROOT, 'README.md'), 'utf8');
  const { file } = SNIPPETS[language];
  for (const [, code = ''] of readme.matchAll(new RegExp(`\`\`\`${language}\n(.*?)\`\`\``, 'gs'))) {
    if (code.split('\n', 1)[0]?.includes(file) === true) return code;
  }
  throw new Error(`README.md has no ${language} block for ${file}`);
}

describe('the first message of the README', () => {
  let gantry: GantryProcess;
  let folder: string;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'gantry-readme-'));
    symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
    gantry = await startGantry('start', { args: ['--data-dir', join(folder, 'data')] });
  });

  afterAll(async () => {
    await gantry.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  it.each(['js', 'python', 'java'] as const)('%s: is sent and received', async (language) => {
    const { file, command, word } = SNIPPETS[language];
    const code = snippet(language);
    expect(code).toContain(README_ENDPOINT);
    writeFileSync(join(folder, file), code.replaceAll(README_ENDPOINT, gantry.endpoint));
    const [program, ...args] = command;
    const child = spawn(
      program,
      [...args, ...(language === 'java' ? [`-Duser.home=${folder}`] : []), file],
      {
        cwd: folder,
        env: { ...process.env, HOME: folder },
        stdio: ['ignore', 'pipe', 'pipe'],
      },
    );
    let output = '';
    child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => (output += chunk.toString()));
    const ended = once(child, 'close') as Promise<[number | null]>;
    try {
      const [exitCode] = await within(`${file} to end`, SNIPPET_MS, ended);
      expect(output).toMatch(new RegExp(`received \\S+ ${word}`));
      expect(exitCode).toBe(0);
    } finally {
      child.kill('SIGKILL');
      await ended;
    }
  });
});
