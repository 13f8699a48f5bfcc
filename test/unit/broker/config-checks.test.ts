import type { BackoffPolicy, TopicType } from '../../../src/api/topic';
import { checkGroupConfig, checkTopicConfig } from '../../../src/broker/config-checks';
import { Code } from '../../../src/message/status';
import { groupConfig } from '../../support/model-broker';

const exponential = { kind: 'exponential', initialMs: 1000, maxMs: 2000, multiplier: 2 } as const;

describe('the backoff of a group', () => {
  it.each<[BackoffPolicy]>([
    [exponential],
    [{ ...exponential, maxMs: 1000, multiplier: 1 }],
    [{ kind: 'customized', nextMs: [1, 43_200_000] }],
  ])('may be %j', (backoff) => {
    expect(() => checkGroupConfig(groupConfig('g', { backoff }))).not.toThrow();
  });

  it.each<[BackoffPolicy, string]>([
    [{ kind: 'customized', nextMs: [] }, '1 .. 64 delays, not 0'],
    [{ kind: 'customized', nextMs: Array<number>(65).fill(1) }, '1 .. 64 delays, not 65'],
    [{ kind: 'customized', nextMs: [1, 0] }, 'delay must be 1 .. 43200000 ms, not 0'],
    [{ kind: 'customized', nextMs: [43_200_001] }, 'not 43200001'],
    [{ ...exponential, initialMs: 0 }, 'first delay must be 1'],
    [{ ...exponential, maxMs: 999 }, 'longest delay must be 1000 .. 43200000 ms, not 999'],
    [{ ...exponential, multiplier: 0.5 }, 'multiplier must be 1 .. 100, not 0.5'],
    [{ ...exponential, multiplier: NaN }, 'not NaN'],
  ])('may not be %j', (backoff, text) => {
    let error: unknown;
    try {
      checkGroupConfig(groupConfig('g', { backoff }));
    } catch (thrown) {
      error = thrown;
    }
    expect(error).toMatchObject({ code: Code.BAD_REQUEST });
    expect(String(error)).toContain(text);
  });
});

describe('what is said of lite topics', () => {
  const parent = (liteIdleMs: number, type: TopicType = 'LITE') => ({
    ...{ name: 't', type, queues: 1, liteIdleMs },
  });
  const group = (liteQuota: number, liteTopic?: string) =>
    groupConfig('g', { liteQuota, ...(liteTopic === undefined ? {} : { liteTopic }) });

  it.each([0, 1000, 315_360_000_000])('may be gone after %d ms', (idleMs) => {
    expect(() => checkTopicConfig(parent(idleMs))).not.toThrow();
  });

  it.each([1, 100_000])('may be %d for a client', (quota) => {
    expect(() => checkGroupConfig(group(quota, 't'))).not.toThrow();
  });

  it.each<[string, () => void, string]>([
    ['999 ms', () => checkTopicConfig(parent(999)), 'not 999'],
    ['over ten years', () => checkTopicConfig(parent(315_360_000_001)), '.. 315360000000 ms'],
    ['half a millisecond', () => checkTopicConfig(parent(1000.5)), 'not 1000.5'],
    ['a time of another topic', () => checkTopicConfig(parent(1000, 'FIFO')), 't is FIFO'],
    ['a quota of none', () => checkGroupConfig(group(0, 't')), 'must be 1 .. 100000, not 0'],
    ['a quota of too many', () => checkGroupConfig(group(100_001, 't')), 'not 100001'],
    ['a quota of another group', () => checkGroupConfig(group(5)), 'g is not a group of lite'],
  ])('may not be %s', (_what, check, text) => {
    let error: unknown;
    try {
      check();
    } catch (thrown) {
      error = thrown;
    }
    expect(error).toMatchObject({ code: Code.BAD_REQUEST });
    expect(String(error)).toContain(text);
  });
});
