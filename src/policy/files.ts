/** What the settings name on disk: keys, keyrings and secrets must be there, and secrets must be secret. */
import { resolve } from 'node:path';

import type { Path } from '../kit/toml.ts';
import { at, type Raw, type Report, sectionsOf } from './raw.ts';

export type FileFacts = {
  readonly kind: 'file' | 'folder' | 'other';
  readonly readable: boolean;
  /** Permission bits. */
  readonly mode: number;
  readonly size: number;
  /** The first bytes of a file, as latin1. */
  readonly head: string;
};

/** Port: facts about an absolute path, links followed; undefined when nothing is there. */
export type LookAtFile = (path: string) => FileFacts | undefined;

const shortestSecret = 16;

/** Reports every file that is missing or unfit; values that are no texts were reported before. */
export function checkFiles(raw: Raw, directory: string, look: LookAtFile, report: Report): void {
  function check(path: Path, fit: (file: string, facts: FileFacts) => string | undefined, fallback?: string): void {
    const name = at(raw, ...path) ?? fallback;
    if (typeof name !== 'string' || name === '') return;
    const file = resolve(directory, name);
    const facts = look(file);
    const problem = facts === undefined ? `there is no file ${file}` : fit(file, facts);
    if (problem !== undefined) report(path, problem);
  }

  for (const name of sectionsOf(raw, 'upstream')) {
    check(['upstream', name, 'keyring'], fitKeyring, '/usr/share/keyrings/debian-archive-keyring.gpg');
  }
  for (const name of sectionsOf(raw, 'person')) {
    const files = at(raw, 'person', name, 'openpgp');
    if (Array.isArray(files)) files.forEach((_, index) => check(['person', name, 'openpgp', index], fitPublicKey));
  }
  for (const name of sectionsOf(raw, 'webhook')) {
    check(['webhook', name, 'secret-file'], fitSecret, webhookSecret(name));
  }
  for (const name of sectionsOf(raw, 'notifier')) {
    check(['notifier', name, 'secret-file'], fitSecret);
    if (at(raw, 'notifier', name, 'kind') === 'matrix') {
      check(['notifier', name, 'token-file'], fitSecret, notifierToken(name));
    }
  }
  const folders = at(raw, 'git', 'directories');
  if (Array.isArray(folders)) folders.forEach((_, index) => check(['git', 'directories', index], fitFolder));
}

export function webhookSecret(name: string): string {
  return `secrets/webhook-${name}`;
}

export function notifierToken(name: string): string {
  return `secrets/notifier-${name}`;
}

function fitFile(file: string, facts: FileFacts): string | undefined {
  if (facts.kind !== 'file') return `${file} is not a file`;
  if (!facts.readable) return `${file} cannot be read by this user`;
  return facts.size === 0 ? `${file} is empty` : undefined;
}

function fitFolder(file: string, facts: FileFacts): string | undefined {
  return facts.kind === 'folder' ? undefined : `${file} is not a folder`;
}

function fitKeyring(file: string, facts: FileFacts): string | undefined {
  return fitFile(file, facts) ?? (isPublicKey(facts) ? undefined : `${file} is not an OpenPGP keyring`);
}

function fitPublicKey(file: string, facts: FileFacts): string | undefined {
  const problem = fitFile(file, facts);
  if (problem !== undefined) return problem;
  if (facts.head.includes('PRIVATE KEY BLOCK')) {
    return `${file} holds a private key: only the public key belongs here (gpg --armor --export)`;
  }
  return isPublicKey(facts) ? undefined : `${file} is not an OpenPGP public key (gpg --armor --export makes one)`;
}

/** Armored, or a packet that begins with a public key (RFC 9580, 4.2: tag 6, in either header format). */
function isPublicKey({ head }: FileFacts): boolean {
  const first = head.charCodeAt(0);
  return head.includes('-----BEGIN PGP PUBLIC KEY BLOCK-----') || (first & 0xfc) === 0x98 || first === 0xc6;
}

function fitSecret(file: string, facts: FileFacts): string | undefined {
  // Nor can the database be, which is beside it: no mode of this file would help.
  if (!facts.readable) return `${file} cannot be read by this user: run it as the user that owns the distribution`;
  const problem = fitFile(file, facts);
  if (problem !== undefined) return problem;
  if ((facts.mode & 0o077) !== 0) {
    const mode = (facts.mode & 0o777).toString(8).padStart(4, '0');
    return `${file} has mode ${mode}, expected 0600: others can read this secret (chmod 600 ${file})`;
  }
  return facts.head.trim().length < shortestSecret
    ? `${file} holds fewer than ${shortestSecret} characters, too few for a secret`
    : undefined;
}
