/** The error for a message that lacks a part it must have. */
export function missing(field: string): RangeError {
  return new RangeError(`message without ${field}`);
}
