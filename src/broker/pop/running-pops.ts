/** The pops under way of each client, from their first moment on, so that one that leaves gets nothing more. */
export class RunningPops {
  private readonly byClient = new Map<string, Set<AbortController>>();

  /**
   * Runs a pop.
   * @param signal of the caller
   * @param work given a signal that fires when the caller's does, or when the client leaves
   */
  async run<T>(
    clientId: string,
    signal: AbortSignal,
    work: (signal: AbortSignal) => Promise<T>,
  ): Promise<T> {
    const stop = new AbortController();
    const abort = (): void => stop.abort();
    if (signal.aborted) abort();
    signal.addEventListener('abort', abort, { once: true });
    const pops = this.byClient.get(clientId) ?? new Set();
    pops.add(stop);
    this.byClient.set(clientId, pops);
    try {
      return await work(stop.signal);
    } finally {
      signal.removeEventListener('abort', abort);
      pops.delete(stop);
      if (pops.size === 0 && this.byClient.get(clientId) === pops) this.byClient.delete(clientId);
    }
  }

  /** The client leaves: all of its pops end without a message. */
  endClient(clientId: string): void {
    for (const stop of this.byClient.get(clientId) ?? []) stop.abort();
  }
}
