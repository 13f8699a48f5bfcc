/** Small HTTP/1.1 answers over node:http: health and metrics. */
import {
  createServer,
  type IncomingMessage,
  type RequestListener,
  type Server,
  type ServerResponse,
} from 'node:http';
import { dialTcp } from './node-dial';
import { listenTcp } from './node-tcp';
import { NodeTlsContext } from './node-tls';
import type { HttpRequest, HttpResponse, Listener, Sockets } from './platform';
import { errorText } from './error-text';

/** Connections served at once; more are closed at once. */
const MAX_CONNECTIONS = 256;
/** How long a client may take to send its request, ms. */
const REQUEST_TIMEOUT_MS = 10_000;

type Handler = (request: HttpRequest) => HttpResponse | Promise<HttpResponse>;

/** Sockets of the operating system. */
export function nodeSockets(): Sockets {
  return {
    dialTcp,
    listenTcp,
    tlsContext: (identity) => new NodeTlsContext(identity),
    listenHttp: (host, port, handler) => {
      const listener: RequestListener = (request, response) => {
        void serve(handler, request, response);
      };
      const server = createServer({ requestTimeout: REQUEST_TIMEOUT_MS }, listener);
      server.maxConnections = MAX_CONNECTIONS;
      return listen(server, host, port);
    },
  };
}

async function serve(
  handler: Handler,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  request.resume();
  let answer: HttpResponse;
  try {
    answer = await handler({ method: request.method ?? 'GET', url: request.url ?? '/' });
  } catch (error) {
    const text = errorText(error);
    answer = { status: 500, contentType: 'text/plain; charset=utf-8', body: `${text}\n` };
  }
  response.writeHead(answer.status, {
    'content-type': answer.contentType,
    'content-length': Buffer.byteLength(answer.body),
  });
  response.end(request.method === 'HEAD' ? undefined : answer.body);
}

function listen(server: Server, host: string, port: number): Promise<Listener> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, () => {
      server.removeListener('error', reject);
      const address = server.address();
      const taken = typeof address === 'object' && address !== null ? address.port : port;
      resolve({ port: taken, close: () => closeServer(server) });
    });
  });
}

function closeServer(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => {
      resolve();
    });
    server.closeIdleConnections();
    // Answers are small: what is still running now is a client that does not read.
    setTimeout(() => {
      server.closeAllConnections();
    }, 1000).unref();
  });
}
