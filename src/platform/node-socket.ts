import type { Socket } from 'node:net';
import type { TcpEvents, TcpSocket } from './platform';

/** A connection over node:net, accepted or dialled. */
export class NodeSocket implements TcpSocket {
  /** Why the connection ends. */
  protected error: Error | undefined;
  private events: TcpEvents | undefined;
  private waiting = false;

  constructor(protected socket: Socket) {}

  /** Says who hears of it. */
  attach(events: TcpEvents): void {
    this.events = events;
    this.listen(this.socket);
    this.socket.on('error', (error) => {
      this.error = error;
    });
    // Also when TLS is inside: the end of this socket is the end of the connection.
    this.socket.on('close', () => {
      events.onClose(this.error);
    });
  }

  get bufferedBytes(): number {
    return this.socket.writableLength;
  }

  write(bytes: Uint8Array): boolean {
    const socket = this.socket;
    if (socket.destroyed || socket.writableEnded) return true;
    socket.write(bytes, this.written);
    // Node writes at once what the kernel has room for, and counts down before `write` returns.
    if (socket.writableLength === 0) return true;
    this.waiting = true;
    return false;
  }

  pause(): void {
    this.socket.pause();
  }

  resume(): void {
    this.socket.resume();
  }

  end(): void {
    this.socket.end();
  }

  destroy(): void {
    this.socket.destroy();
  }

  protected listen(socket: Socket): void {
    socket.on('data', (chunk: Buffer) => {
      this.events?.onData(chunk);
    });
    socket.on('end', () => {
      this.events?.onEnd();
    });
  }

  private readonly written = (): void => {
    if (!this.waiting || this.socket.writableLength > 0) return;
    this.waiting = false;
    this.events?.onDrain();
  };
}
