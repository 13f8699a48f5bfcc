/** A broker's stream at a name server: its place in the route table lasts as long as the stream. */
import type { RouteEntry, RouteRegistry } from '../api/route-registry';
import { Code, StatusError, toStatusError } from '../message/status';
import type { CodeAndText } from '../rpc/generated/gantry/v1/CodeAndText';
import type { RegisterMessage__Output } from '../rpc/generated/gantry/v1/RegisterMessage';
import type { RegisterReply } from '../rpc/generated/gantry/v1/RegisterReply';
import { registrationFromWire } from './codec/route';
import { statusToWire } from './codec/status';
import type { LinkLog } from './log';
import type { Pipe } from '../rpc/pipe';

/** The id of a reply to no message. */
const UNASKED = 0;

export class RegisterStream {
  private entry: RouteEntry | undefined;
  private over = false;
  private leaving = false;
  private broker = 'unknown';

  constructor(
    private readonly table: RouteRegistry,
    private readonly pipe: Pipe<RegisterReply, RegisterMessage__Output>,
    private readonly log: LinkLog,
    onClosed: (stream: RegisterStream) => void,
  ) {
    pipe.open({
      message: (message) => void this.take(message),
      drained: () => undefined,
      closed: (reason) => {
        this.over = true;
        this.detach(reason);
        onClosed(this);
      },
    });
  }

  /** The name server stops: the broker is not gone, and watchers are not told that it is. */
  leave(): void {
    this.leaving = true;
    this.pipe.end();
  }

  cut(reason: string): void {
    this.pipe.abort(reason);
  }

  private detach(reason: string): void {
    if (this.entry === undefined || this.leaving) return;
    this.log.info({ broker: this.broker, reason }, 'broker gone');
    void this.entry.broken();
  }

  private async take(message: RegisterMessage__Output): Promise<void> {
    const id = message.id;
    try {
      await this.apply(message);
      if (message.kind !== 'keep_alive') this.reply(id, { code: Code.OK, text: 'OK' });
    } catch (error) {
      const status = toStatusError(error);
      this.log.warn({ broker: this.broker, reason: status.message }, 'registration refused');
      this.reply(id, statusToWire(status));
    }
  }

  private async apply(message: RegisterMessage__Output): Promise<void> {
    const { entry } = this;
    if (message.kind === 'registration' && message.registration) {
      const registration = registrationFromWire(message.registration);
      this.broker = `${registration.brokerName}/${registration.brokerId}`;
      if (entry !== undefined) {
        await entry.update(registration);
        return;
      }
      this.entry = this.table.attach(registration, {
        remote: true,
        displaced: (reason) => this.displaced(reason),
      });
      this.log.info({ broker: this.broker, address: registration.address }, 'broker registered');
      await this.entry.inForce;
    } else if (message.kind === 'keep_alive') {
      // The broker registers anew on a new stream.
      if (entry?.keepAlive() === false) this.pipe.abort('the place of this broker was lost');
    } else if (message.kind === 'unregister') {
      this.entry = undefined;
      await entry?.detach();
    } else {
      throw new StatusError(Code.BAD_REQUEST, 'message of no known kind');
    }
  }

  /** The broker must know at once: it may be one that believes to lead and does not any more. */
  private displaced(reason: string): void {
    this.entry = undefined;
    this.log.warn({ broker: this.broker, reason }, 'broker displaced');
    this.reply(UNASKED, { code: Code.FORBIDDEN, text: reason });
  }

  /** Small, and one for each change of a broker: what the broker does not take is bounded by what it asks. */
  private reply(id: number, status: CodeAndText): void {
    if (!this.over) this.pipe.write({ id, status });
  }
}
