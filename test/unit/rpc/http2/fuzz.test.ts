/** The transport under bytes that are wrong, in short; `npm run fuzz` does it for longer, from seeds of its own. */
import fc from 'fast-check';
import { honestClientProperty, lonelyClientProperty } from '../../../support/fuzz/connection';
import {
  blocksProperty,
  framesProperty,
  messagesProperty,
  rightBlocksProperty,
} from '../../../support/fuzz/parts';

test('frames are the same in any pieces, whatever their bytes', () => {
  fc.assert(framesProperty, { seed: 11, numRuns: 500 });
});

test('header blocks say what their sender meant', () => {
  fc.assert(rightBlocksProperty, { seed: 12, numRuns: 500 });
});

test('header blocks with wrong bytes are read or refused, within the limits', () => {
  fc.assert(blocksProperty, { seed: 13, numRuns: 500 });
});

test('messages are the same in any pieces, whatever their bytes', () => {
  fc.assert(messagesProperty, { seed: 14, numRuns: 500 });
});

test('nothing is left of a client, whatever it sent', async () => {
  await fc.assert(lonelyClientProperty, { seed: 9, numRuns: 400 });
});

test('an honest client is answered, whatever others sent', async () => {
  await fc.assert(await honestClientProperty(), { seed: 10, numRuns: 100 });
});
