/**
 * How fast a follower that is far behind is fed: as fast as disk and network go while the event loop has nothing else
 * to do; while it has, catching up rests for several times as long as the others took, so that it adds little to
 * what they wait anyway.
 */

/** One that lacks less is not held back: answers may wait for it. */
const NEAR_BYTES = 4 * 1024 * 1024;
/** A turn of the event loop in which nobody had much to do, ms. */
const IDLE_TURN_MS = 2;
const REST_FACTOR = 4;
/** A follower is fed a piece at least so often, ms: it catches up however much there is to do. */
const REST_MOST_MS = 20;

/**
 * How long to rest before the next piece, ms.
 * @param behindBytes log that the follower has not been sent
 * @param turnMs how long others took in the turn of the event loop since the last piece
 */
export function restMs(behindBytes: number, turnMs: number): number {
  if (behindBytes <= NEAR_BYTES || turnMs < IDLE_TURN_MS) return 0;
  return Math.min(REST_MOST_MS, turnMs * REST_FACTOR);
}
