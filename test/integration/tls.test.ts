import { once } from 'node:events';
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { connect as connectTcp } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { credentials, type ChannelCredentials } from '@grpc/grpc-js';
import { type GantryProcess, runGantry, spawnGantry, startGantry } from '../support/process';
import { makeIdentity, TlsFiles } from '../support/tls-files';
import { until, within } from '../support/until';
import { HealthClient } from '../unit/rpc/support/probe';

const RENEWED_MS = 15_000;
const PLAIN = credentials.createInsecure();

let files: TlsFiles;
const running: GantryProcess[] = [];

beforeEach(() => {
  files = new TlsFiles();
});

afterEach(async () => {
  await Promise.all(running.splice(0).map((gantry) => gantry.kill()));
  files.remove();
});

async function start(...args: readonly string[]): Promise<GantryProcess> {
  const gantry = await startGantry('start', { args: ['--memory', ...args] });
  running.push(gantry);
  return gantry;
}

/** What the health service says over these credentials; rejects when it cannot be asked. */
async function health({ port }: GantryProcess, how: ChannelCredentials): Promise<string> {
  const client = new HealthClient(`localhost:${port}`, how, {
    'grpc.use_local_subchannel_pool': 1,
    'grpc.initial_reconnect_backoff_ms': 60_000,
  });
  try {
    return await client.check('');
  } finally {
    client.close();
  }
}

const trusting = (certificate: string): ChannelCredentials =>
  credentials.createSsl(Buffer.from(certificate));

/** The certificate that the server shows, PEM, and the protocol agreed on. */
async function shown({ port }: GantryProcess): Promise<{ pem: string; protocol: unknown }> {
  const options = { port, host: '127.0.0.1', rejectUnauthorized: false, ALPNProtocols: ['h2'] };
  const socket = connectTls(options);
  await within('a handshake', 5000, once(socket, 'secureConnect'));
  const raw = socket.getPeerCertificate().raw.toString('base64');
  const protocol = socket.alpnProtocol;
  socket.destroy();
  return { pem: raw, protocol };
}

const base64Of = (pem: string): string => pem.replaceAll(/-----.*-----|\s/g, '');

describe('gantry start on its own HTTP/2', () => {
  const http2 = ['--rpc-transport', 'http2'];

  it('serves plaintext and TLS on one port, with a certificate made for development', async () => {
    const gantry = await start(...http2);
    const { pem, protocol } = await shown(gantry);
    expect(protocol).toBe('h2');
    const certificate = `-----BEGIN CERTIFICATE-----\n${pem}\n-----END CERTIFICATE-----\n`;
    expect(await health(gantry, PLAIN)).toBe('SERVING');
    expect(await health(gantry, trusting(certificate))).toBe('SERVING');
    expect(gantry.output()).toMatch(/"part":"tls",.*certificate for development made/);
  });

  it('serves TLS only when told so, and says it to who comes in plaintext', async () => {
    const gantry = await start(...http2, '--tls-mode', 'enforcing', ...files.flags);
    await expect(health(gantry, PLAIN)).rejects.toThrow(/not secure enough/);
    expect(await oneLineOfHttp(gantry)).toBe(
      '505 This port speaks gRPC (HTTP/2), for clients of RocketMQ 5, and takes TLS only.\n',
    );
  });

  it('is asked by commands with tls:// before the address, when they trust its certificate', async () => {
    const gantry = await start(...http2, '--tls-mode', 'enforcing', ...files.flags);
    const asked = ['topic', 'create', 'orders', '--endpoint', `tls://${gantry.endpoint}`];
    await expect(runGantry(asked)).rejects.toThrow(/UNAVAILABLE.*certificate/);
    const trusting = { GRPC_DEFAULT_SSL_ROOTS_FILE_PATH: files.certificate };
    expect(await runGantry(asked, trusting)).toContain('orders');
  });

  it('serves no TLS when told so', async () => {
    const gantry = await start(...http2, '--tls-mode', 'disabled');
    await expect(shown(gantry)).rejects.toThrow(/alert/);
    expect(await health(gantry, PLAIN)).toBe('SERVING');
  });

  it('answers a browser and a client of Remoting with one line each', async () => {
    const gantry = await start(...http2);
    const told = 'This port speaks gRPC (HTTP/2), for clients of RocketMQ 5';
    expect(await oneLineOfHttp(gantry)).toBe(`505 ${told}.\n`);
    expect(await remotingAnswer(gantry)).toEqual({ code: 3, flag: 1, opaque: 9, remark: told });
  });
});

describe('gantry start on grpc-js', () => {
  it('serves plaintext where both are welcome, and says so once', async () => {
    const gantry = await start('--rpc-transport', 'grpc-js');
    expect(await health(gantry, PLAIN)).toBe('SERVING');
    expect(gantry.output().match(/serves plaintext only/g)).toHaveLength(1);
  });
});

describe('gantry start on either transport, TLS only', () => {
  const transports = ['http2', 'grpc-js'];
  const enforcing = (transport: string): readonly string[] => [
    ...['--memory', '--rpc-transport', transport, '--tls-mode', 'enforcing'],
    ...files.flags,
  ];

  it('shows a renewed certificate without a restart, and goes on when files are spoilt', async () => {
    // Both at once: the files are looked at every five seconds.
    await Promise.all(
      transports.map(async (transport) => {
        running.push(await startGantry('start', { args: enforcing(transport) }));
      }),
    );
    const first = await Promise.all(running.map(shown));
    const next = makeIdentity();
    files.write({ certificate: next.certificate, key: 'no key' });
    for (const gantry of running) {
      await until('the log to tell of it', RENEWED_MS, () =>
        /"level":50.*holds no private key.*the one before stays/.test(gantry.output())
          ? true
          : undefined,
      );
    }
    expect(await Promise.all(running.map(shown))).toEqual(first);
    files.write(next);
    for (const gantry of running) {
      await until('the renewed certificate', RENEWED_MS, async () =>
        (await shown(gantry)).pem === base64Of(next.certificate) ? true : undefined,
      );
      expect(await health(gantry, trusting(next.certificate))).toBe('SERVING');
      await expect(health(gantry, PLAIN)).rejects.toThrow(/UNAVAILABLE|not secure enough/);
    }
  });

  it.each(transports)(
    'does not start on %s with a file that cannot be used, and names it and its setting',
    async (transport) => {
      files.write({ certificate: makeIdentity().certificate, key: 'no key' });
      const gantry = await spawnGantry('start', { args: enforcing(transport) });
      running.push(gantry);
      expect(await within('the end', 20_000, gantry.ended)).toBe(2);
      expect(gantry.output()).toContain(
        `gantry: tls.key ${files.key}: holds no private key as PEM\n`,
      );
    },
  );
});

async function oneLineOfHttp({ port }: GantryProcess): Promise<string> {
  const asked = httpRequest({ host: '127.0.0.1', port, path: '/', agent: false });
  asked.end();
  const [response] = (await once(asked, 'response')) as [IncomingMessage];
  let text = `${response.statusCode} `;
  for await (const part of response) text += String(part);
  return text;
}

/** The header of the answer to a request in Remoting. */
async function remotingAnswer({ port }: GantryProcess): Promise<unknown> {
  const header = Buffer.from('{"code":105,"flag":0,"language":"JAVA","opaque":9,"version":1}');
  const frame = Buffer.alloc(8 + header.length);
  frame.writeUInt32BE(4 + header.length, 0);
  frame.writeUInt32BE(header.length, 4);
  header.copy(frame, 8);
  const socket = connectTcp(port, '127.0.0.1');
  const parts: Buffer[] = [];
  socket.on('data', (part: Buffer) => parts.push(part));
  socket.write(frame);
  await within('the end', 5000, once(socket, 'end'));
  socket.destroy();
  return JSON.parse(Buffer.concat(parts).toString('utf8', 8));
}
