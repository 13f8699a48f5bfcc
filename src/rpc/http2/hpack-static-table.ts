import { HeaderField } from './header-field';

/** The fields that both sides know from the start, by index from 1 on (RFC 7541, appendix A). */
export const STATIC_TABLE: readonly HeaderField[] = [
  new HeaderField('', ''), // index 0 is not used
  new HeaderField(':authority', ''),
  new HeaderField(':method', 'GET'),
  new HeaderField(':method', 'POST'),
  new HeaderField(':path', '/'),
  new HeaderField(':path', '/index.html'),
  new HeaderField(':scheme', 'http'),
  new HeaderField(':scheme', 'https'),
  new HeaderField(':status', '200'),
  new HeaderField(':status', '204'),
  new HeaderField(':status', '206'),
  new HeaderField(':status', '304'),
  new HeaderField(':status', '400'),
  new HeaderField(':status', '404'),
  new HeaderField(':status', '500'),
  new HeaderField('accept-charset', ''),
  new HeaderField('accept-encoding', 'gzip, deflate'),
  new HeaderField('accept-language', ''),
  new HeaderField('accept-ranges', ''),
  new HeaderField('accept', ''),
  new HeaderField('access-control-allow-origin', ''),
  new HeaderField('age', ''),
  new HeaderField('allow', ''),
  new HeaderField('authorization', ''),
  new HeaderField('cache-control', ''),
  new HeaderField('content-disposition', ''),
  new HeaderField('content-encoding', ''),
  new HeaderField('content-language', ''),
  new HeaderField('content-length', ''),
  new HeaderField('content-location', ''),
  new HeaderField('content-range', ''),
  new HeaderField('content-type', ''),
  new HeaderField('cookie', ''),
  new HeaderField('date', ''),
  new HeaderField('etag', ''),
  new HeaderField('expect', ''),
  new HeaderField('expires', ''),
  new HeaderField('from', ''),
  new HeaderField('host', ''),
  new HeaderField('if-match', ''),
  new HeaderField('if-modified-since', ''),
  new HeaderField('if-none-match', ''),
  new HeaderField('if-range', ''),
  new HeaderField('if-unmodified-since', ''),
  new HeaderField('last-modified', ''),
  new HeaderField('link', ''),
  new HeaderField('location', ''),
  new HeaderField('max-forwards', ''),
  new HeaderField('proxy-authenticate', ''),
  new HeaderField('proxy-authorization', ''),
  new HeaderField('range', ''),
  new HeaderField('referer', ''),
  new HeaderField('refresh', ''),
  new HeaderField('retry-after', ''),
  new HeaderField('server', ''),
  new HeaderField('set-cookie', ''),
  new HeaderField('strict-transport-security', ''),
  new HeaderField('transfer-encoding', ''),
  new HeaderField('user-agent', ''),
  new HeaderField('vary', ''),
  new HeaderField('via', ''),
  new HeaderField('www-authenticate', ''),
];

/** Index of the first dynamic entry. */
export const FIRST_DYNAMIC_INDEX = STATIC_TABLE.length;

const byName = new Map<string, number>();
const byField = new Map<string, number>();
STATIC_TABLE.forEach((field, index) => {
  if (index === 0) return;
  if (!byName.has(field.name)) byName.set(field.name, index);
  byField.set(`${field.name}\0${field.value}`, index);
});

/** The static index of exactly this field, or 0. */
export function staticFieldIndex(name: string, value: string): number {
  return byField.get(`${name}\0${value}`) ?? 0;
}

/** The static index of a field with this name, or 0. */
export function staticNameIndex(name: string): number {
  return byName.get(name) ?? 0;
}
