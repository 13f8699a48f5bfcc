import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { gantry, rowsOf } from '../../support/command-line';

let directory: string;
let file: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'gantry-print-'));
  file = join(directory, 'gantry.yaml');
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

describe('gantry config print', () => {
  it('shows each value and where it came from', async () => {
    writeFileSync(file, 'port: 1001\nreceive: {minInvisible: 2500}\n');
    const { code, out } = await gantry(['config', 'print', '--config', file, '--memory'], {
      env: { GANTRY_FLUSH: 'async', GANTRY_NAMESRV: 'ignored:1' },
    });
    expect(code).toBe(0);
    const rows = rowsOf(out);
    expect(rows[0]).toEqual(['OPTION', 'VALUE', 'FROM']);
    expect(rows).toEqual(
      expect.arrayContaining([
        ['host', '0.0.0.0', 'default'],
        ['port', '1001', `file ${file}`],
        ['receive.minInvisible', '2500ms', `file ${file}`],
        ['flush', 'async', 'env GANTRY_FLUSH'],
        ['memory', 'true', 'flag --memory'],
      ]),
    );
  });

  it('flags switch off, and gather', async () => {
    const { out } = await gantry([
      ...['config', 'print', 'start', '--no-auto-create'],
      ...['--topic', 'a:FIFO', '--topic', 'b'],
    ]);
    expect(rowsOf(out)).toEqual(
      expect.arrayContaining([
        ['topics.autoCreate', 'false', 'flag --auto-create'],
        ['topics.create', 'a:FIFO:8,b:NORMAL:8', 'flag --topic'],
      ]),
    );
  });

  it.each(['table', 'json'])('shows no password as %s', async (form) => {
    const args = ['config', 'print', 'broker', '--namesrv', 'a:1', '--etcd-user', 'u'];
    const env = { GANTRY_ETCD_PASSWORD: 'seCret' };
    const { code, out } = await gantry([...args, '-o', form], { env });
    expect(code).toBe(0);
    expect(out).not.toContain('seCret');
    expect(out).toContain('***');
  });

  it('as JSON keeps the types of values', async () => {
    const args = ['config', 'print', 'proxy', '--namesrv', 'a:1,b:2', '--namesrv', 'c:3'];
    const { code, out } = await gantry([...args, '-o', 'json']);
    expect(code).toBe(0);
    expect(JSON.parse(out)).toMatchObject({
      role: 'proxy',
      options: {
        namesrv: { value: ['a:1', 'b:2', 'c:3'], source: 'flag' },
        'receive.maxPolling': { value: 20_000, source: 'default' },
        'topics.autoCreate': { value: false, source: 'default' },
      },
    });
  });

  it('names the roles to whom asks for another', async () => {
    expect(await gantry(['config', 'print', 'brokers'])).toEqual({
      ...{ code: 2, out: '' },
      err: 'gantry: ROLE must be one of start, namesrv, broker, proxy, got brokers\n',
    });
  });

  it('shows what is there also when it is not enough to start, and says so', async () => {
    const { code, out, err } = await gantry(['config', 'print', 'broker']);
    expect(code).toBe(2);
    expect(rowsOf(out)).toContainEqual(['port', '10911', 'default']);
    expect(err).toMatch(/^gantry: namesrv is empty/);
  });

  it('an unknown key is one line with the nearest one, and the code 2', async () => {
    writeFileSync(file, 'topic: {autoCreate: true}\n');
    expect(await gantry(['config', 'print', '--config', file])).toEqual({
      code: 2,
      out: '',
      err: `gantry: ${file}: topic.autoCreate is not an option; did you mean topics.autoCreate?\n`,
    });
  });
});
