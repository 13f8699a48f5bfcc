import { run } from '../../src/cli/run';
import { OutputClosed, type Terminal } from '../../src/cli/terminal';

export interface Outcome {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

export interface Surroundings {
  readonly env?: Readonly<Record<string, string>>;
  /** Standard input; absent: a person sits at it. */
  readonly input?: string | Buffer;
  /** Whether a person looks at standard error; default no. */
  readonly interactive?: boolean;
  /** Lines of standard output after which its reader goes away; absent: it stays. */
  readonly linesRead?: number;
  /** Called with all that was written to standard error so far. */
  readonly onErr?: (text: string) => void;
}

/** Runs `gantry ARGS` in this process. */
export async function gantry(
  args: readonly string[],
  surroundings: Surroundings = {},
): Promise<Outcome> {
  let out = '';
  let err = '';
  const { env = {}, input, onErr } = surroundings;
  const terminal: Terminal = {
    env,
    colours: false,
    interactive: surroundings.interactive ?? false,
    out: (text) => {
      out += text;
    },
    err: (text) => {
      err += text;
      onErr?.(err);
    },
    drained: () => {
      const closed = out.split('\n').length > (surroundings.linesRead ?? Infinity);
      return closed ? Promise.reject(new OutputClosed()) : Promise.resolve();
    },
    input: () => Promise.resolve(input === undefined ? undefined : Buffer.from(input)),
  };
  const code = await run(args, terminal);
  return { code, out, err };
}

/** The rows of a table as cells; two blanks or more stand between columns. */
export function rowsOf(text: string): readonly (readonly string[])[] {
  return text
    .trimEnd()
    .split('\n')
    .map((row) => row.split(/ {2,}/));
}
