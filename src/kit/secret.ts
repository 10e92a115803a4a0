/** Secrets that people copy and programs take as an argument. */
import { randomBytes } from 'node:crypto';

/** 256 bits in 43 characters of base64url; none begins with `-`, which a command would take for an option. */
export function newSecret(): string {
  for (;;) {
    const secret = randomBytes(32).toString('base64url');
    if (!secret.startsWith('-')) return secret;
  }
}
