/** What commands see of the process: its output, its input, its environment. */
import { once } from 'node:events';
import { styleText } from 'node:util';

import { errorCode } from '../platform/file-error';
import { UsageError } from './usage-error';

/** Well above the largest body that a broker takes, which says so itself. */
const MAX_INPUT_BYTES = 64 * 1024 * 1024;

export interface Terminal {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Whether colours make sense on standard error. */
  readonly colours: boolean;
  /** Whether a person sees standard error as it is written. */
  readonly interactive: boolean;
  /** Standard output: what was asked for. */
  out(text: string): void;
  /** Standard error: what is said beside it. */
  err(text: string): void;
  /**
   * Resolves when standard output can take more: waited for by what writes a lot.
   * @throws OutputClosed when nobody reads it any more
   */
  drained?(): Promise<void>;
  /**
   * All of standard input; `undefined` when a person sits at it.
   * @throws UsageError when it has more than 64 MiB
   */
  input(): Promise<Buffer | undefined>;
}

/** Who has read standard output has gone. */
export class OutputClosed extends Error {
  constructor() {
    super('nobody reads standard output any more');
    this.name = 'OutputClosed';
  }
}

/** The terminal of this process. */
export function processTerminal(): Terminal {
  let closed = false;
  process.stdout.on('error', (error) => {
    if (errorCode(error) !== 'EPIPE') throw error;
    closed = true;
  });
  return {
    env: process.env,
    colours: process.stderr.isTTY && process.env['NO_COLOR'] === undefined,
    interactive: process.stderr.isTTY,
    out: (text) => void process.stdout.write(text),
    drained: async () => {
      if (!closed && process.stdout.writableNeedDrain) {
        await once(process.stdout, 'drain').catch(() => undefined);
      }
      if (closed) throw new OutputClosed();
    },
    err: (text) => void process.stderr.write(text),
    input: async () => {
      if (process.stdin.isTTY) return undefined;
      const chunks: Buffer[] = [];
      let bytes = 0;
      for await (const chunk of process.stdin as AsyncIterable<Buffer>) {
        bytes += chunk.length;
        if (bytes > MAX_INPUT_BYTES) {
          throw new UsageError(`standard input has more than ${MAX_INPUT_BYTES} bytes`);
        }
        chunks.push(chunk);
      }
      return Buffer.concat(chunks);
    },
  };
}

/** Text in bold or dim where the terminal shows colours. */
export function styled(terminal: Terminal, style: 'bold' | 'dim', text: string): string {
  return terminal.colours ? styleText(style, text) : text;
}
