/** Ed25519 keys in files: what a worker is known by. PKCS #8 PEM, mode 0600. */
import { createPrivateKey, createPublicKey, generateKeyPairSync, sign, verify, type KeyObject } from 'node:crypto';
import { mkdir, readFile, stat } from 'node:fs/promises';
import { dirname } from 'node:path';

import { SheafError } from '../kit/error.ts';
import { createSecretFile } from './secret-file.ts';

export type SigningKey = {
  /** 32 bytes, base64. */
  readonly publicKey: string;
  /** A signature of 64 bytes. */
  readonly sign: (bytes: Uint8Array) => Uint8Array;
};

/** The 12 bytes of DER in front of a raw Ed25519 public key (RFC 8410 §4). */
const spkiPrefix = Buffer.from('302a300506032b6570032100', 'hex');

/** Makes a key. Throws `key-exists` rather than write over one, which is whole then. */
export async function createKeyFile(path: string): Promise<SigningKey> {
  const { privateKey } = generateKeyPairSync('ed25519');
  await mkdir(dirname(path), { recursive: true });
  await createSecretFile(path, privateKey.export({ type: 'pkcs8', format: 'pem' }));
  return toSigningKey(privateKey);
}

/** Reads a key. Throws `bad-key` when it is missing, open to others, or of another kind. */
export async function loadKeyFile(path: string): Promise<SigningKey> {
  const bad = (state: string, hint: string, cause?: unknown): SheafError =>
    new SheafError('bad-key', `Cannot use key ${path}: ${state}`, { kind: 'environment', hint, cause });
  let text: string;
  try {
    if (((await stat(path)).mode & 0o077) !== 0) throw bad('others may read it', `chmod 600 ${path}`);
    text = await readFile(path, 'utf8');
  } catch (error) {
    if (error instanceof SheafError) throw error;
    throw bad('it cannot be read', 'Enrol this worker first: sheaf worker enroll', error);
  }
  let key: KeyObject;
  try {
    key = createPrivateKey(text);
  } catch (error) {
    throw bad('it is not a private key in PEM', 'Enrol this worker again with a new key', error);
  }
  if (key.asymmetricKeyType !== 'ed25519') {
    throw bad('it is not an Ed25519 key', 'Enrol this worker again with a new key');
  }
  return toSigningKey(key);
}

export function toSigningKey(privateKey: KeyObject): SigningKey {
  const spki = createPublicKey(privateKey).export({ type: 'spki', format: 'der' });
  return {
    publicKey: spki.subarray(spkiPrefix.length).toString('base64'),
    sign: (bytes) => sign(null, bytes, privateKey),
  };
}

/** True when the text is base64 of 32 bytes. */
export function isPublicKey(text: string): boolean {
  const bytes = Buffer.from(text, 'base64');
  return bytes.length === 32 && bytes.toString('base64') === text;
}

/** Verifies an Ed25519 signature (RFC 8032) by a raw public key in base64. False for anything malformed. */
export function verifyEd25519(publicKey: string, bytes: Uint8Array, signature: Uint8Array): boolean {
  if (!isPublicKey(publicKey) || signature.length !== 64) return false;
  try {
    const der = Buffer.concat([spkiPrefix, Buffer.from(publicKey, 'base64')]);
    return verify(null, bytes, createPublicKey({ key: der, format: 'der', type: 'spki' }), signature);
  } catch {
    return false;
  }
}
