/** SHA-256 digests as lower-case hex: the name of a blob everywhere in the house. */
import { createHash } from 'node:crypto';

import { SheafError } from './error.ts';

declare const sha256Brand: unique symbol;
/** 64 lower-case hexadecimal digits. */
export type Sha256 = string & { readonly [sha256Brand]: true };

export function isSha256(text: string): text is Sha256 {
  return /^[0-9a-f]{64}$/.test(text);
}

/** Throws `bad-digest` unless `text` is a SHA-256 in lower-case hex. */
export function parseSha256(text: string): Sha256 {
  if (!isSha256(text)) {
    throw new SheafError('bad-digest', `Cannot read SHA-256 "${text.slice(0, 80)}": expected 64 hexadecimal digits`);
  }
  return text;
}

export function sha256(bytes: Uint8Array | string): Sha256 {
  return createHash('sha256').update(bytes).digest('hex') as Sha256;
}
