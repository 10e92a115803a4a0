/** The key that an archive was signed with, exported from the keyring of whoever did it. */
import { mkdir, readFile } from 'node:fs/promises';
import { dirname } from 'node:path';

import { armor, enums, readPrivateKeys, readSignature, type PrivateKey } from 'openpgp';

import { SheafError } from '../../kit/error.ts';
import { createSecretFile } from '../secret-file.ts';

export type SecretKey = {
  readonly fingerprint: string;
  /** Of the primary key and its subkeys, 16 upper-case hexadecimal digits each. */
  readonly ids: readonly string[];
  /** Undefined: never. */
  readonly expires: Date | undefined;
  readonly publicBinary: Uint8Array;
  /** The secret key as a file holds it. */
  readonly armored: string;
};

const largest = 2 ** 20;

/** Armored or binary, also several. Throws `bad-key`: not readable, no secret key, or protected by a passphrase. */
export async function readSecretKeys(file: string): Promise<readonly SecretKey[]> {
  let keys: readonly PrivateKey[];
  try {
    const bytes = await readFile(file);
    if (bytes.length > largest) throw new Error(`it is larger than ${largest} bytes`);
    const text = bytes.toString('latin1');
    keys = text.includes('-----BEGIN PGP')
      ? await readPrivateKeys({ armoredKeys: text })
      : await readPrivateKeys({ binaryKeys: new Uint8Array(bytes) });
  } catch (cause) {
    throw new SheafError('bad-key', `Cannot use key ${file}: ${(cause as Error).message}`, {
      kind: 'usage',
      hint: 'Export it with: gpg --armor --export-secret-keys FINGERPRINT > old-key.asc',
      cause,
    });
  }
  if (keys.some((key) => !key.isDecrypted())) {
    throw new SheafError('bad-key', `Cannot use key ${file}: it is protected by a passphrase`, {
      kind: 'usage',
      hint: 'The server signs without a person. Take the passphrase off with gpg --edit-key FINGERPRINT passwd, and export it again; its file here is readable for its owner alone.',
    });
  }
  return Promise.all(keys.map(toSecretKey));
}

async function toSecretKey(key: PrivateKey): Promise<SecretKey> {
  const end = await key.getExpirationTime();
  return {
    fingerprint: key.getFingerprint().toUpperCase(),
    ids: key.getKeyIDs().map((id) => id.toHex().toUpperCase()),
    expires: end instanceof Date ? end : undefined,
    publicBinary: key.toPublic().write(),
    armored: armor(enums.armor.privateKey, key.write()).replaceAll('\r\n', '\n'),
  };
}

/** The keys that a Release file says it was signed by; nobody has verified that. */
export async function issuersOf(signature: Uint8Array): Promise<readonly string[]> {
  const text = Buffer.from(signature).toString('latin1');
  const blocks = text.match(/-----BEGIN PGP SIGNATURE-----[\s\S]*?-----END PGP SIGNATURE-----/g);
  try {
    const signatures = await Promise.all(
      blocks === null
        ? [readSignature({ binarySignature: new Uint8Array(signature) })]
        : blocks.slice(0, 64).map((armoredSignature) => readSignature({ armoredSignature })),
    );
    return signatures.flatMap((each) => each.getSigningKeyIDs().map((id) => id.toHex().toUpperCase()));
  } catch {
    return [];
  }
}

/** With mode 0600. Never overwrites: throws `key-exists`. */
export async function writeSecretKey(file: string, key: SecretKey): Promise<void> {
  await mkdir(dirname(file), { recursive: true, mode: 0o700 });
  await createSecretFile(file, key.armored);
}
