import { refusalLog } from '../../../src/assembly/refusal-log';
import { SimClock } from '../../support/sim-clock';

function started(): {
  sim: SimClock;
  refused: (peer: string, reason: string) => void;
  lines: unknown[];
} {
  const sim = new SimClock();
  const lines: unknown[] = [];
  return { sim, refused: refusalLog(sim.clock, (refused) => lines.push(refused)), lines };
}

test('who is refused again and again is told of once in ten seconds, others beside it', async () => {
  const { sim, refused, lines } = started();
  for (let i = 0; i < 3; i++) refused('10.0.0.1', 'no certificate');
  refused('10.0.0.2', 'no certificate');
  await sim.advance(10_000);
  refused('10.0.0.1', 'no certificate');
  expect(lines).toEqual([
    { peer: '10.0.0.1', reason: 'no certificate', untold: 0 },
    { peer: '10.0.0.2', reason: 'no certificate', untold: 2 },
    { peer: '10.0.0.1', reason: 'no certificate', untold: 0 },
  ]);
});

test('eight lines in ten seconds, whoever comes', async () => {
  const { sim, refused, lines } = started();
  for (let i = 0; i < 100; i++) refused(`10.0.0.${i}`, 'no certificate');
  expect(lines).toHaveLength(8);
  await sim.advance(10_000);
  refused('10.0.1.0', 'no certificate');
  expect(lines[8]).toMatchObject({ untold: 92 });
});
