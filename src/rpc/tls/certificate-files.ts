/** A certificate and its key in files, read again when they change: renewing them needs no restart. */
import type { Files, TimerHandle, Timers, TlsIdentity } from '../../platform/platform';

/** How often the files' times are looked at, ms. */
const LOOK_MS = 5_000;

export interface CertificatePaths {
  /** PEM, the server's certificate first, then its chain. */
  readonly certificate: string;
  /** PEM, the private key. */
  readonly key: string;
}

/** Hears of a change that could not be read or used; the identity before stays in use. */
export type ReloadFailed = (error: unknown) => void;

export class CertificateFiles {
  private timer: TimerHandle | undefined;
  private seen = '';
  private stopped = false;

  constructor(
    private readonly paths: CertificatePaths,
    private readonly files: Files,
    private readonly timers: Timers,
  ) {}

  /** @throws Error naming the file that is missing */
  async read(): Promise<TlsIdentity> {
    this.seen = await this.state();
    const [certificate, key] = await Promise.all([
      this.readFile(this.paths.certificate),
      this.readFile(this.paths.key),
    ]);
    return { certificate, key };
  }

  /**
   * Calls `changed` with each new pair, from now until `stop`. Both files are read when either changes; a pair
   * that does not fit (only one of the two was replaced yet) is tried again with the next change.
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
      if (!this.stopped) changed(identity);
    } catch (error) {
      failed(error);
    }
  }

  /** Changes when either file does. */
  private async state(): Promise<string> {
    const stats = await Promise.all([
      this.files.stat(this.paths.certificate),
      this.files.stat(this.paths.key),
    ]);
    return stats.map((stat) => `${stat?.modifiedMs} ${stat?.bytes}`).join(' ');
  }

  private async readFile(path: string): Promise<string> {
    const bytes = await this.files.readFile(path);
    if (bytes === undefined) throw new Error(`there is no file ${path}`);
    return bytes.toString('utf8');
  }
}
