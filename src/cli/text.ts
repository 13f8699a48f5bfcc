/** Text for people: tables, and text of others that can't do harm. */

const CONTROL = /[\u0000-\u001f\u007f-\u009f]/g;

const escapes: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' };

/** Text on one line: control characters, which could move the cursor or worse, are written as escapes. */
export function plain(text: string): string {
  return text.replace(
    CONTROL,
    (control) => escapes[control] ?? `\\x${control.charCodeAt(0).toString(16).padStart(2, '0')}`,
  );
}

/** Columns as wide as their widest cell, two blanks apart. */
export function table(headers: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = headers.map((header, i) =>
    rows.reduce((width, row) => Math.max(width, plain(row[i] ?? '').length), header.length),
  );
  return [headers, ...rows].map((cells) => line(cells, widths)).join('');
}

/** One line of a table whose columns have these widths; longer cells push the rest to the right. */
export function line(cells: readonly string[], widths: readonly number[]): string {
  return `${cells
    .map((cell, i) => plain(cell).padEnd(widths[i] ?? 0))
    .join('  ')
    .trimEnd()}\n`;
}

/** A time of milliseconds since the epoch; `-` for 0 and what is no time. */
export function timeText(ms: number): string {
  return ms > 0 && Number.isFinite(ms) ? new Date(ms).toISOString() : '-';
}

/** JSON for programs: one value, indented. */
export function json(value: unknown): string {
  return `${JSON.stringify(value, undefined, 2)}\n`;
}

/** A queue's number; `lite` for all lite topics together. */
export function queueText(queueId: number): string {
  return queueId < 0 ? 'lite' : String(queueId);
}
