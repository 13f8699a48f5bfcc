/** How a promise has ended so far. */
export interface Followed<T> {
  value?: T;
  error?: unknown;
  done: boolean;
}

/** Follows a promise without waiting for it, so that a test can look before and after it moves the time. */
export function follow<T>(promise: Promise<T>): Followed<T> {
  const state: Followed<T> = { done: false };
  promise.then(
    (value) => Object.assign(state, { value, done: true }),
    (error: unknown) => Object.assign(state, { error, done: true }),
  );
  return state;
}
