/** Milliseconds of each unit of `grpc-timeout`. */
const UNIT_MS: Readonly<Record<string, number>> = {
  H: 3_600_000,
  M: 60_000,
  S: 1_000,
  m: 1,
  u: 0.001,
  n: 0.000_001,
};

/**
 * Reads `grpc-timeout`: one to eight digits and a unit (hours, minutes, seconds, milli-, micro- or nanoseconds).
 * @returns milliseconds with fractions, or `undefined` when it is no timeout
 */
export function parseTimeout(value: string): number | undefined {
  const unitMs = UNIT_MS[value.slice(-1)];
  const digits = value.slice(0, -1);
  if (unitMs === undefined || !/^\d{1,8}$/.test(digits)) return undefined;
  return Number(digits) * unitMs;
}
