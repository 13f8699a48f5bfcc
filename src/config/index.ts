/** Options of the roles: a file, the environment and flags, read against one schema a role. */
export { parseAddress, reachableHost, writeAddress } from './address';
export type { Address } from './address';
export { ConfigError } from './config-error';
export { parseQueues, parseTopic, parseTopicType } from './formats';
export { loadConfig, readConfig } from './load';
export type { Config, Entry, Inputs } from './load';
export type { Source } from './layers';
export { flagOf, optionsOf, variableOf } from './option';
export type { Option } from './option';
export type {
  BrokerOptions,
  NamesrvOptions,
  ProxyOptions,
  RoleOptions,
  StartOptions,
} from './options';
export { ROLES, schemas } from './schema';
export type { Role } from './schema';
