import { RecentDeadLetters } from '../../../../src/broker/pop/recent-dead-letters';

const origin = (queueOffset: number, topic = 't') => ({
  ...{ group: 'g', topic, queueId: 0, queueOffset, generation: 0 },
});

describe('recent dead letters', () => {
  it('are the newest ones, up to a bound', () => {
    const recent = new RecentDeadLetters(2);
    for (const offset of [1, 2, 1, 3]) recent.add(origin(offset));
    expect([...recent.all()]).toEqual([origin(1), origin(3)]);
    expect([1, 2, 3].map((offset) => recent.has(origin(offset)))).toEqual([true, false, true]);
  });

  it('are forgotten with their topic', () => {
    const recent = new RecentDeadLetters();
    recent.add(origin(1));
    recent.add(origin(1, 'other'));
    recent.forget('g', 't');
    expect([...recent.all()]).toEqual([origin(1, 'other')]);
  });
});
