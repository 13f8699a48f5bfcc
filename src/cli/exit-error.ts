/** Ends a command with an exit code; what there was to say has been said, unless there is a message. */
export class ExitError extends Error {
  constructor(
    readonly code: number,
    message = '',
  ) {
    super(message);
    this.name = 'ExitError';
  }
}
