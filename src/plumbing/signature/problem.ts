/** Words for what is wrong with a signature or its key. */
import type { SignatureProblem, SignatureProblemCode, SignatureReport } from './port.ts';

/** Clocks of two machines may differ by this much, in milliseconds. */
export const clockSkew = 5 * 60 * 1000;

const hints: Readonly<Record<SignatureProblemCode, string>> = {
  'bad-signature': 'Sign the tag again: git tag -s -f NAME COMMIT, under a new version if the tag was published.',
  'unknown-key': 'An administrator can add the key to a person in sheaf.toml.',
  'weak-key': 'Sign with a stronger key (Ed25519, or RSA of 3072 bits or more) and have it added to sheaf.toml.',
  'expired-key': 'Extend the key’s expiry or make a new key, and have its new public part put into keys/.',
  'revoked-key': 'Sign with another key that is in sheaf.toml.',
  'not-yet-valid-key': 'Check the clock of the machine that signs, and the key’s dates.',
};

export function problem(code: SignatureProblemCode, message: string, hint = hints[code]): SignatureProblem {
  return { code, message, hint };
}

/** A signature that names nobody. */
export function nobody(...problems: readonly SignatureProblem[]): SignatureReport {
  return { signer: undefined, signature: undefined, problems };
}

/** `2026-11-21 03:04:05 UTC` */
export function formatDate(date: Date): string {
  return `${date.toISOString().slice(0, 19).replace('T', ' ')} UTC`;
}

/** Fingerprints as people write them: spaces and a leading 0x are dropped; hex is made upper-case. */
export function normaliseFingerprint(text: string): string {
  const trimmed = text.trim();
  if (/^SHA256:/i.test(trimmed)) return `SHA256:${trimmed.slice('SHA256:'.length).replace(/=+$/, '')}`;
  return trimmed.replaceAll(/\s/g, '').replace(/^0x/i, '').toUpperCase();
}
