import { type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { run } from '../support/go-program';
import { type Place, spawnAt } from '../support/process';
import { until } from '../support/until';
import { Network, type Way } from './support/network';

const PORT = 4000;
const LISTENER = `require('node:dgram').createSocket('udp4')
  .on('message', (text) => console.log(String(text))).bind(${PORT}, () => console.log('ready'))`;

/** Listens in a place for datagrams. */
class Listener {
  private heard = '';
  private readonly child: ChildProcess;

  constructor(private readonly place: Place) {
    this.child = spawnAt(place.enter, [process.execPath, '-e', LISTENER], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    this.child.stdout?.on('data', (chunk: Buffer) => (this.heard += chunk.toString()));
  }

  async hears(text: string): Promise<void> {
    await until(text, 10_000, () => (this.heard.includes(text) ? true : undefined));
  }

  /** Whether a datagram arrives; one from the tests behind it does in any case. */
  async receives(text: string, from: Place): Promise<boolean> {
    const send = (word: string): string => `echo ${word} > /dev/udp/${this.place.host}/${PORT}`;
    const { enter } = from;
    const [program = '', ...args] = [...enter, 'bash', '-c', send(text)];
    await run(program, args).catch(() => undefined); // the sender may be told that it is cut off
    await run('bash', ['-c', send(`after-${text}`)]);
    await this.hears(`after-${text}`);
    return this.heard.split('\n').includes(text);
  }

  async stop(): Promise<void> {
    this.child.kill('SIGKILL');
    await once(this.child, 'close');
  }
}

describe('a network of namespaces', () => {
  let network: Network;
  let listeners: readonly [Listener, Listener];
  let places: readonly [Place, Place];
  beforeAll(async () => {
    network = await Network.create();
    places = [await network.join('one'), await network.join('two')];
    listeners = [new Listener(places[0]), new Listener(places[1])];
    await Promise.all(listeners.map((listener) => listener.hears('ready')));
  });
  afterAll(async () => {
    await Promise.all(listeners.map((listener) => listener.stop()));
    await network.remove();
  });

  it.each<[Way, boolean, boolean]>([
    ['both', false, false],
    ['out', false, true],
    ['in', true, false],
  ])('drops packets of the first one: %s', async (way, reachesSecond, reachesFirst) => {
    await network.cut('one', ['two'], way);
    const [one, two] = places;
    expect(await listeners[1].receives(`to-two-${way}`, one)).toBe(reachesSecond);
    expect(await listeners[0].receives(`to-one-${way}`, two)).toBe(reachesFirst);
    await network.heal();
    expect(await listeners[1].receives(`healed-two-${way}`, one)).toBe(true);
    expect(await listeners[0].receives(`healed-one-${way}`, two)).toBe(true);
  });
});

it('leaves nothing behind when it is removed', async () => {
  const network = await Network.create();
  await network.join('one');
  expect(await namesWith(network.tag)).toHaveLength(3);
  await network.remove();
  expect(await namesWith(network.tag)).toEqual([]);
});

/** Interfaces and namespaces; others on this machine may come and go meanwhile. */
async function namesWith(tag: string): Promise<readonly string[]> {
  const links = await run('ip', ['-brief', 'link']);
  const namespaces = await run('ip', ['netns', 'list']);
  const lines = `${links.stdout}${namespaces.stdout}`.split('\n');
  return lines.filter((line) => line.startsWith(tag));
}
