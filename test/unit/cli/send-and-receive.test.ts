import { startStandalone, type Standalone } from '../../../src';
import { gantry, rowsOf, type Outcome } from '../../support/command-line';

let broker: Standalone;
beforeAll(async () => {
  broker = await startStandalone({
    topics: [
      'mails',
      'letters',
      { name: 'orders', type: 'FIFO' },
      { name: 'calls', type: 'PRIORITY' },
    ],
    autoCreateTopics: false,
    minInvisibleMs: 1000,
  });
});
afterAll(() => broker.stop());

const at = (...args: string[]): Promise<Outcome> =>
  gantry([...args, '--endpoint', broker.endpoint]);

/** Makes a group that starts now. */
async function group(topic: string, name: string): Promise<void> {
  const { code, err } = await at('receive', topic, '--group', name, '--wait', '0');
  expect({ code, err }).toEqual({ code: 0, err: 'no message within 0 s\n' });
}

interface Received {
  readonly messageId: string;
  readonly [field: string]: unknown;
}

const lines = ({ out }: Outcome): Received[] =>
  out
    .split('\n')
    .filter((text) => text !== '')
    .map((text) => JSON.parse(text) as Received);

describe('gantry send and gantry receive', () => {
  it('a message arrives with its tag, keys, properties and body', async () => {
    await group('mails', 'whole');
    const sent = await at(
      ...['send', 'mails', '--body', 'Grüße', '--tag', 'a', '--key', 'k1', '--key', 'k2'],
      ...['--property', 'x=1=2', '-o', 'json'],
    );
    expect(sent).toMatchObject({ code: 0, err: '' });
    const { messageId } = JSON.parse(sent.out) as Received;
    const received = await at('receive', 'mails', '--group', 'whole', '-o', 'json');
    expect(received).toMatchObject({ code: 0, err: '' });
    expect(lines(received)).toMatchObject([
      {
        messageId,
        topic: 'mails',
        tag: 'a',
        keys: ['k1', 'k2'],
        properties: { x: '1=2' },
        body: 'Grüße',
        attempt: 1,
      },
    ]);
  });

  it('for people it is a row, and control characters are harmless', async () => {
    await group('mails', 'people');
    const { out } = await gantry(['send', 'mails', '--endpoint', broker.endpoint], {
      input: 'one\ntwo\u001b[2J',
    });
    const id = /^sent ([0-9A-F]{34}) to mails, offset \d+\n$/.exec(out)?.[1];
    const received = await at('receive', 'mails', '--group', 'people');
    expect(rowsOf(received.out)).toEqual([
      ['MESSAGE ID', 'ATTEMPT', 'TAG', 'KEYS', 'BODY'],
      [id, '1', '-', '-', 'one\\ntwo\\x1b[2J'],
    ]);
  });

  it('a higher priority comes first', async () => {
    await group('calls', 'priorities');
    for (const priority of ['0', '7', '3']) {
      const sent = await at('send', 'calls', '--body', `p${priority}`, '--priority', priority);
      expect(sent).toMatchObject({ code: 0, err: '' });
    }
    const received = await at(
      ...['receive', 'calls', '--group', 'priorities', '--max', '3', '-o', 'json'],
    );
    expect(lines(received)).toMatchObject([
      { body: 'p7', priority: 7 },
      { body: 'p3', priority: 3 },
      { body: 'p0', priority: 0 },
    ]);
  });

  it('a priority that is no number, or not for its topic, is refused', async () => {
    const wrong = await at('send', 'calls', '--body', 'x', '--priority', '-1');
    expect(wrong).toMatchObject({ code: 2 });
    expect(wrong.err).toContain('--priority must be a whole number from 0 to 2147483647, got -1');
    const elsewhere = await at('send', 'mails', '--body', 'x', '--priority', '1');
    expect(elsewhere).toMatchObject({ code: 1 });
    expect(elsewhere.err).toContain('topic mails takes messages of type NORMAL');
  });

  it('a message of each kind is sent by its option', async () => {
    for (const type of ['FIFO', 'DELAY', 'LITE']) {
      const queues = type === 'FIFO' ? ['--queues', '1'] : [];
      await at('topic', 'create', type.toLowerCase(), '--type', type, ...queues);
    }
    await group('fifo', 'steps');
    for (const body of ['first', 'second']) {
      const sent = await at('send', 'fifo', '--body', body, '--group', 'order-1');
      expect(sent).toMatchObject({ code: 0, err: '' });
    }
    const steps = await at('receive', 'fifo', '--group', 'steps', '--max', '2', '-o', 'json');
    expect(lines(steps)).toMatchObject([{ body: 'first' }, { body: 'second' }]);
    expect(await at('send', 'delay', '--body', 'x', '--delay', '1h')).toMatchObject({ code: 0 });
    expect((await at('delay', 'list')).out).toContain('1 in all');
    const lite = await at('send', 'lite', '--body', 'x', '--lite-topic', 'room-1');
    expect(lite).toMatchObject({ code: 0, err: '' });
  });

  it.each([
    [['--delay', 'soon'], /^gantry: --delay must be a duration .*, got soon\n$/],
    [['--delay', '1s', '--group', 'g'], /^gantry: a message has one of --priority, --group,/],
  ])('a kind that cannot be is refused: %j', async (flags, reason) => {
    const refused = await at('send', 'mails', '--body', 'x', ...flags);
    expect(refused).toMatchObject({ code: 2, out: '' });
    expect(refused.err).toMatch(reason);
  });

  it('a body that is no text comes as base64', async () => {
    await group('mails', 'bytes');
    const input = Buffer.from([0xff, 0, 0x80]);
    await gantry(['send', 'mails', '--endpoint', broker.endpoint], { input });
    const [message] = lines(await at('receive', 'mails', '--group', 'bytes', '-o', 'json'));
    expect(message).toMatchObject({ bodyBase64: input.toString('base64') });
    expect(message).not.toHaveProperty('body');
  });

  it('what is acknowledged does not come again; --max says how many', async () => {
    await group('mails', 'acked');
    for (const body of ['1', '2', '3']) await at('send', 'mails', '--body', body);
    const args = ['receive', 'mails', '--group', 'acked', '-o', 'json'];
    const first = lines(await at(...args, '--max', '2'));
    const rest = lines(await at(...args, '--max', '5', '--wait', '1'));
    expect([first.length, rest.length]).toEqual([2, 1]);
    expect([...first, ...rest].map(({ body }) => body).sort()).toEqual(['1', '2', '3']);
  });

  it('only wanted tags come', async () => {
    await group('mails', 'tagged');
    for (const tag of ['a', 'b', 'c']) await at('send', 'mails', '--body', tag, '--tag', tag);
    const args = ['receive', 'mails', '--group', 'tagged', '--tag', 'a||c', '--max', '3'];
    const received = lines(await at(...args, '--wait', '1', '-o', 'json'));
    expect(received.map(({ tag }) => tag).sort()).toEqual(['a', 'c']);
  });

  it('--from-beginning makes a new group start at the oldest message, and leaves an old one where it is', async () => {
    for (const body of ['1', '2']) await at('send', 'letters', '--body', body);
    const args = [
      'receive',
      'letters',
      '--from-beginning',
      '--max',
      '9',
      '--wait',
      '1',
      '-o',
      'json',
    ];
    const first = lines(await at(...args, '--group', 'reader'));
    expect(first.map(({ body }) => body).sort()).toEqual(['1', '2']);
    expect(lines(await at(...args, '--group', 'reader'))).toEqual([]);
    const group = await at('group', 'show', 'reader', '-o', 'json');
    expect(JSON.parse(group.out)).toMatchObject({ startFrom: 'beginning', fifo: false });
  });

  it('--no-ack leaves the message in flight, to come again', async () => {
    await group('mails', 'peeking');
    await at('send', 'mails', '--body', 'x');
    const args = ['receive', 'mails', '--group', 'peeking', '-o', 'json'];
    const [peeked] = lines(await at(...args, '--no-ack', '--invisible', '1s'));
    expect(peeked).toMatchObject({ body: 'x', attempt: 1 });
    const [again] = lines(await at(...args, '--wait', '8'));
    expect(again).toMatchObject({ messageId: peeked?.messageId, attempt: 2 });
  });

  it('a wait without a message ends on time and is no failure', async () => {
    await group('mails', 'empty');
    const from = performance.now();
    const outcome = await at('receive', 'mails', '--group', 'empty', '--wait', '1');
    expect(outcome).toEqual({ code: 0, out: '', err: 'no message within 1 s\n' });
    expect(performance.now() - from).toBeGreaterThanOrEqual(990);
    expect(performance.now() - from).toBeLessThan(4000);
  });
});

describe('failures are one line with their name, and the code 1', () => {
  it.each([
    ['an unknown topic, sending', ['send', 'nowhere', '--body', 'x'], /^TOPIC_NOT_FOUND: .+\n$/],
    ['and receiving', ['receive', 'nowhere', '--group', 'g'], /^TOPIC_NOT_FOUND: .+\n$/],
    ['an illegal topic', ['send', 'no where', '--body', 'x'], /^ILLEGAL_TOPIC: .+\n$/],
    [
      'an invisible duration below the limit',
      ['receive', 'mails', '--group', 'g', '--invisible', '999ms'],
      /^ILLEGAL_INVISIBLE_TIME: .+1000.+\n$/,
    ],
    [
      'a message of the wrong type',
      ['send', 'orders', '--body', 'x'],
      /^MESSAGE_PROPERTY_CONFLICT_WITH_TYPE: .+FIFO.+\n$/,
    ],
  ])('%s', async (_what, args, message) => {
    const { code, out, err } = await at(...args);
    expect(err).toMatch(message);
    expect({ code, out }).toEqual({ code: 1, out: '' });
  });

  it('a proxy that is not there', async () => {
    const gone = await startStandalone();
    await gone.stop();
    const env = { GANTRY_ENDPOINT: gone.endpoint };
    const { code, err } = await gantry(['send', 'mails', '--body', 'x'], { env });
    expect(code).toBe(1);
    expect(err).toBe(
      `gantry: UNAVAILABLE: nothing answers at ${gone.endpoint}: connect ECONNREFUSED ${gone.endpoint}\n`,
    );
  });
});
