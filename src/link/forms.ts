/** Values and their messages: to the wire and back. */
export type Forms<T, Wire, WireOutput> = readonly [(value: T) => Wire, (wire: WireOutput) => T];

/** Nothing to say. */
export const nothing: Forms<void, object, unknown> = [() => ({}), () => undefined];

/** A topic or a group by its name. */
export const byName: Forms<string, { name: string }, { name: string }> = [
  (name) => ({ name }),
  ({ name }) => name,
];

/** What the method's codec takes and gives as it is. */
export function asItIs<T>(): Forms<T, T, T> {
  return [(value) => value, (value) => value];
}
