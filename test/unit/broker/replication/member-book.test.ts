import { MemberBook } from '../../../../src/broker/replication/member-book';

describe('the stores behind replica ids', () => {
  it('are those of the in-sync set, and of who said hello', () => {
    const book = new MemberBook(['0/a', '1/b']);
    expect(book.meet(1, 'b')).toBe(true);
    expect(book.meet(2, 'c')).toBe(false);
    expect(book.members([0, 1, 2])).toEqual(['0/a', '1/b', '2/c']);
    expect(() => book.members([0, 3])).toThrow('replica 3 has not said hello');
  });

  it('a new store never takes the place of a listed one before that was taken out', () => {
    const book = new MemberBook(['0/a', '1/b']);
    expect(book.meet(1, 'new')).toBe(false);
    expect(book.members([0, 1])).toEqual(['0/a', '1/b']);
    book.list(['0/a']);
    expect(book.members([0, 1])).toEqual(['0/a', '1/new']);
  });
});
