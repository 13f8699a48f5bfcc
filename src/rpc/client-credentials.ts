/** TLS of a grpc-js client that asks anew for each connection what to show and whom to trust. */
import { ChannelCredentials, credentials } from '@grpc/grpc-js';
import type { TlsParts } from './tls/tls-parts';

/**
 * What a client shows a server, and whom it trusts instead of the system's roots; all of it PEM. Called for each new
 * connection, so that renewed files need no restart.
 */
export type ClientTls = () => TlsParts;

type Connectors = ChannelCredentials['_createSecureConnector'];

export class ClientCredentials extends ChannelCredentials {
  constructor(private readonly tls: ClientTls) {
    super();
  }

  override _isSecure(): boolean {
    return true;
  }

  override _equals(other: ChannelCredentials): boolean {
    return this === other;
  }

  override _createSecureConnector(...of: Parameters<Connectors>): ReturnType<Connectors> {
    const now = (): ReturnType<Connectors> => current(this.tls())._createSecureConnector(...of);
    const first = now();
    return {
      connect: (socket) => now().connect(socket),
      waitForReady: () => Promise.resolve(),
      getCallCredentials: () => first.getCallCredentials(),
      destroy: () => first.destroy(),
    };
  }
}

function current({ ca, certificate, key }: TlsParts): ChannelCredentials {
  return credentials.createSsl(bytes(ca), bytes(key), bytes(certificate));
}

function bytes(pem: string | undefined): Buffer | null {
  return pem === undefined ? null : Buffer.from(pem);
}
