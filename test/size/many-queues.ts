/** Many topics of eight queues, a message in each: memory, open files, reopening after a stop and after kill -9. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { draftRecord } from '../../src/message/record-draft';
import { openStore } from '../../src/store/open-store';
import { options, residentMiB, say, timedOpen } from './main';

const QUEUES = 8;
const TOPICS_AT_ONCE = 100;

export async function manyQueues(parent: string, topics: number): Promise<void> {
  const directory = join(parent, 'many');
  const before = residentMiB();
  let store = await openStore(options(directory));
  const begin = performance.now();
  for (let first = 0; first < topics; first += TOPICS_AT_ONCE) {
    let end = 0;
    for (let t = first; t < Math.min(topics, first + TOPICS_AT_ONCE); t++) {
      for (let queueId = 0; queueId < QUEUES; queueId++) {
        end = store.append(draftOf(`topic-${t}`), queueId).endOffset;
      }
    }
    await store.durable(end);
  }
  say(`a message in each of ${topics} x ${QUEUES} queues`, `${ms(begin)} ms`);
  await store.close();
  say('with all entries written and synced', `${ms(begin)} ms`);
  store = await timedOpen(`${topics} x ${QUEUES} queues after a clean stop`, options(directory));
  say('memory above an empty process', `${residentMiB() - before} MiB`);
  say('open files', String((await readdir('/proc/self/fd')).length));
  await store.close();
  await killed(directory);
  store = await timedOpen(`${topics} x ${QUEUES} queues after kill -9`, options(directory));
  await store.close();
}

/** Another process opens the store, appends for a while, and is killed. */
async function killed(directory: string): Promise<void> {
  const child = spawn(process.execPath, [join(__dirname, 'append-and-hang.mjs'), directory], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await once(child.stdout, 'data');
  child.kill('SIGKILL');
  await once(child, 'close');
}

export function draftOf(topic: string): ReturnType<typeof draftRecord> {
  const body = Buffer.alloc(128, 'many ');
  return draftRecord({ topic, body, properties: '', tag: '', bornTimestamp: 1 });
}

function ms(begin: number): number {
  return Math.round(performance.now() - begin);
}
