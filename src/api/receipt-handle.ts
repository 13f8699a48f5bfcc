/**
 * The outer form of a receipt handle: `BROKER~TOKEN`. The broker's name is in the clear, so that any
 * proxy finds the way to it; the token is the broker's own (its ledger draws it) and carries a MAC.
 */
import { Code, StatusError } from '../message/status';

const SEPARATOR = '~';

export function formatReceiptHandle(brokerName: string, token: string): string {
  return brokerName + SEPARATOR + token;
}

/** @throws StatusError INVALID_RECEIPT_HANDLE when the text has not the form of a handle. */
export function splitReceiptHandle(handle: string): { brokerName: string; token: string } {
  const at = handle.lastIndexOf(SEPARATOR);
  if (at < 1 || at === handle.length - 1) {
    throw new StatusError(
      Code.INVALID_RECEIPT_HANDLE,
      `receipt handle is not readable: ${handle.slice(0, 64)}`,
    );
  }
  return { brokerName: handle.slice(0, at), token: handle.slice(at + 1) };
}
