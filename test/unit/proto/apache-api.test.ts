/**
 * Our .proto files of the public API against what official client packages carry. Ours may have more, as
 * packages lag behind the API; what both have is the same to the last number.
 */
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { PROTO_ROOT } from '../../../src/rpc/protos';
import { factsOfProtos, type Facts } from './support/facts';
import pythonClient from './python-client.json';

const NAMESPACE = 'apache.rocketmq.v2';
const FILES = ['definition', 'service', 'admin'].map((name) => `apache/rocketmq/v2/${name}.proto`);

const ours = factsOfProtos(PROTO_ROOT, FILES, NAMESPACE);
const nodeClient = createRequire(__filename).resolve('rocketmq-client-nodejs/package.json');

const clients: readonly (readonly [string, Facts])[] = [
  ['Node', factsOfProtos(join(dirname(nodeClient), 'proto'), FILES, NAMESPACE)],
  ['Python', pythonClient],
];

const count = (group: Readonly<Record<string, object>>): number =>
  Object.values(group).reduce((sum, members) => sum + Object.keys(members).length, 0);

describe.each(clients)('the API as the %s client has it', (_name, theirs) => {
  it('is there to compare with', () => {
    // Of API 2.1.2, which both packages are at: an empty side would agree with anything.
    expect(count(theirs.messages)).toBeGreaterThan(180);
    expect(count(theirs.enums)).toBeGreaterThan(100);
    expect(count(theirs.services)).toBeGreaterThanOrEqual(18);
  });

  it.each(['services', 'enums', 'messages'] as const)('is in ours: %s', (kind) => {
    const groups: Readonly<Record<string, object>> = theirs[kind];
    for (const [name, members] of Object.entries(groups)) {
      expect({ [name]: ours[kind][name] }).toMatchObject({ [name]: members });
    }
  });

  it('gives no number a second meaning in ours', () => {
    for (const [name, fields] of Object.entries(theirs.messages)) {
      const taken = new Map(Object.entries(fields).map(([field, fact]) => [numberOf(fact), field]));
      for (const [field, fact] of Object.entries(ours.messages[name] ?? {})) {
        const theirField = taken.get(numberOf(fact));
        if (theirField !== undefined) expect(`${name}.${field}`).toBe(`${name}.${theirField}`);
      }
    }
  });
});

const numberOf = (fact: string): string => fact.slice(0, fact.indexOf(' '));

describe('the API of ours', () => {
  it('has what came after the clients', () => {
    expect(ours.messages[`${NAMESPACE}.Settings`]?.['client_properties']).toBe(
      '9 map<string, string>',
    );
    expect(ours.enums[`${NAMESPACE}.Code`]?.['INVALID_CLIENT_PROPERTIES']).toBe(40021);
    expect(Object.keys(ours.services[`${NAMESPACE}.Admin`] ?? {})).toHaveLength(16);
  });

  it('has the presence that decoders must keep', () => {
    const properties = ours.messages[`${NAMESPACE}.SystemProperties`] ?? {};
    const optional = Object.keys(properties).filter((name) =>
      properties[name]?.includes('optional '),
    );
    expect(optional).toEqual([
      ...['tag', 'store_timestamp', 'delivery_timestamp', 'receipt_handle', 'queue_offset'],
      ...['invisible_duration', 'delivery_attempt', 'message_group', 'trace_context'],
      ...['orphaned_transaction_recovery_duration', 'dead_letter_queue', 'lite_topic', 'priority'],
    ]);
  });
});
