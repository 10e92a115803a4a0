/** What the device room asks of the world: files below the root of some system, which may be hostile. */

/** Of a regular file; every other outcome is a word. */
export type FileDigest = { readonly digest: string } | 'missing' | 'not-a-file' | 'unreadable';

export interface DeviceFiles {
  /**
   * A whole file, or undefined when there is no such regular file. Links are followed below the root only. Throws
   * `device-file` when it is larger than `limit` or cannot be read.
   */
  read(path: string, limit: number): Promise<Uint8Array | undefined>;
  /** Names in a folder in the order of their bytes; empty when there is no such folder. Throws `device-file`. */
  list(path: string): Promise<readonly string[]>;
  /** The hexadecimal digest of a file's bytes. */
  digest(path: string, algorithm: 'md5' | 'sha256'): Promise<FileDigest>;
}
