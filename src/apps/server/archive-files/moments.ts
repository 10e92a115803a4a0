/** Which snapshots a suite has, read from its folder: what is there is published, and stays. */
import { readdir, stat } from 'node:fs/promises';

import { isSnapshotId, type SnapshotId } from '../../../model/names.ts';

/** A listing is kept while the folder's time of change says that it is still so. */
type Listing = { readonly changed: number; readonly inode: number; readonly ids: readonly SnapshotId[] };

/** Two changes within this many milliseconds may leave the same time on the folder. */
const clockTick = 1000;

export class Moments {
  readonly #listings = new Map<string, Listing>();

  /** Ids of the snapshots in a suite's folder, oldest first; none when there is no such folder. */
  async ids(directory: string): Promise<readonly SnapshotId[]> {
    try {
      const { mtimeMs: changed, ino: inode } = await stat(directory);
      const known = this.#listings.get(directory);
      if (known?.changed === changed && known.inode === inode) return known.ids;
      const ids = (await readdir(directory)).filter(isSnapshotId).toSorted();
      if (Date.now() - changed > clockTick) this.#listings.set(directory, { changed, inode, ids });
      return ids;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
      throw error;
    }
  }
}

/** The newest of `ids` (oldest first) that is not after `moment`. */
export function newestNotAfter(ids: readonly SnapshotId[], moment: string): SnapshotId | undefined {
  let [low, high] = [0, ids.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (ids[middle]! <= moment) low = middle + 1;
    else high = middle;
  }
  return ids[low - 1];
}
