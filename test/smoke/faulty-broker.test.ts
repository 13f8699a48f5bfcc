import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type GantryProcess, runGantry, startGantry } from '../support/process';
import { Code, RawClient, type RawMessage, type RawQueue } from '../support/raw-client';

const GROUP = 'readers';
const TOPIC = 'orders';

describe('a broker that stands still', () => {
  let folder: string;
  let client: RawClient;
  let broker: GantryProcess;
  const processes: GantryProcess[] = [];
  let ids = 0;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'gantry-faulty-'));
    const namesrv = await startGantry('namesrv');
    const joins = ['--namesrv', namesrv.endpoint];
    const start = (name: string): Promise<GantryProcess> =>
      startGantry('broker', {
        args: ['--data-dir', join(folder, name), '--broker-name', name, ...joins],
      });
    const [one, two] = await Promise.all([start('broker-a'), start('broker-b')]);
    const proxy = await startGantry('proxy', { args: ['--receive-min-polling', '1s', ...joins] });
    processes.push(proxy, one, two, namesrv);
    broker = two;
    await runGantry(['topic', 'create', TOPIC, '--endpoint', proxy.endpoint]);
    client = new RawClient(proxy.endpoint, 'client-1', 10_000);
  });

  afterAll(async () => {
    client.close();
    for (const running of processes) await running.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  const send = async (): Promise<{ id: string; code: number }> => {
    const id = `m-${ids++}`;
    return { id, code: (await client.send(TOPIC, id, Buffer.from(id))).code };
  };

  async function receive(queue: RawQueue): Promise<readonly RawMessage[]> {
    const options = { group: GROUP, topic: TOPIC, queue, batchSize: 32 };
    const { messages } = await client.receive({ ...options, invisibleMs: 60_000, pollMs: 1000 });
    return messages;
  }

  it('is left out after one send that nobody knows the end of, and comes back', async () => {
    const leave = await client.subscribe(GROUP, TOPIC);
    const queue = (await client.queryRoute(TOPIC)).queues.find(
      ({ broker: { name } }) => name === 'broker-b',
    );
    if (queue === undefined) throw new Error('no queue on broker-b');
    process.kill(broker.pid, 'SIGSTOP');
    let late: string[] = [];
    try {
      for (let i = 0; i < 32 && late.length === 0; i++) {
        const { id, code } = await send();
        if (code !== Code.OK) {
          expect(code).toBe(Code.PROXY_TIMEOUT);
          late = [id];
        }
      }
      expect(late).toHaveLength(1);
      for (let i = 0; i < 20; i++) expect((await send()).code).toBe(Code.OK);
    } finally {
      process.kill(broker.pid, 'SIGCONT');
    }
    const from = ids;
    let back = false;
    for (let round = 0; round < 30 && !back; round++) {
      for (let i = 0; i < 4; i++) expect((await send()).code).toBe(Code.OK);
      const messages = await receive(queue);
      back = messages.some(({ messageId }) => Number(messageId.slice(2)) >= from);
    }
    expect(back).toBe(true);
    leave();
  });
});
