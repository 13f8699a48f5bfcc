import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  anyTypes,
  type Check,
  deadLinks,
  defaultExports,
  fileNames,
  habits,
  LINES_WITHOUT_REASON,
  longFiles,
  machinePaths,
  platformBypass,
  skippedTests,
  sleepsInTests,
  type SourceText,
} from '../../support/habits';

const root = join(__dirname, '../../..');
const BINARY = /\.(png|jpg|gif|ico|woff2?|gz|tgz|zip|jar|bin)$/;

/** What git holds, and what is new and not ignored: what a commit of everything would hold. */
function repositoryFiles(): readonly SourceText[] {
  const listed = execFileSync(
    'git',
    ['ls-files', '-z', '--cached', '--others', '--exclude-standard'],
    { cwd: root, encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 },
  );
  return listed
    .split('\0')
    .filter((path) => path !== '' && !BINARY.test(path) && existsSync(join(root, path)))
    .map((path) => ({ path, text: readFileSync(join(root, path), 'utf8') }));
}

const files = repositoryFiles();

describe('the habits of this repository', () => {
  it('reads all of it', () => {
    const paths = files.map((file) => file.path);
    expect(paths).toEqual(expect.arrayContaining(['package.json', 'src/platform/platform.ts']));
  });

  it.each(Object.entries(habits))('%s', (_habit, check) => {
    expect(files.flatMap(check)).toEqual([]);
  });

  it('links in pages lead somewhere', () => {
    const check = deadLinks((path) => existsSync(join(root, path)));
    expect(files.flatMap(check)).toEqual([]);
  });
});

/** Each check finds each of the bad samples, and nothing in the good ones. */
function proves(
  name: string,
  check: Check,
  bad: readonly SourceText[],
  good: readonly SourceText[],
): void {
  describe(name, () => {
    it.each(bad)('finds $text in $path', (sample) => {
      const found = check(sample);
      expect(found.length).toBeGreaterThan(0);
      expect(found[0]).toMatch(new RegExp(`^${sample.path.replace(/[.[\]]/g, '\\$&')}:\\d+: `));
    });
    it.each(good)('lets $text in $path be', (sample) => {
      expect(check(sample)).toEqual([]);
    });
  });
}

const at =
  (path: string) =>
  (text: string): SourceText => ({ path, text });
const broker = at('src/broker/sample.ts');
const unit = at('test/unit/sample.test.ts');

proves(
  'a platform bypass',
  platformBypass,
  [
    'const now = Date.now();',
    'const read = Date.now;',
    'const today = new Date();',
    'const today = Date();',
    'const t = performance.now();',
    'const t = process.hrtime.bigint();',
    'const p = Math.random();',
    'setTimeout(run, 5);',
    'globalThis.setInterval(run, 5);',
    'const schedule = setImmediate;',
    "import { readFileSync } from 'node:fs';",
    "import * as net from 'net';",
    "import { request, type ClientRequest } from 'node:http';",
    "export { connect } from 'node:tls';",
    "const dgram = require('node:dgram');",
    "const child = await import('node:child_process');",
    "import { setTimeout as sleep } from 'node:timers/promises';",
    "import { randomBytes } from 'node:crypto';",
    'const id = crypto.randomUUID();',
  ].map(broker),
  [
    ...[
      'const at = new Date(storeTimestamp);',
      'const now = platform.clock.wallMs();',
      'interface Options { setTimeout: number } const o = { setTimeout: 1 }; o.setTimeout += 1;',
      "import type { Socket } from 'node:net';",
      "import { createHmac } from 'node:crypto';",
      "// Date.now() is for the platform\nconst why = 'Math.random()';",
    ].map(broker),
    ...['src/platform/node-clock.ts', 'src/cli/send.ts', 'src/config/load.ts', 'src/main.ts'].map(
      (path) => at(path)("import { readFileSync } from 'node:fs'; Date.now();"),
    ),
    unit('const started = Date.now();'),
  ],
);

proves(
  'an any',
  anyTypes,
  ['let x: any;', 'const y = x as any;', 'type T = Record<string, any[]>;'].map(broker),
  ['const any = 1;', '// any\nlet x: unknown;', "const s = 'x as any';"].map(broker),
);

proves(
  'a test that does not run',
  skippedTests,
  [
    "it.skip('x', run);",
    "test.only('x', run);",
    "describe.skip('x', run);",
    "it.todo('x');",
    "it.only.each([1])('x', run);",
    "test.failing('x', run);",
    "xit('x', run);",
    "fdescribe('x', run);",
  ].map(unit),
  ["it('x', run);", "it.each([1])('x', run);", 'reader.skip(4);', "// it.skip('x')"].map(unit),
);

proves(
  'a sleep in a test',
  sleepsInTests,
  [
    'await new Promise((done) => setTimeout(done, 100));',
    "import { setTimeout as sleep } from 'node:timers/promises';",
    'setInterval(look, 10);',
    'Atomics.wait(cell, 0, 0, 100);',
  ].map(unit),
  [
    unit('await until(() => broker.ready);'),
    unit('const options = { setTimeout: 5 };'),
    at('test/support/until.ts')('setTimeout(look, 10);'),
    at('test/bench/run.mjs')('setTimeout(stop, 10);'),
  ],
);

proves(
  'a default export',
  defaultExports,
  [
    'export default class Broker {}',
    'export default 1;',
    'const x = 1; export { x as default };',
    'export = broker;',
  ].map(broker),
  ['export class Broker {}', 'switch (x) { default: break; }'].map(broker),
);

const lines = (count: number): string => 'const x = 1;\n'.repeat(count);
describe('a file that is too long', () => {
  it('is found without a reason', () => {
    expect(longFiles(broker(lines(LINES_WITHOUT_REASON + 1)))).toHaveLength(1);
    expect(longFiles(broker(`// long:\n${lines(LINES_WITHOUT_REASON)}`))).toHaveLength(1);
    expect(longFiles(broker(`${lines(LINES_WITHOUT_REASON)}// long: too late\n`))).toHaveLength(1);
  });
  it('is let be with one, or when it is no code', () => {
    expect(longFiles(broker(lines(LINES_WITHOUT_REASON)))).toEqual([]);
    expect(longFiles(broker(`// long: one state machine\n${lines(400)}`))).toEqual([]);
    expect(longFiles(at('docs/data-files.md')(lines(400)))).toEqual([]);
  });
});

proves(
  'a file name',
  fileNames,
  ['src/broker/PopLedger.ts', 'test/unit/pop_ledger.test.ts', 'docs/Data-Files.md'].map((path) =>
    at(path)(''),
  ),
  [
    ...['src/broker/pop-ledger.ts', 'test/unit/pop-ledger.test.ts', 'docs/data-files.md'],
    ...[
      'README.md',
      'docs/decisions/README.md',
      'test/interop/java/src/SmokeTest.java',
      '.dependency-cruiser.cjs',
    ],
  ].map((path) => at(path)('')),
);

proves(
  'a path of one machine or a host of a registry',
  machinePaths,
  [
    ['cd /wo', 'rk/main'],
    ["const home = '/ro", "ot/.m2';"],
    ['file=/ho', 'me/ann/x'],
    ['see ../sha', 'red/DESIGN.md'],
    ['"resolved": "https://registry.npm', 'js.org/jest/-/jest-30.0.0.tgz"'],
    ['curl https://repo.maven.', 'apache.org/maven2'],
    ['GOPROXY=https://proxy.go', 'lang.org'],
  ].map((parts) => at('docs/sample.md')(parts.join(''))),
  ['data in /var/lib/gantry', 'test/work/main.ts', 'https://rocketmq.apache.org/docs/'].map(
    at('docs/sample.md'),
  ),
);

proves(
  'a link to nothing',
  deadLinks((path) => path === 'docs/store.md' || path === 'README.md'),
  ['see [the store](stores.md)', '[a](store.md) and [b](../store.md#x)'].map(at('docs/sample.md')),
  [
    '[a](store.md), [b](../README.md#start), [c](#here)',
    '[a](https://rocketmq.apache.org/docs/)',
  ].map(at('docs/sample.md')),
);

describe('the commands that the pages name', () => {
  const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
    readonly scripts: Readonly<Record<string, string>>;
  };
  const named = files
    .filter((file) => /^([A-Z]+\.md|docs\/.*\.md|\.ci\/.*|\.github\/.*)$/.test(file.path))
    .filter((file) => file.path !== 'CHANGELOG.md')
    .flatMap(({ path, text }) =>
      Array.from(text.matchAll(/\bnpm run ([a-z][a-z0-9:-]*)/g), (match) => ({
        path,
        script: match[1] ?? '',
      })),
    );

  it('are in package.json', () => {
    expect(named.filter(({ script }) => !(script in manifest.scripts))).toEqual([]);
    expect(named.length).toBeGreaterThan(0);
  });

  it("are the README's two: one to start, one to test", () => {
    const readme = readFileSync(join(root, 'README.md'), 'utf8');
    expect(readme).toContain('npm ci && npm start');
    expect(readme).toContain('npm ci && npm test');
    expect(Object.keys(manifest.scripts)).toEqual(expect.arrayContaining(['start', 'test']));
  });
});
