/** What the assembly of a role hands out: where it listens, and how it ends. */
import type { Logger } from 'pino';
import type { Files, Platform } from '../platform/platform';

/** A role that serves. */
export interface RunningRole {
  /** `host:port` by purpose: `grpc`, `http`. */
  readonly endpoints: Readonly<Record<string, string>>;
  /** Drains and stops: refuses new work, lets running calls finish within the grace, flushes. */
  stop(): Promise<void>;
}

/** What every role is given besides its options. */
export interface Surroundings {
  readonly platform: Platform;
  readonly logger: Logger;
  /** Where files that settings name lie, when not in the platform's own: data may be in memory, certificates are not. */
  readonly settingsFiles?: Files;
}

/**
 * Ends what was started, the last first. Every step runs, also when one before it failed; the first
 * failure is thrown at the end.
 */
export class Shutdown {
  private readonly steps: { readonly name: string; readonly run: () => Promise<void> | void }[] =
    [];
  private running: Promise<void> | undefined;

  constructor(private readonly logger: Logger) {}

  add(name: string, run: () => Promise<void> | void): void {
    this.steps.push({ name, run });
  }

  /** Runs the steps once, however often it is called. */
  run(): Promise<void> {
    this.running ??= this.runAll();
    return this.running;
  }

  private async runAll(): Promise<void> {
    let failure: unknown;
    for (const { name, run } of this.steps.reverse()) {
      try {
        await run();
        this.logger.debug({ step: name }, 'stopped');
      } catch (error) {
        this.logger.error({ err: error, step: name }, 'stop failed');
        failure ??= error;
      }
    }
    if (failure !== undefined) throw failure;
  }
}

/**
 * Runs the start of a role; what it has started is stopped again when a step fails.
 * @param start adds what it starts to the shutdown; answers the endpoints
 */
export async function starting(
  { logger }: Surroundings,
  start: (shutdown: Shutdown) => Promise<RunningRole['endpoints']>,
): Promise<RunningRole> {
  const shutdown = new Shutdown(logger);
  try {
    const endpoints = await start(shutdown);
    return { endpoints, stop: () => shutdown.run() };
  } catch (error) {
    await shutdown.run().catch(() => undefined);
    throw error;
  }
}
