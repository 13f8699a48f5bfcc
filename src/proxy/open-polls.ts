/** Receives that wait for a message or are about to, by client: what ends them early. */
export class OpenPolls {
  private readonly polls = new Map<AbortController, string>();

  add(poll: AbortController, clientId: string): void {
    this.polls.set(poll, clientId);
  }

  delete(poll: AbortController): void {
    this.polls.delete(poll);
  }

  /** The client says goodbye. */
  endClient(clientId: string): void {
    for (const [poll, owner] of this.polls) if (owner === clientId) poll.abort();
  }

  endAll(): void {
    for (const poll of this.polls.keys()) poll.abort();
  }
}
