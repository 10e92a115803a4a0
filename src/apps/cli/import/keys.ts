/** Which key goes on signing: clients of an archive that moved know the one that signed it before. */
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';

import type { ForeignSuite } from '../../../flows/import-archive-suite.ts';
import { SheafError } from '../../../kit/error.ts';
import {
  issuersOf,
  readSecretKeys,
  writeSecretKey,
  type SecretKey,
} from '../../../plumbing/foreign-archive/secret-key.ts';
import { createSigningKey } from '../../../plumbing/signer.ts';

export type KeyChoice = {
  /** Ids of the keys that signed the old archive; empty when nobody did. */
  readonly signedBy: readonly string[];
  /** Of these, the ones that do not sign here. */
  readonly missing: readonly string[];
  /** To be written, with the file's name. */
  readonly bring: readonly { readonly key: SecretKey; readonly file: string }[];
  /** Whether a first key must be made. */
  readonly create: boolean;
  /** Fingerprints of those that sign here afterwards; without one that is made. */
  readonly fingerprints: readonly string[];
  /** Whether clients that believed the old archive believe this one. */
  readonly believed: boolean;
};

type Signed = Pick<ForeignSuite, 'files'>;

/** The repository's own keys, and what is given. Throws `wrong-key`, `key-expired`, `key-needed`. */
export async function chooseKeys(
  suites: readonly Signed[],
  keyFile: string,
  given: readonly SecretKey[] | undefined,
  { newKey, now }: { readonly newKey: boolean; readonly now: Date },
): Promise<KeyChoice> {
  const issuers = await issuersOfSuites(suites);
  const signedBy = [...new Set(issuers.flat())];
  const own = await ownKeys(keyFile);
  const signs = (key: SecretKey) => key.ids.some((id) => signedBy.includes(id));
  const useful = given?.filter((key) => signs(key) || signedBy.length === 0) ?? [];
  if (given !== undefined && useful.length === 0) {
    throw new SheafError(
      'wrong-key',
      `Cannot use the key ${given.map(({ fingerprint }) => fingerprint).join(', ')}: the archive is signed by ${signedBy.join(', ')}`,
      { kind: 'usage', hint: exportHint(signedBy) },
    );
  }
  for (const { fingerprint, expires } of useful) {
    if (expires === undefined || expires > now) continue;
    throw new SheafError(
      'key-expired',
      `Cannot use the key ${fingerprint}: it expired on ${expires.toISOString().slice(0, 10)}`,
      {
        kind: 'usage',
        hint: `Extend it with gpg --quick-set-expire ${fingerprint} 2y, give clients its public half, and export it again.`,
      },
    );
  }
  const fresh = useful.filter((key) => own.every(({ fingerprint }) => fingerprint !== key.fingerprint));
  const known = new Set([...own, ...fresh].flatMap(({ ids }) => ids));
  const believed = issuers.every((ids) => ids.length === 0 || ids.some((id) => known.has(id)));
  if (!believed && !newKey) {
    throw new SheafError(
      'key-needed',
      `Cannot import: the archive is signed by ${signedBy.join(', ')}, and clients that know only this key would refuse what is signed by another`,
      {
        kind: 'usage',
        hint: `${exportHint(signedBy)} Or agree to a new key, which every client must be given: --new-key.`,
      },
    );
  }
  const hasFirst = own.length > 0;
  return {
    ...{ signedBy, believed, missing: signedBy.filter((id) => !known.has(id)) },
    bring: fresh.map((key, at) => ({ key, file: !hasFirst && at === 0 ? keyFile : besideFile(keyFile, key) })),
    create: !hasFirst && fresh.length === 0,
    fingerprints: [...own, ...fresh].map(({ fingerprint }) => fingerprint),
  };
}

/** Returns the fingerprint of a key that was made. */
export async function placeKeys(
  { bring, create }: KeyChoice,
  keyFile: string,
  owner: string,
  now: Date,
): Promise<string | undefined> {
  for (const { key, file } of bring) await writeSecretKey(file, key);
  return create ? createSigningKey(keyFile, { name: owner }, now) : undefined;
}

/** Runs something with a keyring of these keys' public halves. */
export async function withKeyring<T>(keys: readonly SecretKey[], use: (file: string) => Promise<T>): Promise<T> {
  const directory = await mkdtemp(join(tmpdir(), 'sheaf-keyring-'));
  try {
    const file = join(directory, 'keyring.gpg');
    await writeFile(file, Buffer.concat(keys.map(({ publicBinary }) => publicBinary)));
    return await use(file);
  } finally {
    await rm(directory, { recursive: true });
  }
}

function exportHint(signedBy: readonly string[]): string {
  const ids = signedBy.join(' ');
  return `As the user that signs it: gpg --armor --export-secret-keys ${ids} > old-key.asc; then add --key old-key.asc.`;
}

async function issuersOfSuites(suites: readonly Signed[]): Promise<readonly (readonly string[])[]> {
  return Promise.all(
    suites.map(async ({ files }) =>
      files === undefined ? [] : issuersOf('inRelease' in files ? files.inRelease : files.signature),
    ),
  );
}

/** Those that sign the repository already. */
export async function ownKeys(keyFile: string): Promise<readonly SecretKey[]> {
  const first = basename(keyFile, '.asc');
  const names = await readdir(dirname(keyFile)).catch((): string[] => []);
  const files = names.filter(
    (name) =>
      name === `${first}.asc` || (/^\.[a-z0-9-]+\.asc$/.test(name.slice(first.length)) && name.startsWith(`${first}.`)),
  );
  return (await Promise.all(files.toSorted().map((name) => readSecretKeys(join(dirname(keyFile), name))))).flat();
}

/** As `sheaf key rotate` names a further key. */
function besideFile(keyFile: string, { fingerprint }: SecretKey): string {
  return join(dirname(keyFile), `${basename(keyFile, '.asc')}.${fingerprint.slice(-16).toLowerCase()}.asc`);
}
