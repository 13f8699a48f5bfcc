/** Status codes and errors on the wire. */
import { NotMasterError } from '../../api/not-master';
import { Code, StatusError } from '../../message/status';
import type {
  CodeAndText as Wire,
  CodeAndText__Output,
} from '../../rpc/generated/gantry/v1/CodeAndText';

const codes: ReadonlySet<number> = new Set(Object.values(Code));

/** A code that this version does not know becomes INTERNAL_SERVER_ERROR. */
export function codeFromWire(code: number): Code {
  return isCode(code) ? code : Code.INTERNAL_SERVER_ERROR;
}

function isCode(code: number): code is Code {
  return codes.has(code);
}

export function statusToWire(status: StatusError): Wire {
  const { code, message: text } = status;
  return status instanceof NotMasterError ? { code, text, not_master: true } : { code, text };
}

export function statusFromWire(wire: CodeAndText__Output): StatusError {
  const { code, text } = wire;
  return wire.not_master ? new NotMasterError(text) : new StatusError(codeFromWire(code), text);
}
