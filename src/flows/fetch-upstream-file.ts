/** One file of a foreign archive's pool into our blobs, by its hash: a `.deb`, or a part of a source package. */
import type { Sha256 } from '../kit/digest.ts';
import { SheafError } from '../kit/error.ts';
import type { AptUpstream } from '../model/distribution.ts';
import type { Blobs } from '../plumbing/blobs.ts';
import { encodePath, type Mirror } from '../sync/mod.ts';

export type UpstreamFile = {
  /** As the index has it, relative to the archive's root. */
  readonly filename: string;
  readonly sha256: Sha256;
  readonly size: number;
};

export type FetchFileOptions = {
  readonly signal?: AbortSignal | undefined;
  readonly onBytes?: ((count: number) => void) | undefined;
};

/**
 * Nothing happens when the blob is there; one of another size was damaged, and is replaced. Throws `file-missing` when the
 * archive no longer has the file, `bad-path`, and what the mirror throws; nothing is kept then but what came, for the next
 * attempt.
 */
export async function fetchUpstreamFile(
  { mirror, blobs }: { readonly mirror: Mirror; readonly blobs: Blobs },
  upstream: AptUpstream,
  { filename, sha256, size }: UpstreamFile,
  options: FetchFileOptions = {},
): Promise<void> {
  if ((await blobs.info(sha256))?.size === size) return;
  if (!filename.split('/').every((part) => part !== '' && part !== '.' && part !== '..')) {
    throw new SheafError('bad-path', `Cannot fetch "${filename.slice(0, 200)}": the path leaves the archive`);
  }
  const url = `${upstream.url.replace(/\/+$/, '')}/${encodePath(filename)}`;
  const file = await mirror.fetch(url, { sha256, size }, options);
  if (file === undefined) {
    throw new SheafError('file-missing', `Cannot fetch ${filename} from upstream ${upstream.name}: it is not there`, {
      hint: 'Archives drop superseded versions after some days; an archive of snapshots may still have it.',
    });
  }
  await blobs.put(file.stream(), { expect: sha256, limit: size });
  await file.discard();
}
