/** Making the bucket whole and the disk free. */
import { formatSize } from '../../../kit/bytes.ts';
import { SheafError } from '../../../kit/error.ts';
import type { TidyReport } from '../../../plumbing/blob-cache.ts';
import type { House } from '../../house.ts';
import { interruptible } from '../interrupt.ts';
import { startProgress } from '../progress.ts';
import { formatCounts } from './show.ts';

/** Throws `no-bucket`, `bucket-failed`. */
export async function tidy({ storage }: Pick<House, 'storage'>, json: boolean): Promise<TidyReport> {
  if (storage === undefined) {
    throw new SheafError('no-bucket', 'Cannot tidy: files are kept on this disk alone', {
      kind: 'usage',
      hint: 'Add a section [storage] to sheaf.toml: see docs/write-a-policy.md.',
    });
  }
  const progress = startProgress({ json, unit: 'bytes' });
  try {
    return await interruptible((signal) =>
      storage.tidy({ signal, onProgress: (done, total) => progress.at('Sending', done, total) }),
    );
  } finally {
    progress.end();
  }
}

export function formatTidied({ sent, freed, here }: TidyReport, limit = Infinity): string[] {
  return [
    sent.count === 0 ? 'The bucket had everything.' : `Sent ${formatCounts(sent)}.`,
    ...(freed.count === 0 ? [] : [`Freed ${formatSize(freed.bytes)} of this disk.`]),
    `${formatCounts(here)} on this disk${here.bytes > limit ? ': what was used within the last hour stays' : ''}.`,
  ];
}
