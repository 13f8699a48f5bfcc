import fc from 'fast-check';
import { formatRecallHandle, parseRecallHandle } from '../../../src/api/recall-handle';

const word = fc.stringMatching(/^[A-Za-z0-9%|_-]{1,40}$/);

test('a recall handle says what it was made of', () => {
  fc.assert(
    fc.property(
      word,
      word,
      fc.integer({ min: 1, max: 9_000_000_000_000_000 }),
      fc.string({ minLength: 1, unit: 'grapheme' }),
      (topic, brokerName, deliverMs, messageId) => {
        const handle = { topic, brokerName, deliverMs, messageId };
        expect(parseRecallHandle(formatRecallHandle(handle))).toEqual(handle);
      },
    ),
    { seed: 7, numRuns: 300 },
  );
});

test('its text is that of RocketMQ', () => {
  const handle = {
    topic: 't',
    brokerName: 'broker-a',
    deliverMs: 1_700_000_000_000,
    messageId: 'id',
  };
  const text = formatRecallHandle(handle);
  expect(Buffer.from(text, 'base64url').toString()).toBe('v1 t broker-a 1700000000000 id');
  expect(text.length % 4).toBe(0);
});

test.each([
  ['nothing', ''],
  ['no base64', 'v1 t b 1 id'],
  ['another version', Buffer.from('v2 t b 1 id').toString('base64url')],
  ['no message id', Buffer.from('v1 t b 1 ').toString('base64url')],
  ['no number', Buffer.from('v1 t b x id').toString('base64url')],
  ['a number beyond 2^53', Buffer.from('v1 t b 9999999999999999 id').toString('base64url')],
  ['a text without end', 'A'.repeat(20_000)],
])('%s is no recall handle', (_, text) => {
  expect(parseRecallHandle(text)).toBeUndefined();
});
