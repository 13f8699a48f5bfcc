/** TLS of a grpc-js server whose certificate may be renewed while it serves. */
import { ServerCredentials } from '@grpc/grpc-js';
import type { TlsIdentity } from '../platform/platform';

export class RenewableCredentials extends ServerCredentials {
  constructor(identity: TlsIdentity) {
    super({}, contextOf(identity));
  }

  /** New connections are shown this one. */
  renew(identity: TlsIdentity): void {
    this.updateSecureContextOptions(contextOf(identity));
  }

  override _equals(other: ServerCredentials): boolean {
    return this === other;
  }
}

function contextOf({ certificate, key }: TlsIdentity): {
  readonly cert: string;
  readonly key: string;
} {
  return { cert: certificate, key };
}
