import type { ClientHttp2Session, ClientHttp2Stream } from 'node:http2';

/** A call without a gRPC library, on a connection that the test holds. */
export function rawCall(
  session: ClientHttp2Session,
  name: string,
  more: Readonly<Record<string, string>> = {},
): ClientHttp2Stream {
  return session.request({
    ':method': 'POST',
    ':path': `/test.Echo/${name}`,
    'content-type': 'application/grpc',
    te: 'trailers',
    ...more,
  });
}
