/** A client as the API describes it. */
import type { ClientView } from '../../api/client-view';
import type { ClientInfo } from '../../rpc/generated/apache/rocketmq/v2/ClientInfo';
import { MessageModel } from '../../rpc/generated/apache/rocketmq/v2/MessageModel';

export function clientInfo(client: ClientView): ClientInfo {
  return {
    client_id: client.clientId,
    version: client.version,
    language: client.language,
    hostname: client.host,
    egress_ip: client.address,
    message_model: messageModel(client),
  };
}

/** Clients of this API share the messages of their group; broadcasting is a client's own affair. */
export function messageModel({ type }: Pick<ClientView, 'type'>): MessageModel {
  return type.startsWith('LITE_') ? MessageModel.LITE_SELECTIVE : MessageModel.CLUSTERING;
}
