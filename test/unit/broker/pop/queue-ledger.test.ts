import fc from 'fast-check';
import { QueueLedger } from '../../../../src/broker/pop/queue-ledger';

/** The obvious model: the state of each offset in an array. */
class Model {
  readonly finished: boolean[] = [];
  next: number;
  constructor(readonly start: number) {
    this.next = start;
  }
  get committed(): number {
    let at = this.start;
    while (at < this.next && this.finished[at] === true) at++;
    return at;
  }
}

describe('a queue ledger', () => {
  it('equals the model through any order of deliveries, skips and finishes', () => {
    const step = fc.oneof(
      fc.record({ kind: fc.constant('take' as const), n: fc.integer({ min: 1, max: 40 }) }),
      fc.record({ kind: fc.constant('skip' as const), n: fc.integer({ min: 1, max: 300 }) }),
      fc.record({ kind: fc.constant('jump' as const), n: fc.integer({ min: 0, max: 400 }) }),
      fc.record({ kind: fc.constant('finish' as const), n: fc.nat() }),
    );
    fc.assert(
      fc.property(fc.nat({ max: 1000 }), fc.array(step, { maxLength: 200 }), (start, steps) => {
        const ledger = new QueueLedger(0, 0, 0, start);
        const model = new Model(start);
        for (const { kind, n } of steps) {
          if (kind === 'take') {
            for (let i = 0; i < n; i++) ledger.takeNext(model.next++);
          } else if (kind === 'skip') {
            for (let i = 0; i < n; i++) {
              ledger.skipNext();
              model.finished[model.next++] = true;
            }
          } else if (kind === 'jump') {
            ledger.skipTo(model.next + n);
            for (let i = 0; i < n; i++) model.finished[model.next++] = true;
          } else {
            const open: number[] = [];
            ledger.forEachRow((offset) => open.push(offset));
            const offset = open[n % Math.max(1, open.length)];
            if (offset === undefined) continue;
            ledger.finish(offset);
            model.finished[offset] = true;
          }
          expect(ledger.committed).toBe(model.committed);
          expect(ledger.next).toBe(model.next);
        }
        for (let offset = start; offset < model.next; offset++) {
          expect(ledger.row(offset)).toBe(model.finished[offset] === true ? undefined : offset);
        }
      }),
      { seed: 11, numRuns: 200 },
    );
  });
});
