import { WireWriter } from '../../message/wire/wire-writer';
import { OK_STATUS, type PublicStatus } from '../calls';

/** One for the process: what it holds is taken out before anybody else writes. */
export const writer = new WireWriter();

const okBytes = statusBytes(OK_STATUS);

/** Writes a Status as a field; nothing for an absent one. */
export function writeStatus(field: number, status: PublicStatus | null | undefined): void {
  if (!status) return;
  if (status === OK_STATUS) {
    writer.raw(okBytes);
    writer.bytesHead(field, okBytes.length);
    return;
  }
  const before = writer.length;
  writeStatusFields(status);
  writer.endBytes(field, before);
}

function writeStatusFields({ code, message }: PublicStatus): void {
  writer.string(2, message);
  writer.number(1, code);
}

function statusBytes(status: PublicStatus): Buffer {
  writeStatusFields(status);
  return writer.take();
}
