/** What commands see of the process: its output, its input, its environment. */
import { styleText } from 'node:util';

export interface Terminal {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Whether colours make sense on standard error. */
  readonly colours: boolean;
  /** Standard output: what was asked for. */
  out(text: string): void;
  /** Standard error: what is said beside it. */
  err(text: string): void;
  /** All of standard input; `undefined` when a person sits at it. */
  input(): Promise<Buffer | undefined>;
}

/** The terminal of this process. */
export function processTerminal(): Terminal {
  return {
    env: process.env,
    colours: process.stderr.isTTY && process.env['NO_COLOR'] === undefined,
    out: (text) => void process.stdout.write(text),
    err: (text) => void process.stderr.write(text),
    input: async () => {
      if (process.stdin.isTTY) return undefined;
      const chunks: Buffer[] = [];
      for await (const chunk of process.stdin) chunks.push(chunk as Buffer);
      return Buffer.concat(chunks);
    },
  };
}

/** Text in bold or dim where the terminal shows colours. */
export function styled(terminal: Terminal, style: 'bold' | 'dim', text: string): string {
  return terminal.colours ? styleText(style, text) : text;
}
