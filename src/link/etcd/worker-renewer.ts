import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import type { Platform, TimerHandle } from '../../platform/platform';
import type { LinkLog } from '../log';
import type { EtcdOptions } from './etcd-client';
import type { HeldKey } from './renewal-loop';
import {
  ALIVE,
  readMs,
  RENEWED,
  SHARED_BYTES,
  writeMs,
  type RenewalOrder,
  type RenewalReport,
  type RenewalWorkerData,
} from './renewal-words';
import type { Renewer, RunningRenewals } from './renewals';

/** Between signs of life of the event loop, ms. */
const SIGN_MS = 500;
/** An event loop that stood still for longer is no master worth keeping, ms. */
const STALL_MS = 10_000;

/**
 * Renews in a thread of its own, with a connection of its own, so that a busy event loop does not cost the
 * leadership; one that hangs for 10 s does. Only for the real platform: the thread has its own.
 */
export class WorkerRenewer implements Renewer {
  readonly ready: Promise<void>;
  private readonly shared = new BigInt64Array(new SharedArrayBuffer(SHARED_BYTES));
  private readonly worker: Worker;
  private sign: TimerHandle | undefined;
  private current: { readonly revision: number; readonly lost: () => void } | undefined;

  constructor(
    etcd: EtcdOptions,
    private readonly platform: Pick<Platform, 'clock' | 'timers'>,
    log: LinkLog,
  ) {
    const workerData = { etcd, shared: this.shared.buffer, stallMs: STALL_MS };
    this.worker = new Worker(join(__dirname, 'renewal-worker.js'), {
      workerData: workerData as RenewalWorkerData,
    });
    let ready = (): void => undefined;
    this.ready = new Promise((resolve) => (ready = resolve));
    this.worker.on('message', (report: RenewalReport) => {
      if (report.kind === 'ready') ready();
      else if (this.current?.revision === report.revision) this.current.lost();
    });
    this.worker.on('exit', () => ready());
    this.worker.on('error', (error) => {
      // Nothing is renewed any more: the leadership ends with its lease.
      log.warn({ err: error }, 'the thread that renews the lease failed');
    });
    this.worker.unref();
    this.giveSign();
  }

  begin(held: HeldKey, sentMs: number, lost: () => void): RunningRenewals {
    writeMs(this.shared, RENEWED, sentMs);
    const current = { revision: held.revision, lost };
    this.current = current;
    this.order({ kind: 'begin', held });
    const { shared } = this;
    let endedMs: number | undefined;
    return {
      get renewedMs() {
        return endedMs ?? readMs(shared, RENEWED);
      },
      end: () => {
        endedMs ??= readMs(shared, RENEWED);
        if (this.current !== current) return;
        this.current = undefined;
        this.order({ kind: 'end' });
      },
    };
  }

  async close(): Promise<void> {
    this.sign?.cancel();
    this.current = undefined;
    await this.worker.terminate();
  }

  private order(order: RenewalOrder): void {
    this.worker.postMessage(order);
  }

  private giveSign(): void {
    writeMs(this.shared, ALIVE, this.platform.clock.monotonicMs());
    this.sign = this.platform.timers.after(SIGN_MS, () => this.giveSign());
  }
}
