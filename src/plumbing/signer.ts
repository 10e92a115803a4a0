/**
 * The keys that sign a repository's Release files: OpenPGP v4 keys of one signing primary key, each kept in one file.
 * Usually there is one, `REPOSITORY.asc`; while a key is being replaced there are more, `REPOSITORY.NAME.asc`, and each
 * Release is signed by all of them, so that clients who know only the old or only the new one believe it.
 *
 * Ed25519 in its older encoding (RFC 9580 section 9.1: EdDSALegacy): the only small key type that both Debian 12's gpgv
 * and Debian 13's sqv accept. Signatures are made with SHA-512.
 */
import { readdir, readFile, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';

import * as openpgp from 'openpgp';

import { SheafError } from '../kit/error.ts';
import { createSecretFile } from './secret-file.ts';

export type Signer = {
  /** Of the first key, 40 upper-case hexadecimal digits. */
  readonly fingerprint: string;
  /** Of all, in the order of their files' names. */
  readonly keys: readonly SigningKey[];
  /** All certificates in one block, as `Signed-By` takes it. LF line ends. */
  readonly publicKeyArmored: string;
  readonly publicKeyBinary: Uint8Array;
  /** The text in an OpenPGP cleartext signature, as InRelease is. The text must end in LF. */
  clearsign(text: string, now: Date): Promise<string>;
  /** An armored detached signature over the bytes, as Release.gpg is. */
  detach(bytes: Uint8Array, now: Date): Promise<string>;
};

export type SigningKey = {
  readonly file: string;
  readonly fingerprint: string;
  readonly created: Date;
  /** Undefined: never. From then on it signs no more. */
  readonly expires: Date | undefined;
};

/** A hash that apt 2.6 and 3.0 both call strong. */
const config = { preferredHashAlgorithm: openpgp.enums.hash.sha512 } satisfies openpgp.PartialConfig;

/**
 * Makes a key and writes it to `file` with mode 0600. Never overwrites: throws `key-exists`. Returns the fingerprint.
 */
export async function createSigningKey(
  file: string,
  owner: { readonly name: string; readonly email?: string },
  now: Date,
): Promise<string> {
  const { privateKey } = await openpgp.generateKey({
    type: 'ecc',
    curve: 'ed25519Legacy',
    userIDs: [{ name: owner.name, ...(owner.email === undefined ? {} : { email: owner.email }) }],
    subkeys: [],
    date: wholeSecond(now),
    format: 'object',
    config,
  });
  await createSecretFile(file, withLineFeeds(privateKey.armor()));
  return privateKey.getFingerprint().toUpperCase();
}

/**
 * All keys of a repository: `file` and those beside it that have a name more. Throws `key-missing`, `key-exposed` (others
 * may read the file), `bad-key`; signing throws `key-expired` when none of them is valid at that time.
 */
export async function loadSigner(file: string): Promise<Signer> {
  const keys = await Promise.all((await keyFiles(file)).map(readDatedKey));
  const certificates = Buffer.concat(keys.map(({ key }) => key.toPublic().write()));
  const valid = (now: Date) => {
    const date = wholeSecond(now);
    const signingKeys = keys.filter((each) => each.created <= date && (each.expires ?? Infinity) > date);
    if (signingKeys.length > 0) return { signingKeys: signingKeys.map(({ key }) => key), date };
    throw new SheafError('key-expired', `Cannot sign with ${file}: no key is valid on ${date.toISOString()}`, {
      kind: 'environment',
      hint: `Make a new one with: sheaf key rotate ${repositoryOf(file)}; or extend it by gpg --quick-set-expire and put it back. Clients need either.`,
    });
  };
  return {
    fingerprint: keys[0]!.fingerprint,
    keys: keys.map(({ file, fingerprint, created, expires }) => ({ file, fingerprint, created, expires })),
    publicKeyArmored: withLineFeeds(armorPublicKeys(certificates)),
    publicKeyBinary: certificates,
    clearsign: async (text, now) => {
      const message = await openpgp.createCleartextMessage({ text: signable(text) });
      return withLineFeeds(await openpgp.sign({ message, ...valid(now), config }));
    },
    detach: async (bytes, now) => {
      const message = await openpgp.createMessage({ binary: bytes });
      const options = { detached: true, format: 'armored', config } as const;
      return withLineFeeds(await openpgp.sign({ message, ...valid(now), ...options }));
    },
  };
}

/** With a checksum: without one, GnuPG 2.2 finds no end where the last line needs no padding. */
function armorPublicKeys(certificates: Uint8Array): string {
  const { armor, enums } = openpgp;
  return armor(enums.armor.publicKey, certificates, undefined, undefined, undefined, true);
}

/** `main.asc` first, then `main.NAME.asc` by name. The first may have been retired. */
async function keyFiles(file: string): Promise<string[]> {
  const first = basename(file, '.asc');
  const names = await readdir(dirname(file)).catch((): string[] => []);
  const others = names.filter((name) => isFurtherKey(name, first)).toSorted();
  const all = [...(names.includes(basename(file)) || others.length === 0 ? [basename(file)] : []), ...others];
  return all.map((name) => join(dirname(file), name));
}

function isFurtherKey(name: string, first: string): boolean {
  return name.startsWith(`${first}.`) && /^[a-z0-9-]+\.asc$/.test(name.slice(first.length + 1));
}

async function readDatedKey(file: string): Promise<SigningKey & { readonly key: openpgp.PrivateKey }> {
  const key = await readKey(file);
  const end = await key.getExpirationTime();
  const expires = end instanceof Date ? end : undefined;
  return { key, file, fingerprint: key.getFingerprint().toUpperCase(), created: key.getCreationTime(), expires };
}

async function readKey(file: string): Promise<openpgp.PrivateKey> {
  let text: string;
  try {
    const { mode } = await stat(file);
    if ((mode & 0o077) !== 0) {
      throw new SheafError('key-exposed', `Cannot use signing key ${file}: other users may read it`, {
        kind: 'environment',
        hint: `Run: chmod 600 ${file}`,
      });
    }
    text = await readFile(file, 'utf8');
  } catch (cause) {
    if (cause instanceof SheafError) throw cause;
    const { code, message } = cause as NodeJS.ErrnoException;
    const create = `Put your copy of it there, or make one with: sheaf key create ${repositoryOf(file)}`;
    const [state, hint] =
      code === 'ENOENT'
        ? ['there is no such file', create]
        : code === 'EACCES'
          ? ['this user may not read it', 'Run it as the user that the distribution belongs to.']
          : [message, create];
    throw new SheafError('key-missing', `Cannot read signing key ${file}: ${state}`, {
      kind: 'environment',
      hint,
      cause,
    });
  }
  try {
    if (text.trim() === '') throw new Error('the file is empty');
    const key = await openpgp.readPrivateKey({ armoredKey: text });
    if (!key.isDecrypted()) throw new Error('it is protected by a passphrase');
    return key;
  } catch (cause) {
    const state = (cause as Error).message;
    throw new SheafError('bad-key', `Cannot use signing key ${file}: ${state}`, {
      kind: 'environment',
      hint: 'Put your copy of it there: an armored OpenPGP secret key without a passphrase.',
      cause,
    });
  }
}

function repositoryOf(file: string): string {
  return basename(file).split('.')[0]!;
}

/**
 * RFC 9580 section 7.2: the last line end is no part of the signed text. Lines with blanks at their end are refused:
 * implementations differ on whether these are signed.
 */
function signable(text: string): string {
  if (!text.endsWith('\n') || /[ \t\r]\n/.test(text)) {
    throw new SheafError('bad-text', 'Cannot sign text: it does not end in LF, or a line ends in a blank');
  }
  return text.slice(0, -1);
}

function withLineFeeds(text: string): string {
  const lines = text.replaceAll('\r\n', '\n');
  return lines.endsWith('\n') ? lines : `${lines}\n`;
}

/** OpenPGP counts in seconds; a signature must not be earlier than its key. */
function wholeSecond(now: Date): Date {
  return new Date(Math.floor(now.getTime() / 1000) * 1000);
}
