/** Single signature packets, checked by mathematics only: dates and keys are the policy's. */
import { config as defaults, enums, type AnyKeyPacket, type SignaturePacket } from 'openpgp';

import type { Certificate } from './openpgp-certificates.ts';

export type Candidate = {
  readonly certificate: Certificate;
  readonly packet: AnyKeyPacket;
  /** Undefined for the primary key. */
  readonly subkey: Certificate['key']['subkeys'][number] | undefined;
};

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
