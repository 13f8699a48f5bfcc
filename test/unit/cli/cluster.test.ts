import type { ReplicationStatus } from '../../../src/api/cluster-view';
import { Code, StatusError } from '../../../src/message/status';
import { AdminServer } from '../../support/admin-server';
import { clusterSample } from '../../support/cluster-sample';
import { gantry, rowsOf, type Outcome } from '../../support/command-line';

let server: AdminServer;
beforeEach(async () => {
  server = await AdminServer.start();
  server.view = clusterSample;
});
afterEach(() => server.stop());

const at = (...args: string[]): Promise<Outcome> =>
  gantry(['cluster', ...args, '--endpoint', server.endpoint]);

describe('gantry cluster status', () => {
  it('shows who leads, who is in sync and how far the others are, and groups without a master', async () => {
    const { out, code } = await at('status');
    expect(code).toBe(0);
    const epoch = String(2 ** 42);
    expect(rowsOf(out)).toEqual([
      ['GROUP', 'REPLICA', 'ROLE', 'EPOCH', 'IN SYNC', 'LAG BYTES', 'LAG', 'ADDRESS'],
      ['broker-a', '0', 'master', epoch, 'yes', '0', '0.0 s', '10.0.0.1:10911'],
      ['broker-a', '1', 'replica', epoch, 'yes', '100', '0.0 s', '10.0.0.2:10911'],
      ['broker-a', '2', 'away', epoch, 'no', String(2 ** 40), '61.0 s', '-'],
      ['broker-b: nobody leads it'],
      ['1 of 2 broker groups are led'],
    ]);
  });

  it('shows a replica that stands in for its master, and does not count that group as led', async () => {
    const [group] = clusterSample.groups;
    const status: ReplicationStatus = {
      ...{ brokerName: 'broker-b', replicaId: 0, role: 'stand-in', epoch: 7, inSync: [] },
      ...{ minPosition: 0, endPosition: 9, confirmedPosition: 9, followers: [] },
    };
    const standIn = { brokerName: 'broker-b', status, reason: '' };
    server.view = { ...clusterSample, groups: group ? [group, standIn] : [] };
    const rows = rowsOf((await at('status')).out);
    expect(rows.slice(-2)).toEqual([
      ['broker-b', '0', 'stand-in', '7', 'no', '0', '0.0 s', '10.0.0.3:10911'],
      ['1 of 2 broker groups are led'],
    ]);
  });

  it('gives programs all of it', async () => {
    const { out } = await at('status', '-o', 'json');
    const [first, second] = clusterSample.groups;
    expect(JSON.parse(out)).toEqual({
      groups: [first, { brokerName: second?.brokerName, reason: second?.reason }],
    });
  });
});

describe('gantry cluster brokers', () => {
  it('shows the brokers that the name servers know', async () => {
    const { out } = await at('brokers');
    const epoch = String(2 ** 42);
    expect(rowsOf(out)).toEqual([
      ['GROUP', 'ID', 'ROLE', 'EPOCH', 'TOPICS', 'ADDRESS', 'CLUSTER'],
      ['broker-a', '0', 'master', epoch, '12', '10.0.0.1:10911', 'DefaultCluster'],
      ['broker-a', '2', 'replica', epoch, '0', '10.0.0.2:10911', 'DefaultCluster'],
      ['broker-b', '1', 'stand-in', '7', '3', '10.0.0.3:10911', 'DefaultCluster'],
    ]);
    const json = await at('brokers', '-o', 'json');
    expect(JSON.parse(json.out)).toEqual({ brokers: clusterSample.brokers });
  });

  it('tells a broker without replicas from a master', async () => {
    const status: ReplicationStatus = {
      ...{ brokerName: 'broker-a', replicaId: 0, role: 'alone', epoch: 1, inSync: [0] },
      ...{ minPosition: 0, endPosition: 9, confirmedPosition: 9, followers: [] },
    };
    const [broker] = clusterSample.brokers;
    server.view = {
      brokers: broker === undefined ? [] : [{ ...broker, address: '' }],
      groups: [{ brokerName: 'broker-a', status, reason: '' }],
    };
    expect(rowsOf((await at('brokers')).out)[1]).toEqual(
      expect.arrayContaining(['broker-a', 'alone', '-']),
    );
  });
});

describe('gantry cluster proxies', () => {
  it('shows the proxies that the name servers know', async () => {
    server.known = [
      { address: '10.0.0.8:8081', version: '0.1.0' },
      { address: '10.0.0.9:8081', version: '0.2.0' },
    ];
    expect(rowsOf((await at('proxies')).out)).toEqual([
      ['ADDRESS', 'VERSION'],
      ['10.0.0.8:8081', '0.1.0'],
      ['10.0.0.9:8081', '0.2.0'],
    ]);
    const json = await at('proxies', '-o', 'json');
    expect(JSON.parse(json.out)).toEqual({ proxies: server.known });
  });
});

describe('gantry cluster failover', () => {
  it('asks the master to hand over, to anybody or to one', async () => {
    expect((await at('failover', 'broker-a')).out).toBe(
      'the master of broker-a has stopped leading, for a replica that is in sync to lead\n',
    );
    const { out } = await at('failover', 'broker-a', '--to', '2', '-o', 'json');
    expect(JSON.parse(out)).toEqual({ brokerName: 'broker-a', to: 2 });
    expect(server.handedOver).toEqual([
      { brokerName: 'broker-a', to: undefined },
      { brokerName: 'broker-a', to: 2 },
    ]);
  });

  it('says why not, and refuses what is no replica', async () => {
    server.failure = new StatusError(Code.UNSUPPORTED, 'broker broker-a has no replicas');
    expect(await at('failover', 'broker-a')).toMatchObject({
      ...{ code: 1, err: 'UNSUPPORTED: broker broker-a has no replicas\n' },
    });
    expect((await at('failover', 'broker-a', '--to', 'one')).code).toBe(2);
  });
});
