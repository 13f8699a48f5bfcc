import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse, parseAllDocuments } from 'yaml';

import { loadConfig } from '../../src/config/load';
import type { RoleOptions } from '../../src/config/options';
import { environmentOf } from '../support/dockerfile';
import { DEPLOY, imageStage, roleOf } from '../support/deploy-files';
import { goModule, goProgram, run } from '../support/go-program';
import { ROOT } from '../support/process';
import {
  type CustomResource,
  type Swagger,
  writeCustomSchema,
  writeKubernetesSchemas,
} from './support/kubernetes-schemas';

const HELM = 'helm.sh/helm/v3/cmd/helm@v3.18.4';
const KUBECONFORM = 'github.com/yannh/kubeconform/cmd/kubeconform@v0.7.0';
const KUBERNETES = '1.31.0';
/** Kinds of the Prometheus Operator, as it describes them itself. */
const OPERATOR = 'github.com/prometheus-operator/prometheus-operator@v0.79.2';
const OPERATED = ['podmonitors', 'prometheusrules'];
const CHART = join(DEPLOY, 'helm', 'gantry');
const CI = join(CHART, 'ci');
const CLOSED = join(CI, 'closed-values.yaml');
const MONITORED = join(CI, 'monitored-values.yaml');
/** Where certificates of links are. */
const LINK = '/etc/gantry/link';

const directory = mkdtempSync(join(tmpdir(), 'gantry-helm-'));
const schemas = join(ROOT, '.cache', `kubernetes-schemas-${KUBERNETES}`);
let helm = '';
let kubeconform = '';
beforeAll(async () => {
  helm = await goProgram(HELM);
  kubeconform = await goProgram(KUBECONFORM);
  const kubernetes = await goModule(`k8s.io/kubernetes@v${KUBERNETES}`);
  const swagger = readFileSync(join(kubernetes, 'api', 'openapi-spec', 'swagger.json'), 'utf8');
  expect(writeKubernetesSchemas(JSON.parse(swagger) as Swagger, schemas)).toBeGreaterThan(100);
  const crds = join(await goModule(OPERATOR), 'jsonnet', 'prometheus-operator');
  for (const plural of OPERATED) {
    const crd = readFileSync(join(crds, `${plural}-crd.json`), 'utf8');
    writeCustomSchema(JSON.parse(crd) as CustomResource, schemas);
  }
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

/** The only value that must be set. */
const ETCD = set('etcd.endpoints={etcd-0.etcd:2379,etcd-1.etcd:2379}');

/** The variants of the chart that are looked at. */
const variants: readonly (readonly [name: string, args: readonly string[]])[] = [
  ['as its values are', ETCD],
  ...readdirSync(CI).map((file) => [`with ci/${file}`, ['--values', join(CI, file)]] as const),
  ['with TLS to etcd alone', [...ETCD, ...set('etcd.tls.enabled=true', 'etcd.tls.secret=ca')]],
  ['without replicas', set('broker.replicas=1')],
  [
    'without network policies and affinity',
    [...ETCD, ...set('networkPolicy.enabled=false', 'antiAffinity=none')],
  ],
  [
    'without drain and annotations',
    [...ETCD, ...set('proxy.drainSeconds=0', 'scrapeAnnotations=false')],
  ],
];

function set(...values: readonly string[]): readonly string[] {
  return values.flatMap((value) => ['--set', value]);
}

interface Container {
  readonly args: readonly string[];
  readonly env?: readonly {
    readonly name: string;
    readonly value?: string;
    readonly valueFrom?: { readonly fieldRef?: { readonly fieldPath: string } };
  }[];
  readonly volumeMounts: readonly { readonly name: string; readonly mountPath: string }[];
  readonly securityContext: object;
}

interface Resource {
  readonly kind: string;
  readonly metadata: { readonly name: string };
  readonly data?: Readonly<Record<string, string>>;
  readonly spec?: {
    readonly replicas?: number;
    readonly egress?: readonly object[];
    readonly groups?: readonly object[];
    readonly template?: {
      readonly spec: {
        readonly containers: readonly Container[];
        readonly securityContext: object;
        readonly affinity?: object;
        readonly volumes: readonly {
          readonly name: string;
          readonly configMap?: { readonly name: string };
          readonly secret?: { readonly secretName: string };
        }[];
      };
    };
  };
}

async function render(args: readonly string[]): Promise<readonly Resource[]> {
  return parseAllDocuments(await template(args))
    .map((document) => document.toJS() as Resource | null)
    .filter((resource) => resource !== null);
}

async function template(args: readonly string[]): Promise<string> {
  const all = ['template', 'test', CHART, '--namespace', 'mq', '--kube-version', KUBERNETES];
  const { stdout } = await run(helm, [...all, ...args], { maxBuffer: 1 << 24 });
  return stdout;
}

/** What `helm` says when it refuses. */
async function refusal(args: readonly string[]): Promise<string> {
  return template(args).then(
    () => '',
    (error: { readonly stderr: string }) => error.stderr,
  );
}

describe.each(variants)('the chart %s', (_variant, args) => {
  it('has nothing that helm lint warns of', async () => {
    const { stdout } = await run(helm, ['lint', '--strict', CHART, ...args]);
    expect(stdout).toContain('1 chart(s) linted, 0 chart(s) failed');
  });

  it('is made of resources as Kubernetes describes them', async () => {
    const file = join(directory, 'rendered.yaml');
    writeFileSync(file, await template(args));
    const location = join(schemas, '{{.ResourceKind}}{{.KindSuffix}}.json');
    const options = ['-strict', '-summary', '-verbose', '-schema-location', location];
    const { stdout } = await run(kubeconform, [...options, file]);
    expect(stdout).toMatch(/Valid: [1-9]\d*, Invalid: 0, Errors: 0, Skipped: 0/);
  });

  it('gives each role settings that it starts with', async () => {
    const resources = await render(args);
    const seen = new Set<string>();
    for (const { spec } of resources) {
      const pod = spec?.template?.spec;
      if (pod === undefined) continue;
      const [container] = pod.containers;
      const role = roleOf(container?.args[0]);
      const map = pod.volumes.find(({ configMap }) => configMap !== undefined)?.configMap?.name;
      const file = settingsOf(resources, map ?? '');
      loadConfig(role, { file, env: environment(container), flags: new Map() });
      seen.add(role);
    }
    expect([...seen].toSorted()).toEqual(['broker', 'namesrv', 'proxy']);
  });

  it('has pods that may do nothing but what they must', async () => {
    const pods = (await render(args)).flatMap(({ spec }) => spec?.template?.spec ?? []);
    expect(pods.length).toBeGreaterThan(0);
    for (const pod of pods) {
      expect(pod.securityContext).toMatchObject({
        ...{ runAsNonRoot: true, runAsUser: 1000, seccompProfile: { type: 'RuntimeDefault' } },
      });
      expect(pod.containers[0]?.securityContext).toEqual({
        allowPrivilegeEscalation: false,
        readOnlyRootFilesystem: true,
        capabilities: { drop: ['ALL'] },
      });
    }
  });
});

/** A file with the settings of a ConfigMap. */
function settingsOf(resources: readonly Resource[], name: string): string {
  const map = resources.find((one) => one.kind === 'ConfigMap' && one.metadata.name === name);
  const file = join(directory, `${name}.yaml`);
  writeFileSync(file, map?.data?.['gantry.yaml'] ?? 'no: such file');
  return file;
}

/** What a container's environment is, with what Kubernetes fills in. */
function environment(container: Container | undefined): Readonly<Record<string, string>> {
  const own = (container?.env ?? []).map(({ name, value, valueFrom }) => {
    const filledIn = valueFrom?.fieldRef?.fieldPath.includes('pod-index') ? '2' : 'filled-in';
    return [name, (value ?? filledIn).replace('$(POD_NAME)', 'pod-2')];
  });
  return { ...environmentOf(imageStage()), ...(Object.fromEntries(own) as Record<string, string>) };
}

describe('the chart', () => {
  it('makes a StatefulSet of each broker group', async () => {
    const sets = (await render(ETCD)).filter(({ kind }) => kind === 'StatefulSet');
    expect(sets.map(({ metadata, spec }) => [metadata.name, spec?.replicas])).toEqual([
      ['test-gantry-broker-a', 3],
      ['test-gantry-broker-b', 3],
      ['test-gantry-namesrv', 2],
    ]);
  });

  it('lets brokers reach etcd: endpoints, user, certificates and network', async () => {
    const resources = await render(['--values', CLOSED]);
    const [broker] = resources.filter(({ kind }) => kind === 'StatefulSet');
    const container = broker?.spec?.template?.spec.containers[0];
    const file = settingsOf(resources, 'test-gantry-broker');
    const inputs = { file, env: environment(container), flags: new Map<string, string>() };
    const { replication, etcd, broker: own } = loadConfig('broker', inputs);
    expect(replication).toMatchObject({ mode: 'etcd', ack: 'sync', minInSync: 2 });
    expect(etcd).toMatchObject({ user: 'filled-in', password: 'filled-in', leaseSeconds: 2 });
    expect(etcd.endpoints).toHaveLength(3);
    const folder = '/etc/gantry/etcd';
    const [certificate, key] = [`${folder}/tls.crt`, `${folder}/tls.key`];
    expect(etcd.tls).toEqual({ enabled: true, ca: `${folder}/ca.crt`, certificate, key });
    expect(container?.volumeMounts).toContainEqual(expect.objectContaining({ mountPath: folder }));
    expect(own.replicaId).toBe(2);
    const policy = resources.find(
      ({ kind, metadata }) => kind === 'NetworkPolicy' && metadata.name.endsWith('-broker'),
    );
    expect(policy?.spec?.egress).toContainEqual({
      ports: [{ port: 2379 }],
      to: [{ namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'etcd' } } }],
    });
  });

  it.each([
    ['offered', 'permissive', '', false],
    ['used', 'permissive', '', true],
    ['required', 'enforcing', `${LINK}/ca.crt`, true],
  ])('has TLS between its parts, %s', async (mode, port, clientCa, used) => {
    const given = set('link.tls.secret=gantry-link', `link.tls.mode=${mode}`);
    const resources = await render([...ETCD, ...given]);
    const files = { certificate: `${LINK}/tls.crt`, key: `${LINK}/tls.key` };
    const options = <R extends 'namesrv' | 'broker' | 'proxy'>(role: R): RoleOptions[R] => {
      const file = settingsOf(resources, `test-gantry-${role}`);
      return loadConfig(role, { file, env: environment(undefined), flags: new Map() });
    };
    const served = { mode: port, ...files, clientCa };
    expect([options('namesrv').tls, options('broker').tls]).toEqual([served, served]);
    expect(options('proxy').tls).toMatchObject({ mode: 'permissive', clientCa: '' });
    const link = used ? { ...files, ca: `${LINK}/ca.crt` } : { certificate: '', key: '', ca: '' };
    const tls = { enabled: used, ...link };
    expect([options('broker').link.tls, options('proxy').link.tls]).toEqual([tls, tls]);
    const pods = resources.flatMap(({ spec }) => spec?.template?.spec ?? []);
    expect(pods).toHaveLength(4);
    for (const { volumes, containers } of pods) {
      expect(volumes).toContainEqual(
        expect.objectContaining({
          name: 'link',
          secret: expect.objectContaining({ secretName: 'gantry-link' }) as object,
        }),
      );
      const mount = { name: 'link', mountPath: LINK, readOnly: true };
      expect(containers[0]?.volumeMounts).toContainEqual(mount);
    }
  });

  it('tells the Prometheus Operator of the alerts that the compose file has, where asked', async () => {
    const operated = async (args: readonly string[]): Promise<readonly Resource[]> =>
      (await render(args)).filter(({ kind }) => ['PodMonitor', 'PrometheusRule'].includes(kind));
    expect(await operated(ETCD)).toEqual([]);
    const [monitor, rule] = await operated(['--values', MONITORED]);
    expect(monitor?.spec).toMatchObject({ podMetricsEndpoints: [{ port: 'http' }] });
    const alerts = readFileSync(join(DEPLOY, 'compose', 'alerts.yaml'), 'utf8');
    expect(rule?.spec).toEqual(parse(alerts));
    expect(rule?.spec?.groups).toHaveLength(1);
  });

  it.each([
    [[], 'etcd.endpoints: Array must have at least 1 items'],
    [set('etcd.endpoints={http://etcd:2379}'), 'etcd.endpoints.0'],
    [[...ETCD, ...set('broker.config.replication.mode=static')], 'broker.config'],
    [set('broker.groups[0].name=Broker_A'), 'broker.groups.0.name'],
    [set('proxy.config.port=9000'), 'proxy.config'],
    [set('broker.config.link.tls.enabled=true'), 'broker.config'],
    [set('link.tls.mode=enforcing'), 'link.tls.mode'],
    [set('monitoring.prometheusRule.enable=true'), 'Additional property enable is not allowed'],
    [set('brokers.replicas=3'), 'Additional property brokers is not allowed'],
  ])('refuses %j', async (args, reason) => {
    expect(await refusal(args)).toContain(reason);
  });
});

describe('what checks the chart', () => {
  const RULE = 'apiVersion: monitoring.coreos.com/v1\nkind: PrometheusRule';

  it.each([
    ['a field that does not exist', 'spec: {replica: 1}'],
    ['a port that is no number', 'spec: {ports: [{port: many}]}'],
    ['an alert without an expression', 'spec: {groups: [{name: a, rules: [{alert: b}]}]}', RULE],
    ['alerts at a wrong place', 'spec: {rules: []}', RULE],
  ])('finds %s', async (_what, spec, of = 'apiVersion: v1\nkind: Service') => {
    mkdirSync(directory, { recursive: true });
    const file = join(directory, 'wrong.yaml');
    writeFileSync(file, `${of}\nmetadata: {name: wrong}\n${spec}\n`);
    const location = join(schemas, '{{.ResourceKind}}{{.KindSuffix}}.json');
    await expect(
      run(kubeconform, ['-strict', '-schema-location', location, file]),
    ).rejects.toThrow();
  });
});
