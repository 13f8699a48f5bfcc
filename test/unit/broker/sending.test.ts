import { Broker } from '../../../src/broker/broker';
import { DEFAULT_BROKER_SETTINGS } from '../../../src/broker/settings';
import { encodeProperties, Property } from '../../../src/message/properties';
import { draftOfBytes, draftRecord, type RecordDraft } from '../../../src/message/record-draft';
import { draft, heardLog, simPlatform, storeOptions, DIRECTORY } from '../store/support/test-store';
import { FaultyDisk } from '../store/support/faulty-disk';
import { SimClock } from '../../support/sim-clock';
import { openStore } from '../../../src/store/open-store';

function unhurried(wait: string): RecordDraft {
  return draftRecord({
    topic: 't',
    body: Buffer.from('x'),
    properties: encodeProperties([
      [Property.KEYS, 'k'],
      [Property.WAIT, wait],
    ]),
    tag: '',
    bornTimestamp: 1,
  });
}

/** The same draft as a proxy of another process sends it. */
function overLink(source: RecordDraft): RecordDraft {
  const bytes = Buffer.alloc(source.byteLength);
  source.writeTo(bytes, 0);
  return draftOfBytes(bytes);
}

describe('flush sync and a disk that is slow to sync', () => {
  it.each([
    ['WAIT=false', unhurried('false'), true],
    ['WAIT=false over the link', overLink(unhurried('false')), true],
    ['WAIT=true', unhurried('true'), false],
    ['no WAIT', draft('t', 'x'), false],
  ])(
    'a message with %s is answered before its sync or not: %#',
    async (_what, message, answeredEarly) => {
      const disk = new FaultyDisk();
      const sim = new SimClock();
      const platform = simPlatform(disk, sim);
      const store = await openStore(storeOptions(platform));
      const broker = await Broker.open({
        store,
        directory: DIRECTORY,
        platform,
        logger: heardLog().log,
        settings: DEFAULT_BROKER_SETTINGS,
      });
      const made = broker.putTopic({ name: 't', type: 'NORMAL', queues: 1 });
      await sim.settle();
      await made;
      const release = disk.hold('datasync', /commitlog/);
      let answered = false;
      const sent = broker.send({ queueId: 0, draft: message }).then(() => void (answered = true));
      await sim.advance(5000);
      expect(answered).toBe(answeredEarly);
      // Nobody sees it before the sync, whatever its producer waits for.
      expect(store.maxOffset('t', 0)).toBe(0);
      release();
      await sim.settle();
      await sent;
      expect(store.maxOffset('t', 0)).toBe(1);
    },
  );
});
