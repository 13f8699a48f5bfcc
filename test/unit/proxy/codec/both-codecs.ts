import type { ServiceDefinition } from '@grpc/grpc-js';
import { withHotCodecs } from '../../../../src/proxy/codec/hot-codecs';
import { loadService } from '../../../../src/rpc/protos';
import type { HotName } from './random-messages';

/** The messaging service with the loader's codecs, and with ours. */
export const loaded: ServiceDefinition = loadService(
  'apache/rocketmq/v2/service.proto',
  'apache.rocketmq.v2.MessagingService',
);
export const own = withHotCodecs(loaded);

export function method(definition: ServiceDefinition, name: HotName): (typeof definition)[string] {
  const found = definition[name];
  if (found === undefined) throw new Error(`no method ${name}`);
  return found;
}
