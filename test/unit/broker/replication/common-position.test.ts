import { commonPosition, epochsBelow } from '../../../../src/broker/replication/common-position';

const line = (epoch: number, start: number): { epoch: number; start: number } => ({ epoch, start });
const log = (endPosition: number, ...epochs: ReturnType<typeof line>[]) => ({
  epochs,
  endPosition,
});

test.each([
  ['the shorter of two logs of one epoch', log(500, line(1, 0)), log(300, line(1, 0)), 300],
  [
    'the end of the newest epoch that both have',
    log(900, line(1, 0), line(2, 400), line(4, 700)),
    log(800, line(1, 0), line(2, 400), line(3, 600)),
    600,
  ],
  [
    'an epoch of another start is another one',
    log(900, line(1, 0), line(3, 400)),
    log(800, line(1, 0), line(3, 300)),
    300,
  ],
  ['an epoch without a byte', log(400, line(1, 0), line(2, 400)), log(900, line(1, 0)), 400],
  ['nothing', log(900, line(1, 0)), log(900, line(2, 0)), undefined],
])('common is %s', (_what, one, other, position) => {
  expect(commonPosition(one, other)).toBe(position);
  expect(commonPosition(other, one)).toBe(position);
});

test('lines of log that never came do not count', () => {
  expect(epochsBelow([line(1, 0), line(2, 400), line(3, 500)], 400)).toEqual([
    line(1, 0),
    line(2, 400),
  ]);
});
