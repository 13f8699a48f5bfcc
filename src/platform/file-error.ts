/** Errors of the file system with Node's codes. */

/** An error with a code, as the system's own are. */
export function fileError(code: string, text: string, path: string): Error & { code: string } {
  return Object.assign(new Error(`${code}: ${text}, '${path}'`), { code, path });
}

/** The code of a thrown value (`ENOENT` ...), `undefined` when it has none. */
export function errorCode(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null || !('code' in error)) return undefined;
  return typeof error.code === 'string' ? error.code : undefined;
}
