import type { EpochStart } from '../../api/replication-api';

/** A log as its epochs tell of it. */
export interface EpochLog {
  /** Ascending. */
  readonly epochs: readonly EpochStart[];
  readonly endPosition: number;
}

/** The lines that speak of a log with this end: what was noted for a part that never came does not count. */
export function epochsBelow(epochs: readonly EpochStart[], endPosition: number): EpochStart[] {
  return epochs.filter(({ start }) => start <= endPosition);
}

/**
 * The end of what two logs have in common: of the newest epoch that both have with the same start, the smaller
 * end. Up to there one master has written both. `undefined` when they share no epoch.
 */
export function commonPosition(one: EpochLog, other: EpochLog): number | undefined {
  for (let i = one.epochs.length - 1; i >= 0; i--) {
    const line = one.epochs[i];
    if (line === undefined) break;
    const at = other.epochs.findIndex(
      ({ epoch, start }) => epoch === line.epoch && start === line.start,
    );
    if (at >= 0) return Math.min(endOf(one, i), endOf(other, at));
  }
  return undefined;
}

function endOf({ epochs, endPosition }: EpochLog, at: number): number {
  return Math.min(epochs[at + 1]?.start ?? endPosition, endPosition);
}
