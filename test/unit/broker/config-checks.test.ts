import type { BackoffPolicy } from '../../../src/api/topic';
import { checkGroupConfig } from '../../../src/broker/config-checks';
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
