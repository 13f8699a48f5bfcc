/** What a tool has found in a store's files. */

export interface Finding {
  /** `wrong`: something is lost, or not as it must be. `note`: worth knowing, mended at the next start. */
  readonly kind: 'wrong' | 'note';
  /** Path below the store's directory. */
  readonly file: string;
  /** Byte in the file. */
  readonly at?: number;
  readonly topic?: string;
  readonly queueId?: number;
  readonly queueOffset?: number;
  readonly what: string;
}

export type Report = (finding: Finding) => void;

/** `wrong  commitlog/00000000000000000000 @270  orders queue 0 offset 2: its checksum is wrong` */
export function findingLine(finding: Finding): string {
  const { kind, file, at, topic, queueId, queueOffset, what } = finding;
  const place = at === undefined ? file : `${file} @${at}`;
  const slot = [
    topic ?? '',
    queueId === undefined ? '' : `queue ${queueId}`,
    queueOffset === undefined ? '' : `offset ${queueOffset}`,
  ]
    .filter((part) => part !== '')
    .join(' ');
  return `${kind.padEnd(5)}  ${place}  ${slot === '' ? '' : `${slot}: `}${what}`;
}
