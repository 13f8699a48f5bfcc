/** docs/compatibility.md says of every RPC and every field of the public API what becomes of it: none is left out. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Code } from '../../../src/message/status';
import { PROTO_ROOT } from '../../../src/rpc/protos';
import { factsOfProtos } from './support/facts';

const NAMESPACE = 'apache.rocketmq.v2';
const FILES = ['definition', 'service', 'admin'].map((name) => `apache/rocketmq/v2/${name}.proto`);
const facts = factsOfProtos(PROTO_ROOT, FILES, NAMESPACE);

const page = readFileSync(join(PROTO_ROOT, '..', 'docs', 'compatibility.md'), 'utf8');
const [, byHand = ''] = page.split('## The API, RPC by RPC and field by field');

/** Cells of the table whose head begins with a column. */
function tableOf(column: string): readonly (readonly string[])[] {
  const lines = byHand.split('\n');
  const from = lines.findIndex((line) => line.startsWith(`| ${column} `));
  const rest = lines.slice(from + 2);
  const end = rest.findIndex((line) => !line.startsWith('|'));
  return rest.slice(0, end < 0 ? undefined : end).map((line) =>
    line
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim()),
  );
}

const namesIn = (cell: string): string[] =>
  [...cell.matchAll(/`([^`]+)`/g)].map(([, it]) => it ?? '');
const shortName = (full: string): string => full.slice(NAMESPACE.length + 1);

describe('the table of the API in docs/compatibility.md', () => {
  it('has every RPC, once', () => {
    const rpcs = Object.entries(facts.services).flatMap(([service, methods]) =>
      Object.keys(methods).map((name) => `${shortName(service)}.${name}`),
    );
    expect(rpcs).toHaveLength(33);
    const told = tableOf('RPC').flatMap(([name = '']) => namesIn(name));
    expect(told.toSorted()).toEqual(rpcs.toSorted());
  });

  it('has every message, once', () => {
    const told = tableOf('Message').flatMap(([name = '']) => namesIn(name));
    expect(told.toSorted()).toEqual(Object.keys(facts.messages).map(shortName).toSorted());
  });

  it.each(tableOf('Message').map((cells) => [namesIn(cells[0] ?? '')[0] ?? '', cells] as const))(
    'has every field of %s, once',
    (message, [, served = '', ignored = '', refused = '']) => {
      const told = [served, ignored, refused].flatMap(namesIn);
      const fields = Object.keys(facts.messages[`${NAMESPACE}.${message}`] ?? {});
      expect(told.toSorted()).toEqual(fields.toSorted());
    },
  );

  it.each(tableOf('Message'))('says why, and with which status: %s', (_name, _served, ...rest) => {
    const [ignored = '', refused = ''] = rest;
    for (const part of ignored.split(';').filter((text) => text.includes('`'))) {
      expect(part).toMatch(/`: \w/);
    }
    const statuses = /\b[A-Z]+(_[A-Z0-9]+)*\b/g;
    for (const part of refused.split(';').filter((text) => text.trim() !== '')) {
      const named = [...part.matchAll(statuses)].map(([name]) => name);
      expect(named.some((name) => name in Code || name === 'INVALID_ARGUMENT')).toBe(true);
    }
  });
});
