import { restMs } from '../../../../src/broker/replication/catch-up-pace';

const MIB = 1024 * 1024;

test.each([
  ['nothing while the event loop has nothing else to do', 100 * MIB, 1, 0],
  ['several times what others took, so that they hardly notice', 100 * MIB, 3, 12],
  ['a bounded time however busy it is', 100 * MIB, 500, 20],
  ['nothing for one that is near the end: answers may wait for it', 4 * MIB, 500, 0],
])('a follower that catches up rests %s', (_, behindBytes, turnMs, expected) => {
  expect(restMs(behindBytes, turnMs)).toBe(expected);
});
