import type { LiteStart } from '../../src/api/lite-api';
import type { PopRequest, PopResult } from '../../src/api/broker-api';
import { Property } from '../../src/message/properties';
import type { Files } from '../../src/platform/platform';
import { BrokerBench } from './broker-bench';
import type { SimClock } from './sim-clock';
import { messageDraft, type TestBrokerOptions } from './test-broker';

/** Topic `t` has lite topics, group `g` receives them. */
export class LiteBench extends BrokerBench {
  static async ready(
    options: TestBrokerOptions = {},
    files?: Files,
    sim?: SimClock,
  ): Promise<LiteBench> {
    const bench = new LiteBench(options, files, sim);
    await bench.open();
    await bench.drive(bench.broker.putTopic({ name: 't', type: 'LITE', queues: 1 }));
    return bench;
  }

  /** Sends messages named `LITE-...`, each to the lite topic that its name begins with. */
  async sendLite(...ids: string[]): Promise<void> {
    await Promise.all(ids.map((id) => this.sendTo(id.split('-')[0] ?? '', id)));
  }

  async sendTo(liteTopic: string, id: string): Promise<void> {
    const draft = messageDraft('t', id, '', { [Property.LITE_TOPIC]: liteTopic });
    await this.drive(this.broker.send({ queueId: 0, draft, liteTopic }));
  }

  /** Adds lite topics to those of a client. */
  add(
    client: string,
    liteTopics: readonly string[],
    start?: LiteStart,
  ): Promise<readonly string[]> {
    const asked = { group: 'g', topic: 't', clientId: client, liteTopics };
    return this.drive(
      this.broker.syncLite({ ...asked, change: 'add', ...(start === undefined ? {} : { start }) }),
    );
  }

  /** Changes those of a client otherwise. */
  sync(
    client: string,
    change: 'remove' | 'set',
    liteTopics: readonly string[],
  ): Promise<readonly string[]> {
    const asked = { group: 'g', topic: 't', clientId: client, liteTopics };
    return this.drive(this.broker.syncLite({ ...asked, change }));
  }

  receive(client: string, changes: Partial<PopRequest> = {}): Promise<PopResult> {
    return this.pop({ clientId: client, ...changes });
  }
}
