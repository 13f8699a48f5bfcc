import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { promisify } from 'node:util';
import { parse } from 'yaml';

import { loadConfig, type Inputs } from '../../../src/config/load';
import { optionsOf, variableOf } from '../../../src/config/option';
import { ROLES, schemas } from '../../../src/config/schema';
import { listenHealth, Readiness } from '../../../src/observe/http';
import { nodePlatform } from '../../../src/platform/node-platform';
import {
  composeServices,
  DEPLOY,
  deployFiles,
  deployText,
  gantryContainer,
  imageStage,
  roleOf,
} from '../../support/deploy-files';
import { environmentOf, readDockerfile, wordsOf } from '../../support/dockerfile';
import { ROOT } from '../../support/process';

const run = promisify(execFile);
const HTTP_PORT = '8082';

/** The keys and variables that any role has. */
const keys = new Set(ROLES.flatMap((role) => optionsOf(schemas[role])).map(([key]) => key));
const variables = new Set([...keys].map(variableOf));

const inputs = (env: Readonly<Record<string, string>>, file?: string): Inputs => ({
  env,
  flags: new Map(),
  ...(file !== undefined && { file }),
});

describe('deploy/Dockerfile', () => {
  const stages = readDockerfile(deployText('Dockerfile'));

  it('copies what is there, and its context has it', () => {
    const kept = readFileSync(join(ROOT, '.dockerignore'), 'utf8').split('\n');
    const sources = stages
      .flatMap(({ instructions }) => instructions)
      .filter(({ name, flags }) => name === 'COPY' && !flags.has('from'))
      .flatMap(({ words }) => words.slice(0, -1));
    expect(sources).toContain('src');
    for (const source of sources) {
      expect({ source, there: existsSync(join(ROOT, source)) }).toEqual({ source, there: true });
      expect(kept).toContain(`!${source}`);
    }
  });

  it('copies from stages that come before', () => {
    stages.forEach(({ instructions }, i) => {
      const before = stages.slice(0, i).map(({ name }) => name);
      for (const { flags } of instructions) {
        if (flags.has('from')) expect(before).toContain(flags.get('from'));
      }
    });
  });

  it('sets variables that every role takes, and no user but one by number', () => {
    for (const role of ROLES)
      loadConfig(role, inputs({ ...environmentOf(imageStage()), ...NAMESRV }));
    expect(environmentOf(imageStage())).toMatchObject({ GANTRY_HTTP_PORT: HTTP_PORT });
    expect(wordsOf(imageStage(), 'USER')).toEqual(['1000:1000']);
  });

  it.each([
    [true, 0],
    [false, 1],
  ])(
    'says that a container whose readiness is %s is healthy with exit code %i',
    async (ready, exit) => {
      const readiness = new Readiness();
      readiness.set('serving', ready);
      const health = await listenHealth(nodePlatform().sockets, '127.0.0.1', 0, readiness);
      const [, ...words] = wordsOf(imageStage(), 'HEALTHCHECK');
      const env = { GANTRY_HTTP_PORT: `${health.port}` };
      try {
        const code = await run(process.execPath, words, { env }).then(
          () => 0,
          (error: { readonly code: number }) => error.code,
        );
        expect(code).toBe(exit);
      } finally {
        await health.close();
      }
    },
  );
});

const NAMESRV = { GANTRY_NAMESRV: 'namesrv:9876' };

describe('compose files', () => {
  const containers = deployFiles('compose', /^(one-node|cluster)\.yaml$/).flatMap((file) =>
    Object.entries(composeServices(`compose/${file}`)).flatMap(([name, service]) => {
      const container = gantryContainer(service);
      return container === undefined ? [] : [{ place: `${file} ${name}`, service, ...container }];
    }),
  );

  it('have containers of each role', () => {
    expect(new Set(containers.map(({ role }) => role))).toEqual(new Set(ROLES));
  });

  it.each(containers)('$place starts with its settings', ({ role, env }) => {
    loadConfig(role, inputs(env));
  });

  it.each(containers)('$place is closed: read-only, without capabilities', ({ service }) => {
    expect(service).toMatchObject({
      read_only: true,
      cap_drop: ['ALL'],
      security_opt: ['no-new-privileges:true'],
    });
  });

  it('have a cluster whose groups are three replicas with a lease in etcd', () => {
    const services = composeServices('compose/cluster.yaml');
    const brokers = containers.filter(
      ({ role, place }) => role === 'broker' && place.startsWith('cluster.yaml '),
    );
    for (const name of ['broker-a', 'broker-b']) {
      const group = brokers.filter(({ env }) => env['GANTRY_BROKER_NAME'] === name);
      expect(group.map(({ env }) => env['GANTRY_BROKER_REPLICA_ID'])).toEqual(['0', '1', '2']);
    }
    for (const { place, env } of brokers) {
      const { replication, etcd, broker } = loadConfig('broker', inputs(env));
      expect(replication).toMatchObject({ mode: 'etcd', ack: 'sync', minInSync: 2 });
      expect(etcd.endpoints).toHaveLength(3);
      for (const address of [...etcd.endpoints, broker.address]) {
        expect(services).toHaveProperty([address.split(':')[0] ?? '']);
      }
      expect(place).toBe(`cluster.yaml ${broker.address.split(':')[0]}`);
    }
    expect(brokers).toHaveLength(6);
  });

  it('mount files that are there', () => {
    const files = Object.values(composeServices('compose/cluster.yaml'))
      .flatMap(({ volumes }) => volumes ?? [])
      .filter((volume) => volume.startsWith('./'))
      .map((volume) => volume.split(':')[0] ?? '');
    expect(files.length).toBeGreaterThan(0);
    for (const file of files) expect(deployFiles('compose', /./)).toContain(basename(file));
  });

  it('have a Prometheus that asks each Gantry container and each etcd', () => {
    const { scrape_configs: jobs } = parse(deployText('compose/prometheus.yaml')) as Scraping;
    const asked = jobs.flatMap(({ static_configs: lists }) => lists.flatMap((one) => one.targets));
    const services = composeServices('compose/cluster.yaml');
    const expected = Object.entries(services).flatMap(([name, service]) => {
      if (service.image === 'gantry') return [`${name}:${HTTP_PORT}`];
      return name.startsWith('etcd-') ? [`${name}:2379`] : [];
    });
    expect(asked).toEqual(expect.arrayContaining(expected));
    for (const target of asked) expect(services).toHaveProperty([target.split(':')[0] ?? '']);
  });
});

describe('alerts', () => {
  it('speak of metrics that there are, and the page about operations of each alert', () => {
    const { groups } = parse(deployText('compose/alerts.yaml')) as Alerting;
    const rules = groups.flatMap((group) => group.rules);
    const page = readFileSync(join(ROOT, 'docs/operations.md'), 'utf8');
    for (const { alert, expr } of rules) {
      expect(page).toContain(`\`${alert}\``);
      for (const [name] of expr.matchAll(/\bgantry_\w+/g)) expect(page).toContain(`\`${name}\``);
    }
    expect(rules.length).toBeGreaterThan(0);
  });

  // Helm reads nothing outside of its chart: UPDATE_DOCS=1 npx jest unit/repository/deploy copies them.
  it('are the same in the chart', () => {
    const alerts = deployText('compose/alerts.yaml');
    const copy = join(DEPLOY, 'helm/gantry/files/alerts.yaml');
    if (process.env['UPDATE_DOCS'] !== undefined) writeFileSync(copy, alerts);
    expect(readFileSync(copy, 'utf8')).toBe(alerts);
  });
});

interface Alerting {
  readonly groups: readonly {
    readonly rules: readonly { readonly alert: string; readonly expr: string }[];
  }[];
}

interface Scraping {
  readonly scrape_configs: readonly {
    readonly static_configs: readonly { readonly targets: readonly string[] }[];
  }[];
}

describe('systemd units', () => {
  it('run the role that they are named by, with its settings and within its directory', () => {
    const unit = deployText('systemd/gantry@.service');
    expect(unit).toContain('\nExecStart=/usr/bin/gantry %i --config /etc/gantry/%i.yaml\n');
    expect(unit).toContain('\nStateDirectory=gantry/%i\n');
  });

  it.each(deployFiles('systemd', /\.yaml$/))('%s is a file that its role starts with', (file) => {
    const role = roleOf(basename(file, '.yaml'));
    const options = loadConfig(role, inputs({}, join(DEPLOY, 'systemd', file)));
    if ('dataDir' in options) expect(options.dataDir).toBe(`/var/lib/gantry/${role}`);
  });

  it('have a broker that starts as a replica with the lines that are commented out', () => {
    const [, of] = deployText('systemd/broker.yaml').split('says which of them leads.\n');
    const [lines = ''] = (of ?? '').split('# Roles by');
    const folder = mkdtempSync(join(tmpdir(), 'gantry-units-'));
    const file = join(folder, 'broker.yaml');
    writeFileSync(file, deployText('systemd/broker.yaml') + lines.replaceAll(/^# /gm, ''));
    const { replication, etcd } = loadConfig('broker', inputs({}, file));
    rmSync(folder, { recursive: true });
    expect(replication).toMatchObject({ mode: 'etcd', ack: 'sync', minInSync: 2 });
    expect(etcd.endpoints).toHaveLength(3);
  });

  it('have a file for each role', () => {
    expect(deployFiles('systemd', /\.yaml$/).map((file) => basename(file, '.yaml'))).toEqual(
      ROLES.toSorted(),
    );
  });
});

describe('the Helm chart', () => {
  const templates = deployFiles('helm/gantry/templates', /\.(yaml|tpl)$/)
    .map((file) => deployText(`helm/gantry/templates/${file}`))
    .join('\n');

  it('sets variables that are settings', () => {
    const named = [...templates.matchAll(/\bGANTRY_[A-Z_]+/g)].map(([name]) => name);
    expect(named).toContain('GANTRY_BROKER_NAME');
    expect(named.filter((name) => !variables.has(name))).toEqual([]);
  });

  it('has the settings of its values in the schema of their role', () => {
    const values = parse(deployText('helm/gantry/values.yaml')) as Record<
      string,
      { config?: object }
    >;
    for (const role of ['namesrv', 'broker', 'proxy'] as const) {
      const known = optionsOf(schemas[role]).map(([key]) => key);
      for (const key of leaves(values[role]?.config ?? {})) expect(known).toContain(key);
    }
  });

  it('is of the version of the package', () => {
    const { version } = parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as Versions;
    const { appVersion } = parse(deployText('helm/gantry/Chart.yaml')) as Versions;
    expect(appVersion).toBe(version);
  });
});

interface Versions {
  readonly version: string;
  readonly appVersion: string;
}

function leaves(node: object, prefix = ''): readonly string[] {
  return Object.entries(node).flatMap(([name, value]: [string, unknown]) =>
    typeof value === 'object' && value !== null && !Array.isArray(value)
      ? leaves(value, `${prefix}${name}.`)
      : [`${prefix}${name}`],
  );
}
