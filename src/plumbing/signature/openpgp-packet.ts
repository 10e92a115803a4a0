/** Single signature packets, checked by mathematics only: dates and keys are the policy's. */
import {
  config as defaults,
  enums,
  readSignature,
  SignaturePacket,
  unarmor,
  type AnyKeyPacket,
  type Key,
} from 'openpgp';

/** A key that a signature names as the one that made it: the primary key of a certificate, or a subkey. */
export type Candidate = {
  readonly key: Key;
  readonly packet: AnyKeyPacket;
  /** Undefined for the primary key. */
  readonly subkey: Key['subkeys'][number] | undefined;
};

/** The one packet of an armored signature, or what is wrong with it, as the end of a sentence. */
export async function readSignaturePacket(armor: string): Promise<SignaturePacket | string> {
  try {
    const { type } = await unarmor(armor);
    if (type !== enums.armor.signature) return 'is no detached signature';
    const { packets } = await readSignature({ armoredSignature: armor });
    if (packets.length !== 1) return `holds ${packets.length} signatures, expected one`;
    const packet = packets[0];
    return packet instanceof SignaturePacket ? packet : 'is no signature packet';
  } catch (error) {
    return `cannot be read: ${(error as Error).message}`;
  }
}

/** The keys of a certificate that the signature names. */
export function candidatesOf(key: Key, signature: SignaturePacket): Candidate[] {
  const all: Candidate[] = [
    { key, packet: key.keyPacket, subkey: undefined },
    ...key.subkeys.map((subkey) => ({ key, packet: subkey.keyPacket, subkey })),
  ];
  const wanted = signature.issuerFingerprint && Buffer.from(signature.issuerFingerprint).toString('hex');
  return all.filter(({ packet }) =>
    wanted === null ? packet.getKeyID().equals(signature.issuerKeyID) : packet.getFingerprint() === wanted,
  );
}

/** Fingerprint, or key id where the signature gives no more. */
export function issuerOf(signature: SignaturePacket): string {
  return (
    signature.issuerFingerprint === null
      ? signature.issuerKeyID.toHex()
      : Buffer.from(signature.issuerFingerprint).toString('hex')
  ).toUpperCase();
}

/** What speaks against a signature over data before anybody computes, as the end of a sentence. */
export function formProblem(signature: SignaturePacket, types: readonly enums.signature[]): string | undefined {
  if (signature.signatureType === null || !types.includes(signature.signatureType)) {
    return types.includes(enums.signature.binary) ? 'is not one over binary data' : 'is not one over text';
  }
  if (signature.created === null) return 'has no date';
  if (!isStrongHash(signature.hashAlgorithm)) {
    const name = Object.entries(enums.hash).find(([, id]) => id === signature.hashAlgorithm)?.[0] ?? 'an unknown hash';
    return `uses ${name.toUpperCase()}; SHA-256 or stronger is needed`;
  }
  return undefined;
}

const strongHashes = new Set<enums.hash>([
  enums.hash.sha256,
  enums.hash.sha384,
  enums.hash.sha512,
  enums.hash.sha3_256,
  enums.hash.sha3_512,
]);

export function isStrongHash(hash: enums.hash | null): boolean {
  return hash !== null && strongHashes.has(hash);
}

/** No dates and no key policy here: `null` turns the library's own off, which differ from ours. */
const cryptographyOnly = {
  ...defaults,
  rejectHashAlgorithms: new Set<enums.hash>(),
  rejectMessageHashAlgorithms: new Set<enums.hash>(),
};

/** Whether `packet` made `signature` over `data`, whatever the dates. */
export async function verifyPacket(
  signature: SignaturePacket,
  packet: AnyKeyPacket,
  type: enums.signature,
  data: object,
  detached = false,
): Promise<boolean> {
  try {
    await signature.verify(packet, type, data, null as unknown as Date, detached, cryptographyOnly);
    return true;
  } catch {
    return false;
  }
}
