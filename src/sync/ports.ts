/** What following an archive asks of the world: a mirror, somebody who knows signatures, a decompressor. */
import type { Sha256 } from '../kit/digest.ts';

export type MirrorOptions = {
  readonly signal?: AbortSignal | undefined;
  /** Called with the number of bytes that came over the wire. */
  readonly onBytes?: ((count: number) => void) | undefined;
  /** Ask caches on the way for the newest. */
  readonly fresh?: boolean | undefined;
};

export type MirrorAnswer =
  | { readonly kind: 'file'; readonly bytes: Uint8Array }
  /** The file is still the one with the hash `known`. */
  | { readonly kind: 'same' }
  /** The mirror does not have it, or does not give it; the status is 403, 404 or 410. */
  | { readonly kind: 'missing'; readonly status: number };

/** A file that was fetched and has the right hash. It stays on the disk until `discard`. */
export type MirrorFile = {
  /** Throws `mirror-mismatch` when the file changed on the disk. */
  readonly bytes: () => Promise<Uint8Array>;
  readonly stream: () => AsyncIterable<Uint8Array>;
  readonly discard: () => Promise<void>;
};

/**
 * A mirror of archives, polite and patient: few connections, transient failures are tried again, `Retry-After` is
 * honoured. Both throw `mirror-unreachable`, `mirror-busy`, `mirror-refused`, `mirror-too-large` (all of kind
 * environment) and `aborted`.
 */
export interface Mirror {
  /** A small file whose content is not known beforehand; asked for conditionally when `known` is given. */
  read(
    url: string,
    options: MirrorOptions & { readonly limit: number; readonly known?: Sha256 | undefined },
  ): Promise<MirrorAnswer>;
  /**
   * A file by its hash and size, begun where an earlier download of it ended. Undefined when the mirror does not have
   * it. Throws `mirror-mismatch` when the mirror keeps giving other bytes.
   */
  fetch(
    url: string,
    expect: { readonly sha256: Sha256; readonly size: number },
    options?: MirrorOptions,
  ): Promise<MirrorFile | undefined>;
}

export type ReleaseFiles =
  | { readonly inRelease: Uint8Array }
  | { readonly release: Uint8Array; readonly signature: Uint8Array };

export type ReleaseVerdict = {
  /** The text that is signed, without armor. */
  readonly text: string;
  /** Fingerprints of those who signed well. */
  readonly signedBy: readonly string[];
  /** Empty when at least one signature is good. */
  readonly problems: readonly { readonly code: string; readonly message: string; readonly hint: string }[];
};

/** Checks the signatures as of `now` against a keyring file. Throws `keyring-unreadable`. */
export type VerifyRelease = (files: ReleaseFiles, keyring: string, now: Date) => Promise<ReleaseVerdict>;

/** File name endings of compressed indexes; the empty one is no compression. */
export type Compression = '.xz' | '.gz' | '.zst' | '.bz2' | '';

/**
 * An index as a whole, whatever it is compressed with. Throws `bad-compression`, and `over-limit` when more than `limit`
 * bytes would come out.
 */
export type Decompress = (bytes: Uint8Array, limit: number, file?: string) => Promise<Uint8Array>;

/** Where indexes are kept for ever: see history/ports.ts. */
export interface IndexShelf {
  info(sha256: Sha256): Promise<{ readonly size: number } | undefined>;
  read(sha256: Sha256): Promise<Uint8Array>;
  put(
    bytes: Uint8Array,
    options: {
      readonly sha256: Sha256;
      readonly split: 'stanzas' | 'lines';
      readonly successorOf?: Sha256 | undefined;
    },
  ): Promise<unknown>;
}
