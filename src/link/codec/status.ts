/** Status codes and errors on the wire. */
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

export function statusToWire({ code, message }: StatusError): Wire {
  return { code, text: message };
}

export function statusFromWire({ code, text }: CodeAndText__Output): StatusError {
  return new StatusError(codeFromWire(code), text);
}
