import { plain, table } from '../../../src/cli/text';

describe('text for people', () => {
  it('a table is as wide as its widest cells', () => {
    expect(
      table(
        ['NAME', 'N'],
        [
          ['a', '1'],
          ['long name', '20'],
        ],
      ),
    ).toBe('NAME       N\na          1\nlong name  20\n');
  });

  it('control characters of others do not reach the terminal', () => {
    expect(plain('a\u001b[2Jb\r\n\tc\u009b1md')).toBe('a\\x1b[2Jb\\r\\n\\tc\\x9b1md');
    expect(table(['NAME'], [['\u001b]0;x\u0007']])).toBe('NAME\n\\x1b]0;x\\x07\n');
  });

  it('letters of all languages stay', () => {
    expect(plain('Grüße, 世界')).toBe('Grüße, 世界');
  });
});
