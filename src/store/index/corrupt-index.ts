/** An index file does not hold what index files hold: it is built anew, with all behind it. */
export class CorruptIndexError extends Error {
  constructor(
    /** Name of the file. */
    readonly file: string,
    why: string,
  ) {
    super(`index file ${file}: ${why}`);
    this.name = 'CorruptIndexError';
  }
}
