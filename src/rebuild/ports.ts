/** What the rebuild room asks of the rest of the house. */
import type { Sha256 } from '../kit/digest.ts';

/** Verifies an Ed25519 signature by a raw public key in base64. */
export type VerifySignature = (publicKey: string, bytes: Uint8Array, signature: Uint8Array) => boolean;

export interface StatementBlobs {
  putBytes(bytes: string): Promise<{ readonly sha256: Sha256 }>;
}
