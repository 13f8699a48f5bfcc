import {
  checkGroupName,
  checkTopicName,
  isDerivedTopic,
  isSystemTopic,
} from '../../../src/message/names';
import { Code, codeName, StatusError, toStatusError } from '../../../src/message/status';

describe('topic names', () => {
  it.each(['t', 'a-b_c%d|e', 'T'.repeat(127), '%RETRY%group', `%DLQ%${'g'.repeat(120)}`])(
    '%s is one',
    (name) => {
      expect(() => checkTopicName(name)).not.toThrow();
    },
  );

  it.each([
    ['', 'blank'],
    ['   ', 'blank'],
    ['T'.repeat(128), '127'],
    ['a.b', 'a.b'],
    ['a b', 'a b'],
    ['täg', 'täg'],
    ['TBW102', 'system topic'],
    ['SCHEDULE_TOPIC_XXXX', 'system topic'],
    ['rmq_sys_anything', 'system topic'],
  ])('%j is none', (name, text) => {
    expect(() => checkTopicName(name)).toThrow(StatusError);
    expect(() => checkTopicName(name)).toThrow(text);
  });

  it('of retries and dead letters are known as such, and none of them is the system’s', () => {
    for (const name of ['%RETRY%g', '%DLQ%g']) {
      expect(isDerivedTopic(name)).toBe(true);
      expect(isSystemTopic(name)).toBe(false);
    }
    expect(isDerivedTopic('RETRY')).toBe(false);
  });
});

describe('group names', () => {
  it.each(['g', 'G'.repeat(120), 'a-b_c%d|e', 'CID_x'])('%s is one', (name) => {
    expect(() => checkGroupName(name)).not.toThrow();
  });

  it.each(['', ' ', 'G'.repeat(121), 'a.b', 'CID_RMQ_SYS_x'])('%j is none', (name) => {
    let thrown: unknown;
    try {
      checkGroupName(name);
    } catch (error) {
      thrown = error;
    }
    expect(thrown).toMatchObject({ code: Code.ILLEGAL_CONSUMER_GROUP });
  });
});

describe('statuses', () => {
  it('have names', () => {
    expect(codeName(Code.TOPIC_NOT_FOUND)).toBe('TOPIC_NOT_FOUND');
    expect(codeName(12)).toBe('12');
  });

  it('are made of whatever is thrown', () => {
    const known = new StatusError(Code.FORBIDDEN, 'no');
    expect(toStatusError(known)).toBe(known);
    const cause = new TypeError('broken');
    expect(toStatusError(cause)).toMatchObject({
      code: Code.INTERNAL_SERVER_ERROR,
      message: 'broken',
      cause,
    });
    expect(toStatusError('text').message).toBe('text');
  });
});
