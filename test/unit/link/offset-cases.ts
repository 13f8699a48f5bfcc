import type { PullRequest, PullResult, ResetRequest } from '../../../src/api/offset-api';
import { readRecord } from '../../../src/message/record';
import { Code } from '../../../src/message/status';
import { messageDraft } from '../../support/test-broker';
import type { BrokerApiUnderTest } from './broker-api-suite';

/** What every BrokerApi does with offsets; topic `t` of two queues and group `g` on it are there. */
export function offsetCases(broker: () => BrokerApiUnderTest): void {
  const never = new AbortController().signal;
  const queue = { group: 'g', topic: 't', queueId: 0 };

  const send = async (...ids: string[]): Promise<void> => {
    const { api, drive } = broker();
    for (const id of ids) {
      await drive(api.send({ queueId: 0, draft: messageDraft('t', id, id.slice(0, 1)) }));
    }
  };
  const request = (changes: Partial<PullRequest> = {}): PullRequest => ({
    ...{ ...queue, clientId: 'c', offset: 0, maxMessages: 32, pollMs: 0 },
    filter: { type: 'TAG', expression: '*' },
    ...changes,
  });
  const pull = (changes: Partial<PullRequest> = {}): Promise<PullResult | undefined> =>
    broker().drive(broker().api.offsets.pull(request(changes), never));
  const idsIn = (result: PullResult | undefined): readonly string[] =>
    (result?.records ?? []).map((record) => String(readRecord(record, 0).body).slice(8));

  it('reads a queue from any offset, by tag and by SQL, and says where to go on', async () => {
    await send('a1', 'b1', 'a2', 'b2');
    const all = await pull();
    expect([idsIn(all), all?.nextOffset]).toEqual([['a1', 'b1', 'a2', 'b2'], 4]);
    const two = await pull({ offset: 1, maxMessages: 2 });
    expect([idsIn(two), two?.nextOffset]).toEqual([['b1', 'a2'], 3]);
    expect(idsIn(await pull({ filter: { type: 'TAG', expression: 'b' } }))).toEqual(['b1', 'b2']);
    const sql = { type: 'SQL', expression: "TAGS = 'a'" } as const;
    expect(idsIn(await pull({ filter: sql }))).toEqual(['a1', 'a2']);
    const none = await pull({ filter: { type: 'TAG', expression: 'c' } });
    expect(none).toEqual({ records: [], nextOffset: 4, illegal: '' });
  });

  it('waits for a message that matches, and answers a wait that is stopped', async () => {
    const { api, drive } = broker();
    const filter = { type: 'TAG', expression: 'b' } as const;
    const waiting = api.offsets.pull(request({ filter, pollMs: 5_000 }), never);
    const stop = new AbortController();
    const stopped = api.offsets.pull(request({ filter, pollMs: 5_000 }), stop.signal);
    await send('a1');
    stop.abort();
    expect(await drive(stopped)).toBeUndefined();
    await send('b1');
    const found = await drive(waiting);
    expect([idsIn(found), found?.nextOffset]).toEqual([['b1'], 2]);
    expect(await pull({ offset: 2, pollMs: 200 })).toEqual({
      ...{ records: [], nextOffset: 2, illegal: '' },
    });
  });

  it('names the nearest offset for one that the queue does not have', async () => {
    await send('a1');
    expect(await pull({ offset: 5 })).toEqual({
      ...{ records: [], nextOffset: 1 },
      illegal: 'offset 5 is not in 0 .. 1 of queue 0 of topic t',
    });
    expect(await pull({ offset: -3 })).toMatchObject({ nextOffset: 0 });
  });

  it('keeps the progress that a client says, and answers where queues begin and end', async () => {
    const { api, drive } = broker();
    const { offsets } = api;
    await send('a1', 'a2', 'a3');
    const update = (offset: number): Promise<void> =>
      drive(offsets.update({ ...queue, clientId: 'c', offset }));
    for (const offset of [2, 1, 3]) {
      await update(offset);
      expect(await drive(offsets.get(queue))).toBe(offset);
    }
    for (const offset of [4, -1]) {
      await expect(update(offset)).rejects.toMatchObject({ code: Code.ILLEGAL_OFFSET });
    }
    const query = (policy: Parameters<typeof offsets.query>[0]['policy']): Promise<number> =>
      drive(offsets.query({ topic: 't', queueId: 0, policy }));
    expect(await query({ at: 'beginning' })).toBe(0);
    expect(await query({ at: 'end' })).toBe(3);
    expect(await query({ at: 'time', timeMs: 0 })).toBe(0);
    expect(await query({ at: 'time', timeMs: 9_000_000_000_000 })).toBe(3);
    await expect(drive(offsets.get({ ...queue, group: 'other' }))).rejects.toMatchObject({
      code: Code.OFFSET_NOT_FOUND,
    });
    await expect(drive(offsets.get({ ...queue, queueId: 2 }))).rejects.toMatchObject({
      code: Code.BAD_REQUEST,
    });
  });

  it('moves a group, and tells beforehand what that does', async () => {
    const { api, drive } = broker();
    await send('a1', 'a2', 'a3');
    const reset = (changes: Partial<ResetRequest>): ReturnType<typeof api.offsets.reset> => {
      const all = { group: 'g', topic: 't', queueId: undefined, dryRun: false };
      return drive(api.offsets.reset({ ...all, to: { at: 'end' }, ...changes }));
    };
    const one = { broker: 'a', queueId: 0, from: 0, to: 3, again: 0, skipped: 3, cancelled: 0 };
    const other = { ...one, queueId: 1, to: 0, skipped: 0 };
    expect(await reset({ dryRun: true })).toEqual([one, other]);
    expect(await drive(api.offsets.get(queue))).toBe(0);
    expect(await reset({ queueId: 0 })).toEqual([one]);
    expect(await drive(api.offsets.get(queue))).toBe(3);
    const back = { ...one, from: 3, to: 1, skipped: 0, again: 2 };
    expect(await reset({ queueId: 0, to: { at: 'offset', offset: 1 } })).toEqual([back]);
    expect(await reset({ to: { at: 'time', timeMs: 0 } })).toMatchObject([{ to: 0 }, { to: 0 }]);
    await expect(reset({ group: 'nobody' })).rejects.toMatchObject({
      code: Code.CONSUMER_GROUP_NOT_FOUND,
    });
    await expect(reset({ queueId: 1, to: { at: 'offset', offset: 1 } })).rejects.toMatchObject({
      code: Code.ILLEGAL_OFFSET,
    });
  });
}
