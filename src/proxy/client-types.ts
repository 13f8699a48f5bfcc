/** The kinds of clients (`ClientType` of the API), and what each may do. */
import { Code, StatusError } from '../message/status';
import { ClientType } from '../rpc/generated/apache/rocketmq/v2/ClientType';
import type { Settings__Output } from '../rpc/generated/apache/rocketmq/v2/Settings';

/**
 * Settings without a client type are what else they hold.
 * @throws StatusError BAD_REQUEST when a producer subscribes, or a consumer publishes
 */
export function checkSettingsType(settings: Settings__Output): void {
  const { client_type: type, pub_sub: has } = settings;
  if (!type || has === undefined) return;
  const needed = type === ClientType.PRODUCER ? 'publishing' : 'subscription';
  if (has === needed) return;
  throw new StatusError(
    Code.BAD_REQUEST,
    `settings of a ${nameOf(type)} need ${needed}, these have ${has}`,
  );
}

/**
 * Heartbeats and goodbyes are for these kinds of consumers only.
 * @throws StatusError UNRECOGNIZED_CLIENT_TYPE
 */
export function checkConsumerType(clientType: number): void {
  if (
    clientType === ClientType.PUSH_CONSUMER ||
    clientType === ClientType.SIMPLE_CONSUMER ||
    isLiteConsumer(clientType)
  ) {
    return;
  }
  throw new StatusError(Code.UNRECOGNIZED_CLIENT_TYPE, nameOf(clientType));
}

/** Whether a client receives lite topics, and so knows the commands about them. */
export function isLiteConsumer(clientType: number): boolean {
  return (
    clientType === ClientType.LITE_PUSH_CONSUMER || clientType === ClientType.LITE_SIMPLE_CONSUMER
  );
}

function nameOf(clientType: number): string {
  const name = Object.entries(ClientType).find(([, value]) => value === clientType)?.[0];
  return name ?? `client type ${clientType}`;
}
