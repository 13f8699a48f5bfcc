import { startStandalone, type Standalone } from '../../../src';
import { gantry, type Outcome } from '../../support/command-line';
import { until } from '../../support/until';

let broker: Standalone;
beforeAll(async () => {
  broker = await startStandalone({
    topics: ['mails', 'letters', { name: 'calls', type: 'PRIORITY' }],
    autoCreateTopics: false,
    minInvisibleMs: 100,
  });
});
afterAll(() => broker.stop());

const at = (args: readonly string[], interactive = false): Promise<Outcome> =>
  gantry([...args, '--endpoint', broker.endpoint], { interactive });

interface Listed {
  readonly messages: readonly { readonly messageId: string }[];
}

/** Sends `bodies`, and lets a group give them up. */
async function giveUp(
  topic: string,
  group: string,
  bodies: readonly string[],
  more: readonly string[] = [],
): Promise<void> {
  await at(['group', 'create', group, '--max-attempts', '1', '--from-beginning']);
  for (const body of bodies) {
    const details = ['--tag', 'red', '--key', 'k1', '--property', 'colour=blue', ...more];
    await at(['send', topic, '--body', body, ...details]);
  }
  const count = String(bodies.length);
  const args = ['receive', topic, '--group', group, '--max', count, '--no-ack'];
  await at([...args, '--invisible', '1s']);
  await until('all are given up', 15_000, async () => {
    const { code, out } = await at(['dlq', 'list', group, '-o', 'json']);
    const all = code === 0 && (JSON.parse(out) as Listed).messages.length === bodies.length;
    return all ? true : undefined;
  });
}

async function received(topic: string, group: string): Promise<readonly object[]> {
  const args = ['receive', topic, '--group', group, '--max', '9', '--wait', '1', '-o', 'json'];
  const { out } = await at(args);
  return out
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as object);
}

describe('gantry dlq resend', () => {
  it('sends dead letters as they were to where they came from, each once, with a progress bar', async () => {
    await giveUp('mails', 'givers', ['1', '2', '3']);
    const { out } = await at(['dlq', 'list', 'givers', '-o', 'json']);
    const ids = (JSON.parse(out) as Listed).messages.map(({ messageId }) => messageId);
    const first = await at(['dlq', 'resend', 'givers', '--max', '1', '-o', 'json']);
    expect(JSON.parse(first.out)).toEqual({ resent: 1, kept: [] });
    const rest = await at(['dlq', 'resend', 'givers', '--rate', '1000'], true);
    expect(rest).toMatchObject({ code: 0, out: '2 dead letters of group givers sent again\n' });
    expect(rest.err).toMatch(/\[#* *\] +\d+ %/);
    const none = await at(['dlq', 'resend', 'givers']);
    expect(none.out).toBe('0 dead letters of group givers sent again\n');
    const messages = await received('mails', 'givers');
    const as = { tag: 'red', keys: ['k1'], properties: { colour: 'blue' }, attempt: 1 };
    expect(messages).toHaveLength(3);
    expect(messages).toEqual(
      expect.arrayContaining(
        ['1', '2', '3'].map((body) => expect.objectContaining({ body, ...as }) as object),
      ),
    );
    // Not the first ids, which the topic has had a moment ago.
    expect(ids).not.toContain((messages[0] as { messageId: string }).messageId);
  });

  it('keeps those that their topic does not take, and sends them when it does', async () => {
    await giveUp('letters', 'keepers', ['x']);
    await at(['topic', 'delete', 'letters']);
    const refused = await at(['dlq', 'resend', 'keepers']);
    expect(refused).toMatchObject({ code: 1, out: '0 dead letters of group keepers sent again\n' });
    expect(refused.err).toMatch(/^\w+ not sent: topic letters does not exist\n$/);
    await at(['topic', 'create', 'letters']);
    await until('it is sent', 10_000, async () => {
      const { out } = await at(['dlq', 'resend', 'keepers', '-o', 'json']);
      return (JSON.parse(out) as { resent: number }).resent === 1 ? true : undefined;
    });
    await at(['group', 'create', 'others', '--from-beginning']);
    expect(await received('letters', 'others')).toMatchObject([{ body: 'x' }]);
  });

  it('keeps the priority', async () => {
    await giveUp('calls', 'callers', ['x'], ['--priority', '5']);
    expect(await at(['dlq', 'resend', 'callers'])).toMatchObject({ code: 0 });
    expect(await received('calls', 'callers')).toMatchObject([{ body: 'x', priority: 5 }]);
  });

  it('keeps to its rate', async () => {
    await giveUp('mails', 'slow', ['1', '2', '3']);
    const from = performance.now();
    await at(['dlq', 'resend', 'slow', '--rate', '2']);
    expect(performance.now() - from).toBeGreaterThan(950);
  });

  it('has nothing to do for a group without dead letters, and refuses a rate of none', async () => {
    await at(['group', 'create', 'fresh']);
    expect((await at(['dlq', 'resend', 'fresh'])).out).toMatch(/^0 dead letters/);
    const unknown = await at(['dlq', 'resend', 'nobody']);
    expect(unknown).toMatchObject({ code: 1, out: '' });
    expect(unknown.err).toBe('CONSUMER_GROUP_NOT_FOUND: there is no consumer group nobody\n');
    expect(await at(['dlq', 'resend', 'g', '--rate', '0'])).toMatchObject({ code: 2 });
  });
});
