/** Reads a Dockerfile as far as ours go: stages of instructions, over several lines where one ends with a backslash. */

export interface Instruction {
  /** FROM, COPY, RUN, ... */
  readonly name: string;
  /** What stands in `--name=value` before the words. */
  readonly flags: ReadonlyMap<string, string>;
  /** The rest, in one line. */
  readonly text: string;
  /** `text` as words; of a JSON list its items. */
  readonly words: readonly string[];
}

export interface Stage {
  /** Where it begins: an image, or another stage's name. */
  readonly base: string;
  /** '' for one without a name. */
  readonly name: string;
  readonly instructions: readonly Instruction[];
}

export function readDockerfile(text: string): readonly Stage[] {
  const lines = text
    .split('\n')
    .filter((line) => !/^\s*(#|$)/.test(line))
    .join('\n')
    .replace(/\\\n\s*/g, '')
    .split('\n');
  const stages: { base: string; name: string; instructions: Instruction[] }[] = [];
  for (const instruction of lines.map(readInstruction)) {
    if (instruction.name === 'FROM') {
      const [base = '', , name = ''] = instruction.words;
      stages.push({ base, name, instructions: [] });
    } else {
      stages.at(-1)?.instructions.push(instruction);
    }
  }
  return stages;
}

function readInstruction(line: string): Instruction {
  const [, name = '', rest = ''] = /^\s*(\S+)\s*(.*)$/.exec(line) ?? [];
  const flags = new Map<string, string>();
  const text = rest.replace(/^(--([\w-]+)=(\S+)\s+)+/, (given) => {
    for (const [, flag = '', value = ''] of given.matchAll(/--([\w-]+)=(\S+)/g)) {
      flags.set(flag, value);
    }
    return '';
  });
  const list = /\[.*\]$/.exec(text)?.[0];
  const words = list === undefined ? text.split(/\s+/) : (JSON.parse(list) as string[]);
  return { name: name.toUpperCase(), flags, text, words };
}

/** The variables that ENV instructions set, with nothing but plain words as values. */
export function environmentOf(stage: Stage): Readonly<Record<string, string>> {
  const pairs = stage.instructions
    .filter(({ name }) => name === 'ENV')
    .flatMap(({ words }) => words.map((word) => word.split('=', 2)));
  return Object.fromEntries(pairs) as Record<string, string>;
}

/** The words of the newest instruction of a name, such as CMD. */
export function wordsOf(stage: Stage, name: string): readonly string[] {
  return stage.instructions.findLast((instruction) => instruction.name === name)?.words ?? [];
}
