/** Certificates and a key in files, read again when they change: renewing them needs no restart. */
import type { Files, TimerHandle, Timers } from '../../platform/platform';
import { CertificateError, checkParts, type TlsParts } from './tls-parts';
import { errorText } from '../../platform/error-text';

/** How often the files' times are looked at, ms. */
const LOOK_MS = 5_000;

/** Hears of a change that could not be read or used; what was read before stays in use. */
export type ReloadFailed = (error: unknown) => void;

/** @typeParam Parts which files there are; what they hold has the same shape as their paths */
export class CertificateFiles<Parts extends TlsParts> {
  private timer: TimerHandle | undefined;
  private seen = '';
  /** What was wrong at the last look, so that it is told once. */
  private told = '';
  private stopped = false;
  private readonly paths: readonly (readonly [keyof TlsParts, string])[];

  constructor(
    private readonly named: Parts,
    private readonly files: Pick<Files, 'stat' | 'readFile'>,
    private readonly timers: Timers,
  ) {
    this.paths = Object.entries(named) as [keyof TlsParts, string][];
  }

  /** @throws CertificateError naming the file that cannot be read or used */
  async read(): Promise<Parts> {
    const seen = await this.state();
    const contents = await Promise.all(
      this.paths.map(async ([part, path]) => [part, await this.readFile(part, path)] as const),
    );
    const parts: TlsParts = Object.fromEntries(contents);
    checkParts(parts, this.named);
    this.seen = seen;
    return parts as Parts; // each of those that are named is there
  }

  /**
   * Calls `changed` with what the files hold after each change, from now until `stop`. All are read when any changes;
   * what does not fit (only one of a pair was replaced yet) is told of once and read again until it fits.
   */
  watch(changed: (parts: Parts) => void, failed: ReloadFailed): void {
    this.timer = this.timers.after(LOOK_MS, () => {
      void this.look(changed, failed).then(() => {
        if (!this.stopped) this.watch(changed, failed);
      });
    });
  }

  stop(): void {
    this.stopped = true;
    this.timer?.cancel();
  }

  private async look(changed: (parts: Parts) => void, failed: ReloadFailed): Promise<void> {
    try {
      if ((await this.state()) === this.seen) return;
      const parts = await this.read();
      this.told = '';
      if (!this.stopped) changed(parts);
    } catch (error) {
      const text = String(error);
      if (text !== this.told && !this.stopped) failed(error);
      this.told = text;
    }
  }

  /** Changes when any of the files does. */
  private async state(): Promise<string> {
    const stats = await Promise.all(
      // What cannot be looked at cannot be read either, which says why.
      this.paths.map(([, path]) => this.files.stat(path).catch(() => undefined)),
    );
    return stats.map((stat) => `${stat?.modifiedMs} ${stat?.bytes}`).join(' ');
  }

  private async readFile(part: keyof TlsParts, path: string): Promise<string> {
    let bytes: Buffer | undefined;
    try {
      bytes = await this.files.readFile(path);
    } catch (cause) {
      const text = errorText(cause);
      throw new CertificateError(part, `${path}: cannot be read: ${text}`, { cause });
    }
    if (bytes === undefined) throw new CertificateError(part, `${path}: there is no such file`);
    return bytes.toString('utf8');
  }
}
