/** Armored SSH signatures over files: OpenSSH's PROTOCOL.sshsig. */
import { decodeBase64 } from '../../kit/base64.ts';
import { parsePublicKey, type SshPublicKey } from './public-key.ts';
import { badSsh, WireReader, writeStrings } from './wire.ts';

/** Section 2: "the six-byte preamble". */
const magic = new TextEncoder().encode('SSHSIG');
const begin = '-----BEGIN SSH SIGNATURE-----';
const end = '-----END SSH SIGNATURE-----';
const longestArmor = 64 * 1024;

export type SshSignature = {
  readonly publicKey: SshPublicKey;
  readonly namespace: string;
  readonly hashAlgorithm: 'sha256' | 'sha512';
  /** `ssh-ed25519`, `rsa-sha2-512`, … */
  readonly algorithm: string;
  /** Ed25519: 64 bytes. ECDSA: mpints r and s. RSA: the number. */
  readonly signature: Uint8Array;
  /** Only of security keys: flags and counter that the key added (PROTOCOL.u2f). */
  readonly security: { readonly flags: number; readonly counter: number } | undefined;
};

/** Section 1 and 2. Throws `bad-ssh`. */
export function parseSshSignature(armor: string): SshSignature {
  if (armor.length > longestArmor) throw badSsh('SSH signature', `it is longer than ${longestArmor} characters`);
  const lines = armor.replaceAll('\r\n', '\n').trimEnd().split('\n');
  if (lines.shift() !== begin || lines.pop() !== end) {
    throw badSsh('SSH signature', 'its BEGIN and END lines are not its first and last');
  }
  const bytes = decodeBase64(lines.join(''));
  if (bytes === undefined) throw badSsh('SSH signature', 'it is not base64');
  return parseBlob(bytes);
}

/** Section 2, "Blob format". */
function parseBlob(bytes: Uint8Array): SshSignature {
  const reader = new WireReader('SSH signature', bytes);
  if (!reader.take(magic.length).every((byte, index) => byte === magic[index])) {
    throw badSsh('SSH signature', 'it does not begin with SSHSIG');
  }
  const version = reader.uint32();
  if (version !== 1) throw badSsh('SSH signature', `its version is ${version}, expected 1`);
  const publicKey = parsePublicKey(reader.string());
  const namespace = reader.text();
  // "Implementations should ignore the contents of the reserved field", but it is part of what is signed.
  if (reader.string().length > 0) throw badSsh('SSH signature', 'its reserved field is not empty');
  const hashAlgorithm = reader.text();
  if (hashAlgorithm !== 'sha256' && hashAlgorithm !== 'sha512') {
    throw badSsh('SSH signature', `its hash is "${hashAlgorithm}", expected sha256 or sha512`);
  }
  const inner = new WireReader('SSH signature', reader.string());
  reader.end();
  const algorithm = inner.text();
  const signature = inner.string();
  const isSecurityKey = publicKey.kind === 'sk-ed25519' || publicKey.kind === 'sk-ecdsa';
  const security = isSecurityKey ? { flags: inner.byte(), counter: inner.uint32() } : undefined;
  inner.end();
  return { publicKey, namespace, hashAlgorithm, algorithm, signature, security };
}

/** Section 3, "Signed Data": what the key signs, given the message's hash. */
export function sshSignedData(signature: SshSignature, messageHash: Uint8Array): Uint8Array {
  const encoder = new TextEncoder();
  const fields = writeStrings(
    encoder.encode(signature.namespace),
    new Uint8Array(0),
    encoder.encode(signature.hashAlgorithm),
    messageHash,
  );
  const result = new Uint8Array(magic.length + fields.length);
  result.set(magic);
  result.set(fields, magic.length);
  return result;
}
