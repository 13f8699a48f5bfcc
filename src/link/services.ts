/** The services between our own parts, loaded once and when first needed. */
import type { MessageTypeDefinition } from '@grpc/proto-loader';
import type { GantryAdminDefinition } from '../rpc/generated/gantry/v1/GantryAdmin';
import type { GantryBrokerDefinition } from '../rpc/generated/gantry/v1/GantryBroker';
import type { GantryNameServerDefinition } from '../rpc/generated/gantry/v1/GantryNameServer';
import type { GantryReplicationDefinition } from '../rpc/generated/gantry/v1/GantryReplication';
import type { CodeAndText, CodeAndText__Output } from '../rpc/generated/gantry/v1/CodeAndText';
import { loadPackage, loadService } from '../rpc/protos';
import { linkDefinition } from './codec/link-batch';

let broker: GantryBrokerDefinition | undefined;
let nameServer: GantryNameServerDefinition | undefined;
let admin: GantryAdminDefinition | undefined;
let replication: GantryReplicationDefinition | undefined;

export function brokerDefinition(): GantryBrokerDefinition {
  if (broker !== undefined) return broker;
  const loaded = loadService(
    'gantry/v1/broker.proto',
    'gantry.v1.GantryBroker',
  ) as GantryBrokerDefinition;
  broker = { ...loaded, Link: linkDefinition(loaded.Link) };
  return broker;
}

export function nameServerDefinition(): GantryNameServerDefinition {
  nameServer ??= loadService(
    'gantry/v1/namesrv.proto',
    'gantry.v1.GantryNameServer',
  ) as GantryNameServerDefinition;
  return nameServer;
}

export function adminDefinition(): GantryAdminDefinition {
  admin ??= loadService('gantry/v1/admin.proto', 'gantry.v1.GantryAdmin') as GantryAdminDefinition;
  return admin;
}

export function replicationDefinition(): GantryReplicationDefinition {
  replication ??= loadService(
    'gantry/v1/replication.proto',
    'gantry.v1.GantryReplication',
  ) as GantryReplicationDefinition;
  return replication;
}

let codeAndTextType: MessageTypeDefinition<CodeAndText, CodeAndText__Output> | undefined;

function codeAndTextDefinition(): MessageTypeDefinition<CodeAndText, CodeAndText__Output> {
  codeAndTextType ??= loadPackage('gantry/v1/config.proto')[
    'gantry.v1.CodeAndText'
  ] as MessageTypeDefinition<CodeAndText, CodeAndText__Output>;
  return codeAndTextType;
}

/** An error's code and text as bytes. */
export const codeAndText = {
  encode: (value: CodeAndText): Buffer => codeAndTextDefinition().serialize(value),
  decode: (bytes: Buffer): CodeAndText__Output => codeAndTextDefinition().deserialize(bytes),
};
