/**
 * Asks an Apache name server what it knows: one Remoting request.
 *
 *     length 4 (of all behind it)    header length 4    header (JSON)    body
 */
import { once } from 'node:events';
import { connect } from 'node:net';

const GET_BROKER_CLUSTER_INFO = 106;

/** Whether a broker of that name is registered; false as well while the name server does not answer. */
export async function knowsBroker(port: number, brokerName: string): Promise<boolean> {
  const header = {
    code: GET_BROKER_CLUSTER_INFO,
    language: 'JAVA',
    version: 0,
    opaque: 1,
    flag: 0,
  };
  const text = Buffer.from(JSON.stringify(header));
  const lengths = Buffer.alloc(8);
  lengths.writeInt32BE(4 + text.length, 0);
  lengths.writeInt32BE(text.length, 4);
  const socket = connect(port, '127.0.0.1');
  try {
    await once(socket, 'connect');
    socket.write(Buffer.concat([lengths, text]));
    const answer = await answerOf(socket);
    return answer.includes(`"brokerName":"${brokerName}"`);
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}

async function answerOf(socket: AsyncIterable<Buffer>): Promise<string> {
  let bytes = Buffer.alloc(0);
  for await (const chunk of socket) {
    bytes = Buffer.concat([bytes, chunk]);
    if (bytes.length >= 4 && bytes.length >= 4 + bytes.readInt32BE(0)) break;
  }
  return bytes.toString('utf8');
}
