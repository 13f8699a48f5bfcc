import { EventEmitter } from 'node:events';

type Listener = (...args: never[]) => void;

/**
 * The part of EventEmitter that handlers of calls use. The emitter itself is made when somebody first listens:
 * most calls end without that.
 */
export class LazyEmitter {
  private emitter: EventEmitter | undefined;

  on(event: string, listener: Listener): this {
    this.events().on(event, listener as (...args: unknown[]) => void);
    this.onListen(event);
    return this;
  }

  once(event: string, listener: Listener): this {
    this.events().once(event, listener as (...args: unknown[]) => void);
    this.onListen(event);
    return this;
  }

  addListener(event: string, listener: Listener): this {
    return this.on(event, listener);
  }

  off(event: string, listener: Listener): this {
    this.emitter?.off(event, listener as (...args: unknown[]) => void);
    return this;
  }

  removeListener(event: string, listener: Listener): this {
    return this.off(event, listener);
  }

  removeAllListeners(event?: string): this {
    this.emitter?.removeAllListeners(event);
    return this;
  }

  listenerCount(event: string): number {
    return this.emitter?.listenerCount(event) ?? 0;
  }

  /** Calls the listeners; answers whether there were any. */
  emit(event: string, ...args: unknown[]): boolean {
    return this.emitter?.emit(event, ...args) ?? false;
  }

  /** Somebody began to listen. */
  protected onListen(_event: string): void {
    // For those who care.
  }

  private events(): EventEmitter {
    return (this.emitter ??= new EventEmitter());
  }
}
