/** The history on less disk. */
import { proveCompressed } from '../../../history/compressed.ts';
import { formatSize } from '../../../kit/bytes.ts';
import type { House } from '../../house.ts';
import { interruptible } from '../interrupt.ts';
import { startProgress } from '../progress.ts';
import { count } from '../upstream/words.ts';

export type CompactDocument = {
  /** Bytes of the store on the disk. */
  readonly before: number;
  readonly after: number;
  /** Compressed files that are made again from now on, and the bytes that are no longer needed for them. */
  readonly proved: number;
  readonly freed: number;
  /** Compressed files that nothing gives back: they stay as they came. */
  readonly kept: number;
};

/** Called off, it ends before the next file, and nothing is lost. */
export async function compact(
  { compressed, indexStore }: Pick<House, 'indexStore' | 'compressed'>,
  json: boolean,
): Promise<CompactDocument> {
  const progress = startProgress({ json });
  try {
    const { proved, bytes, kept } = await interruptible((signal) =>
      proveCompressed(compressed, (done, total) => progress.at('Making compressed files again', done, total), {
        signal,
      }),
    );
    const sizes = await indexStore.compact((done, total) => progress.at('Writing the store anew', done, total));
    return { ...sizes, proved, freed: bytes, kept };
  } finally {
    progress.end();
  }
}

export function formatCompacted({ before, after, proved, freed, kept }: CompactDocument): string[] {
  return [
    after < before
      ? `The store takes ${formatSize(after)}, ${formatSize(before - after)} less than before.`
      : `The store takes ${formatSize(after)}: there was nothing to gain.`,
    ...(proved + kept === 0
      ? []
      : [
          `${count(proved, 'compressed file')} of ${formatSize(freed)} can be made again and need not be kept; ` +
            `${kept} cannot and ${kept === 1 ? 'stays' : 'stay'} as they came.`,
        ]),
  ];
}
