/** What one message may be; the defaults are Apache's. */
import { option } from './option';

const KIB = 1024;
const MIB = 1024 * KIB;
const HOUR = 3_600_000;

export const messages = {
  bodyBytes: option(
    'size',
    4 * MIB,
    'The largest body of a message, as sent; a larger one gets MESSAGE_BODY_TOO_LARGE. Producers are told.',
    { min: 1, max: 4 * MIB },
  ),
  properties: option(
    'integer',
    128,
    'User properties of a message, at most; more get MESSAGE_PROPERTIES_TOO_LARGE.',
    { min: 0, max: 10_000, advanced: true },
  ),
  propertiesBytes: option(
    'size',
    16 * KIB,
    'Keys and values of user properties, the tag and the keys of a message together, at most; more get MESSAGE_PROPERTIES_TOO_LARGE, as do properties that do not fit the 32767 bytes that a stored message has for them and for those of its own.',
    { min: 1, max: 32_767, advanced: true },
  ),
  groupBytes: option(
    'integer',
    64,
    'A message group must have fewer bytes of UTF-8 than this; else ILLEGAL_MESSAGE_GROUP.',
    { min: 2, max: 1024, advanced: true },
  ),
  recovery: option(
    'duration',
    HOUR,
    'The longest orphaned_transaction_recovery_duration that a message may have; a longer one gets BAD_REQUEST.',
    { min: 1000, max: 24 * HOUR, advanced: true },
  ),
  perSend: option('integer', 1024, 'Messages in one SendMessage, at most; more get BAD_REQUEST.', {
    min: 1,
    max: 32_768,
    advanced: true,
  }),
};
