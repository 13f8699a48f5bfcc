import { longestGapMs, staleAnswers } from './support/master-watch';

type Answer = Parameters<typeof staleAnswers>[0][number];

const answer = (
  broker: Answer['broker'],
  epoch: number,
  askedMs: number,
  answeredMs = askedMs + 1,
): Answer => ({ broker, epoch, askedMs, answeredMs, inSync: 3 });

describe('answers of masters', () => {
  it('may change from one to another', () => {
    const answers = [
      answer('broker-0', 5, 0),
      answer('broker-1', 7, 10),
      answer('broker-0', 9, 20),
    ];
    expect(staleAnswers(answers)).toEqual([]);
  });

  it('may be on their way while another begins to answer', () => {
    expect(staleAnswers([answer('broker-0', 5, 0, 30), answer('broker-1', 7, 10)])).toEqual([]);
  });

  it.each([
    ['after one of a higher epoch', answer('broker-0', 5, 20)],
    ['of the same epoch by another broker', answer('broker-2', 7, 20)],
  ])('are told when they come %s', (_what, stale) => {
    expect(staleAnswers([answer('broker-0', 5, 0), answer('broker-1', 7, 10), stale])).toEqual([
      `${stale.broker} answered in epoch ${stale.epoch} what was asked 9 ms after broker-1 had in epoch 7`,
    ]);
  });
});

describe('the longest gap', () => {
  it('counts from the beginning and to the end', () => {
    expect(longestGapMs([10, 30, 35], 0, 40)).toBe(20);
    expect(longestGapMs([], 0, 40)).toBe(40);
    expect(longestGapMs([35], 0, 40)).toBe(35);
    expect(longestGapMs([5, 99], 10, 40)).toBe(30);
  });
});
