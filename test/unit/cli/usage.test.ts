import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { flagOf, optionsOf } from '../../../src/config/option';
import { ROLES, schemas } from '../../../src/config/schema';
import { gantry } from '../../support/command-line';

describe('help', () => {
  it('names every command, and is a success on standard output', async () => {
    const { code, out, err } = await gantry(['--help']);
    expect({ code, err }).toEqual({ code: 0, err: '' });
    for (const name of [...ROLES, 'topic', 'group', 'send', 'receive', 'config']) {
      expect(out).toMatch(new RegExp(`^  ${name}\\b`, 'm'));
    }
  });

  it('of a role shows each option with the flag that changes it, its default and its variable', async () => {
    const { out } = await gantry(['start', '--help']);
    expect(out).toMatch(/--port <PORT> .*default: 8081; env: GANTRY_PORT/);
    expect(out).toMatch(/--no-auto-create .*default: true; env: GANTRY_TOPICS_AUTO_CREATE/);
    expect(out).not.toMatch(/^ +--auto-create/m);
    expect(out).toMatch(/gantry config print shows all/);
    for (const [key, spec] of optionsOf(schemas.start)) {
      const flag = new RegExp(`^  --(no-)?${flagOf(key, spec).replace('--', '')}\\b`, 'm');
      if (spec.advanced === true) expect(out).not.toMatch(flag);
      else expect(out).toMatch(flag);
    }
  });

  it.each([['topic', 'create'], ['group', 'create'], ['send'], ['receive'], ['config', 'print']])(
    'of %s %s is a success',
    async (...command) => {
      const { code, out } = await gantry([...command.filter(Boolean), '--help']);
      expect(code).toBe(0);
      expect(out).toContain(`Usage: gantry ${command.filter(Boolean).join(' ')}`);
    },
  );

  it('the version is that of the package', async () => {
    const manifest = readFileSync(join(__dirname, '../../../package.json'), 'utf8');
    const { version } = JSON.parse(manifest) as { readonly version: string };
    expect(await gantry(['--version'])).toEqual({ code: 0, out: `${version}\n`, err: '' });
  });
});

describe('a command line that makes no sense ends with 2, says why on standard error, and writes nothing else', () => {
  it.each<[string, string[], RegExp]>([
    ['a command that is none', ['strat'], /unknown command 'strat'.*\n.*start/],
    ['a flag that is none', ['start', '--prot', '1'], /unknown option '--prot'[^]*--port/],
    ['an argument too few', ['topic', 'show'], /missing required argument 'NAME'/],
    ['an argument too many', ['topic', 'list', 'x'], /too many arguments/],
    ['a value out of its range', ['start', '--port', '70000'], /^gantry: --port must be .* 65535/],
    ['a flag without its value', ['send', 't', '--body'], /argument missing/],
    ['no body, at a terminal', ['send', 't'], /^gantry: a message needs a body/],
    ['a property without a name', ['send', 't', '--body', 'b', '--property', '=v'], /NAME=VALUE/],
    ['no group', ['receive', 't'], /'--group <GROUP>' not specified/],
    ['a count that is none', ['receive', 't', '--group', 'g', '--max', '0'], /--max .* from 1 to/],
    ['a bad wait', ['receive', 't', '--group', 'g', '--wait', '1s'], /--wait .* got 1s/],
    ['a bad duration', ['receive', 't', '--group', 'g', '--invisible', 'x'], /--invisible .*got x/],
    ['a topic type', ['topic', 'create', 't', '--type', 'QUEUE'], /NORMAL, FIFO,.*not QUEUE/],
    [
      'too many queues',
      ['topic', 'create', 't', '--queues', '1025'],
      /--queues must be a whole number from 1 to 1024, got 1025/,
    ],
    ['no attempt', ['group', 'create', 'g', '--max-attempts', '0'], /--max-attempts .*got 0/],
    ['an endpoint', ['topic', 'list', '--endpoint', 'nowhere'], /--endpoint must be HOST:PORT/],
    [
      'a certificate without its key',
      ['topic', 'list', '--endpoint-certificate', '/c.pem'],
      /--endpoint-certificate and --endpoint-key are given together or not at all/,
    ],
    [
      'certificates that are not there',
      ['topic', 'list', '--endpoint-ca', '/nowhere/ca.pem'],
      /--endpoint-ca cannot be read: .*ENOENT.*\/nowhere\/ca\.pem/,
    ],
    [
      'a file that holds no certificate',
      ['topic', 'list', '--endpoint-ca', __filename],
      /--endpoint-ca .*usage\.test\.ts: holds no certificate as PEM/,
    ],
    ['an output format', ['topic', 'list', '-o', 'xml'], /Allowed choices are table, json/],
  ])('%s', async (_what, args, message) => {
    const { code, out, err } = await gantry(args);
    expect(err).toMatch(message);
    expect({ code, out }).toEqual({ code: 2, out: '' });
  });

  it('a bad GANTRY_ENDPOINT is named as such', async () => {
    const { code, err } = await gantry(['topic', 'list'], { env: { GANTRY_ENDPOINT: ':1' } });
    expect({ code, err }).toEqual({
      code: 2,
      err: 'gantry: GANTRY_ENDPOINT must be HOST:PORT with a port from 1 to 65535, got :1\n',
    });
  });
});

it.each(ROLES)('the help of config print %s shows its flags', async (role) => {
  const { code, out } = await gantry(['config', 'print', role, '--help']);
  expect(code).toBe(0);
  expect(out).toContain('--http-port');
});

describe('commands that ask nobody are quick', () => {
  it.each([[['--help']], [['start', '--help']], [['config', 'print']], [['topic', 'create']]])(
    '%p loads neither gRPC nor a role',
    (args) => {
      const script = `
        const silent = { env: {}, colours: false, out() {}, err() {} };
        require('./src/cli/run.ts').run(${JSON.stringify(args)}, silent).then(() => {
          console.log(Object.keys(require.cache).join('\\n'));
        });`;
      const loaded = execFileSync(
        process.execPath,
        ['-r', './scripts/ts-require.cjs', '-e', script],
        { cwd: join(__dirname, '../../..'), encoding: 'utf8' },
      );
      expect(loaded).toContain('commander');
      expect(loaded).not.toMatch(/node_modules.(@grpc|protobufjs|pino)|src.(assembly|rpc|store)/);
    },
  );
});
