/** A certificate and its key in files, read again when they change: renewing them needs no restart. */
import type { Files, TimerHandle, Timers, TlsIdentity } from '../../platform/platform';
import { CertificateError, checkIdentity, type CertificatePaths } from './check-identity';
import { errorText } from '../../platform/error-text';

/** How often the files' times are looked at, ms. */
const LOOK_MS = 5_000;

/** Hears of a change that could not be read or used; the identity before stays in use. */
export type ReloadFailed = (error: unknown) => void;

export class CertificateFiles {
  private timer: TimerHandle | undefined;
  private seen = '';
  /** What was wrong at the last look, so that it is told once. */
  private told = '';
  private stopped = false;

  constructor(
    private readonly paths: CertificatePaths,
    private readonly files: Files,
    private readonly timers: Timers,
  ) {}

  /** @throws CertificateError naming the file that cannot be read or used */
  async read(): Promise<TlsIdentity> {
    const seen = await this.state();
    const [certificate, key] = await Promise.all([
      this.readFile('certificate'),
      this.readFile('key'),
    ]);
    const identity = checkIdentity({ certificate, key }, this.paths);
    this.seen = seen;
    return identity;
  }

  /**
   * Calls `changed` with each new pair, from now until `stop`. Both files are read when either changes; a pair
   * that does not fit (only one of the two was replaced yet) is told of once and read again until it fits.
   */
  watch(changed: (identity: TlsIdentity) => void, failed: ReloadFailed): void {
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

  private async look(
    changed: (identity: TlsIdentity) => void,
    failed: ReloadFailed,
  ): Promise<void> {
    try {
      if ((await this.state()) === this.seen) return;
      const identity = await this.read();
      this.told = '';
      if (!this.stopped) changed(identity);
    } catch (error) {
      const text = String(error);
      if (text !== this.told && !this.stopped) failed(error);
      this.told = text;
    }
  }

  /** Changes when either file does. */
  private async state(): Promise<string> {
    const stats = await Promise.all([
      // What cannot be looked at cannot be read either, which says why.
      this.files.stat(this.paths.certificate).catch(() => undefined),
      this.files.stat(this.paths.key).catch(() => undefined),
    ]);
    return stats.map((stat) => `${stat?.modifiedMs} ${stat?.bytes}`).join(' ');
  }

  private async readFile(part: keyof CertificatePaths): Promise<string> {
    const path = this.paths[part];
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
