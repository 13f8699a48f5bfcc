import { execFileSync } from 'node:child_process';
import { join } from 'node:path';

const ROOT = join(__dirname, '../../..');

/** The lines that a process logs, which calls `log` with a logger of a level. */
function logged(level: string, log: string): Record<string, unknown>[] {
  const script = `
    const { createLogger } = require('./src/observe/logger.ts');
    const logger = createLogger('broker', { level: '${level}', pretty: false });
    ${log}
    process.exit(0);`;
  const args = ['-r', './scripts/ts-require.cjs', '-e', script];
  return execFileSync(process.execPath, args, { cwd: ROOT, encoding: 'utf8' })
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
}

describe('the log', () => {
  it('is a JSON object a line on standard output, none lost when the process ends', () => {
    const lines = logged('info', `for (let i = 0; i < 1000; i++) logger.info({ i }, 'event');`);
    expect(lines).toHaveLength(1000);
    expect(lines[999]).toMatchObject({ level: 30, role: 'broker', i: 999, msg: 'event' });
    expect(Object.keys(lines[0] ?? {})).toEqual(['level', 'time', 'role', 'pid', 'i', 'msg']);
  });

  it('leaves out what is below its level', () => {
    const lines = logged('warn', `logger.info('a'); logger.warn('b'); logger.error('c');`);
    expect(lines.map(({ msg }) => msg)).toEqual(['b', 'c']);
    expect(logged('silent', `logger.fatal('a');`)).toEqual([]);
  });

  it('tells of errors with their stack', () => {
    const [line] = logged('info', `logger.error({ err: new Error('torn') }, 'failed');`);
    const stack: unknown = expect.stringContaining('Error: torn');
    expect(line).toMatchObject({ err: { message: 'torn', stack } });
  });
});
