/**
 * Java's `String.hashCode`: h = 31 h + c over UTF-16 code units, as a signed 32-bit number.
 * ConsumeQueue tag codes and index keys are made of it.
 */
export function javaHashCode(text: string): number {
  let hash = 0;
  for (let i = 0; i < text.length; i++) hash = (Math.imul(31, hash) + text.charCodeAt(i)) | 0;
  return hash;
}
