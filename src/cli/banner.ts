/** What a role says once it serves: what listens where. */
import type { Role } from '../config/schema';
import { styled, type Terminal } from './terminal';
import { version } from '../platform/version';

const purposes: Readonly<Record<string, string>> = { grpc: 'gRPC', http: 'HTTP' };

/**
 * @param endpoints `host:port` by purpose
 * @param data where the data are, for roles that have any
 */
export function banner(
  terminal: Terminal,
  role: Role,
  endpoints: Readonly<Record<string, string>>,
  data: string | undefined,
): string {
  const entry = (name: string, text: string): string =>
    `  ${styled(terminal, 'dim', name.padEnd(5))} ${text}\n`;
  const listening = Object.entries(endpoints).map(([purpose, at]) =>
    entry(purposes[purpose] ?? purpose, `${at}${remark(purpose, at)}`),
  );
  const title = `${styled(terminal, 'bold', `gantry ${role}`)} ${version()}\n`;
  return [title, ...listening, ...(data === undefined ? [] : [entry('data', data)])].join('');
}

function remark(purpose: string, at: string): string {
  const everywhere = at.startsWith('0.0.0.0:') || at.startsWith('[::]:');
  const notes = [
    ...(purpose === 'http' ? ['/ready, /live'] : []),
    ...(everywhere ? ['on every address of this machine'] : []),
  ];
  return notes.length === 0 ? '' : `  (${notes.join('; ')})`;
}
