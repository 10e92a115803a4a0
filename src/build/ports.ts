/** What the build room asks of the rest of the house. */
import type { Sha256 } from '../kit/digest.ts';
import type { Lock } from '../model/lock.ts';

/** Turns a lock into directories that a sandbox starts on. Implemented over the root room. */
export interface RootPort {
  /**
   * The configured root of exactly these packages, as layers, the topmost first. Throws an error of kind `environment`
   * when it cannot be made. `onProgress` gets lines for the log.
   */
  materialise(
    lock: Lock,
    base: Lock | undefined,
    options: RootPortOptions,
  ): Promise<{ readonly layers: readonly string[] }>;
}

export type RootPortOptions = { readonly signal: AbortSignal; readonly onProgress: (line: string) => void };

/** Reads the text of a lock; throws an error with its place. */
export type ParseLock = (text: string, file?: string) => Lock;

/** Brings a blob of the lease to a file, its hash and size checked. Throws `blob-mismatch` or `blob-too-large`. */
export type FetchBlob = (digest: Sha256, path: string, limit: number) => Promise<void>;

/** Verifies an Ed25519 signature by a raw public key in base64. */
export type VerifySignature = (publicKey: string, bytes: Uint8Array, signature: Uint8Array) => boolean;
