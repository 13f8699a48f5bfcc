/** A role's options: defaults, then the file, then the environment, then flags; later wins. */
import convict from 'convict';

import { ConfigError } from './config-error';
import { writeValue } from './formats';
import { CONFIG_VARIABLE, envLayer, fileLayer, flagLayer } from './layers';
import type { Layer, Source } from './layers';
import { isOption, optionsOf } from './option';
import type { OptionTree } from './option';
import type { RoleOptions } from './options';
import { proxyProtocolFaults, type ProxyProtocolMode } from './proxy-protocol';
import { replicationFaults } from './replication-faults';
import { schemas } from './schema';
import { tlsFaults } from './tls-faults';
import type { Role } from './schema';

export interface Inputs {
  /** A YAML file; without one, that of GANTRY_CONFIG, if set. */
  readonly file?: string;
  /** The environment; variables that do not start with GANTRY_ are not looked at. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** What the command line says, by key, as text or true and false. */
  readonly flags: ReadonlyMap<string, unknown>;
}

/** One option's value and where it came from. */
export interface Entry {
  readonly key: string;
  readonly value: unknown;
  /** As it would be written in the file. */
  readonly text: string;
  readonly source: Source;
}

export interface Config<R extends Role> {
  readonly options: RoleOptions[R];
  readonly entries: readonly Entry[];
  /** Why the values do not go together, one line each; a role does not start with any. */
  readonly faults: readonly string[];
}

/**
 * The options to start a role with.
 * @throws ConfigError naming every unknown key, every value out of its range, and values that do not
 *   go together
 */
export function loadConfig<R extends Role>(role: R, inputs: Inputs): RoleOptions[R] {
  const { options, faults } = readConfig(role, inputs);
  if (faults.length > 0) throw new ConfigError(faults);
  return options;
}

/**
 * All values and where they came from, also when they do not go together.
 * @throws ConfigError naming every unknown key and every value out of its range
 */
export function readConfig<R extends Role>(role: R, inputs: Inputs): Config<R> {
  const tree: OptionTree = schemas[role];
  const config = convict<Record<string, unknown>>(convictSchema(tree), { env: {}, args: [] });
  const sources = new Map<string, Source>();
  for (const layer of layersOf(role, inputs)) {
    for (const [key, value] of layer.values) {
      config.set(key, value);
      sources.set(key, layer.source);
    }
  }
  config.validate({ allowed: 'strict' });
  const entries = optionsOf(tree).map(([key, spec]): Entry => {
    const value: unknown = config.get(key);
    return { key, value, text: writeValue(spec, value), source: sources.get(key) ?? 'default' };
  });
  const options = valuesOf(tree, config.getProperties()) as RoleOptions[R];
  return { options, entries, faults: faultsTogether(role, entries) };
}

function layersOf(role: Role, { file, env, flags }: Inputs): readonly Layer[] {
  const path = file ?? env[CONFIG_VARIABLE];
  const parts = [
    () => (path === undefined || path === '' ? undefined : fileLayer(role, path)),
    () => envLayer(role, env),
    () => flagLayer(role, flags),
  ];
  const faults: string[] = [];
  const layers: Layer[] = [];
  for (const part of parts) {
    try {
      const layer = part();
      if (layer !== undefined) layers.push(layer);
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      faults.push(...error.faults);
    }
  }
  if (faults.length > 0) throw new ConfigError(faults);
  return layers;
}

/** Convict keeps and merges the values; layers have read and checked them before. */
function convictSchema(tree: OptionTree): convict.Schema<Record<string, unknown>> {
  const nodes = Object.entries(tree).map(([name, node]) => [
    name,
    isOption(node) ? { doc: node.doc, default: node.default, format: '*' } : convictSchema(node),
  ]);
  return Object.fromEntries(nodes) as convict.Schema<Record<string, unknown>>;
}

/** The same tree with `Ms` behind the names of durations. */
function valuesOf(tree: OptionTree, values: Readonly<Record<string, unknown>>): object {
  return Object.fromEntries(
    Object.entries(tree).map(([name, node]) => {
      const value = values[name];
      if (!isOption(node)) return [name, valuesOf(node, value as Record<string, unknown>)];
      return [node.format === 'duration' ? `${name}Ms` : name, value];
    }),
  );
}

const RANK: Readonly<Record<Source, number>> = { default: 0, file: 1, env: 2, flag: 3 };

/** Rules over several options. */
function faultsTogether(role: Role, entries: readonly Entry[]): readonly string[] {
  const by = new Map(entries.map((entry) => [entry.key, entry]));
  const faults: string[] = [];
  const ordered = (low: string, high: string): void => {
    const [a, b] = [by.get(low), by.get(high)];
    if (a !== undefined && b !== undefined && Number(a.value) > Number(b.value)) {
      faults.push(`${low} (${a.text}, ${a.source}) is above ${high} (${b.text}, ${b.source})`);
    }
  };
  ordered('receive.minInvisible', 'receive.maxInvisible');
  ordered('receive.minPolling', 'receive.maxPolling');
  ordered('rpc.streamHighWaterBytes', 'rpc.maxPendingStreamBytes');
  ordered('rpc.maxPendingStreamBytes', 'rpc.maxPendingConnectionBytes');
  ordered('rpc.streamWindowBytes', 'rpc.connectionWindowBytes');
  faults.push(...tlsFaults(by), ...replicationFaults(by));
  faults.push(
    ...proxyProtocolFaults({
      transport: by.get('rpc.transport')?.text ?? '',
      proxyProtocol: by.get('rpc.proxyProtocol')?.value as ProxyProtocolMode,
      proxyProtocolFrom: by.get('rpc.proxyProtocolFrom')?.value as readonly string[],
    }),
  );
  const [memory, dataDir] = [by.get('memory'), by.get('dataDir')];
  if (memory?.value === true && dataDir !== undefined && dataDir.source !== 'default') {
    if (RANK[dataDir.source] >= RANK[memory.source]) {
      faults.push(
        `memory (${memory.source}) and dataDir ${dataDir.text} (${dataDir.source}) exclude each other`,
      );
    }
  }
  if (by.get('namesrv')?.text === '') {
    faults.push(`namesrv is empty: a ${role} needs one at least, as in --namesrv 127.0.0.1:9876`);
  }
  for (const key of ['broker.name', 'broker.cluster', 'dataDir', 'host']) {
    if (by.get(key)?.text.trim() === '') faults.push(`${key} is empty`);
  }
  return faults;
}
