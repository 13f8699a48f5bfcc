/** The clients that a driver has, as scenarios use them. */
import { until } from '../../support/until';
import type {
  Driver,
  OutgoingMessage,
  PushedMessage,
  ReceivedMessage,
  Resolution,
  SendReceipt,
} from './driver';

export class DriverProducer {
  constructor(
    private readonly driver: Driver,
    private readonly name: string,
    /** All that its transaction checker was asked so far, oldest first. */
    readonly checked: readonly PushedMessage[],
  ) {}

  /** Answers the message's id. */
  async send(message: OutgoingMessage): Promise<string> {
    return (await this.sendDelayed(message)).messageId;
  }

  async sendDelayed(message: OutgoingMessage): Promise<SendReceipt> {
    return (await this.driver.call('send', { name: this.name, ...message })) as SendReceipt;
  }

  /** Sends a message in a transaction of its own, which is to be ended by `end`; answers the message's id. */
  sendHalf(message: OutgoingMessage): Promise<string> {
    return this.send({ ...message, transaction: true });
  }

  /** Ends the transaction of a half message. */
  async end(messageId: string, resolution: Resolution): Promise<void> {
    await this.driver.call('end', { name: this.name, messageId, resolution });
  }

  /** Waits until the checker was asked `count` times. */
  async untilChecked(count: number, limitMs: number): Promise<void> {
    await until(`${count} checks`, limitMs, () =>
      this.checked.length >= count ? true : undefined,
    );
  }

  /** Answers the id of the message that is not delivered any more. */
  async recall(topic: string, recallHandle: string): Promise<string> {
    const result = await this.driver.call('recall', { name: this.name, topic, recallHandle });
    return (result as { messageId: string }).messageId;
  }

  async close(): Promise<void> {
    await this.driver.call('close', { name: this.name });
  }
}

export class DriverSimple {
  constructor(
    protected readonly driver: Driver,
    protected readonly name: string,
  ) {}

  async receive(
    max: number,
    invisibleMs: number,
  ): Promise<{ messages: ReceivedMessage[]; elapsedMs: number }> {
    const result = await this.driver.call('receive', { name: this.name, max, invisibleMs });
    return result as { messages: ReceivedMessage[]; elapsedMs: number };
  }

  async ack(message: ReceivedMessage): Promise<void> {
    await this.driver.call('ack', { name: this.name, message: message.number });
  }

  async change(message: ReceivedMessage, invisibleMs: number): Promise<void> {
    const { number } = message;
    await this.driver.call('change', { name: this.name, message: number, invisibleMs });
  }

  async close(): Promise<void> {
    await this.driver.call('close', { name: this.name });
  }
}

export class DriverPush {
  constructor(
    protected readonly driver: Driver,
    protected readonly name: string,
    /** All that the listener was given so far, oldest first. */
    readonly pushed: readonly PushedMessage[],
  ) {}

  /** Waits until the listener was given `count` messages. */
  async untilPushed(count: number, limitMs: number): Promise<void> {
    await until(`${count} pushed messages`, limitMs, () =>
      this.pushed.length >= count ? true : undefined,
    );
  }

  async close(): Promise<void> {
    await this.driver.call('close', { name: this.name });
  }
}

export class DriverLitePush extends DriverPush {
  /** Asks for a lite topic, from the oldest message on where it says so. */
  async subscribe(liteTopic: string, fromBeginning?: true): Promise<void> {
    await this.driver.call('subscribeLite', { name: this.name, liteTopic, fromBeginning });
  }

  async unsubscribe(liteTopic: string): Promise<void> {
    await this.driver.call('unsubscribeLite', { name: this.name, liteTopic });
  }
}

export class DriverLiteSimple extends DriverSimple {
  async subscribe(liteTopic: string): Promise<void> {
    await this.driver.call('subscribeLite', { name: this.name, liteTopic });
  }
}
