/** The OpenPGP certificates of people, read anew for every check so that a changed key file counts at once. */
import { readFile, stat } from 'node:fs/promises';

import { readKeys, type Key } from 'openpgp';

import type { Person } from '../../model/distribution.ts';

export type Certificate = { readonly owner: Person; readonly key: Key };

/** A key file larger than this is not read. */
const largestFile = 8 * 2 ** 20;

/** Unreadable files are left out: `unreadable` names them, and their keys are unknown. */
export async function readCertificates(
  people: readonly Person[],
): Promise<{ readonly certificates: readonly Certificate[]; readonly unreadable: readonly string[] }> {
  const certificates: Certificate[] = [];
  const unreadable: string[] = [];
  for (const owner of people) {
    for (const path of owner.openpgp) {
      try {
        for (const key of await readFileKeys(path)) certificates.push({ owner, key });
      } catch {
        unreadable.push(path);
      }
    }
  }
  return { certificates, unreadable };
}

async function readFileKeys(path: string): Promise<Key[]> {
  if ((await stat(path)).size > largestFile) throw new Error('too large');
  return parseCertificates(await readFile(path));
}

/** Armored (one block) or binary. */
export async function parseCertificates(bytes: Uint8Array): Promise<Key[]> {
  const text = Buffer.from(bytes).toString('latin1');
  return text.includes('-----BEGIN PGP')
    ? readKeys({ armoredKeys: text })
    : readKeys({ binaryKeys: new Uint8Array(bytes) });
}
