import type { Logger } from 'pino';

/** What links write to. */
export type LinkLog = Pick<Logger, 'debug' | 'info' | 'warn'>;
