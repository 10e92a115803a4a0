/** What the history holds. */
import { listTrackedSuites, type TrackedSuite } from '../../../history/mod.ts';
import { formatSize } from '../../../kit/bytes.ts';
import { formatSuiteRef } from '../../../model/index-history.ts';
import type { House } from '../../house.ts';
import { formatFields, formatTable, text } from '../table.ts';
import { formatSnapshotTime } from '../upstream/words.ts';

export type ArchiveDocument = {
  readonly suites: readonly TrackedSuite[];
  readonly snapshots: number;
  /** Distinct contents of indexes and Release files. */
  readonly indexes: number;
  readonly pieces: number;
  /** On the disk. */
  readonly bytes: number;
  /** Of all contents, each counted once. */
  readonly rawBytes: number;
};

export async function readArchive({ db, indexStore }: Pick<House, 'db' | 'indexStore'>): Promise<ArchiveDocument> {
  const [suites, { indexes, pieces, bytes, rawBytes }] = await Promise.all([listTrackedSuites(db), indexStore.stats()]);
  const snapshots = suites.reduce((sum, each) => sum + each.snapshots, 0);
  return { suites, snapshots, indexes, pieces, bytes, rawBytes };
}

export function formatArchive({ suites, snapshots, indexes, pieces, bytes, rawBytes }: ArchiveDocument): string[] {
  const part = rawBytes === 0 ? '' : ` (${((bytes / rawBytes) * 100).toFixed(1)} %)`;
  const table = formatTable(suites, [
    text('suite', formatSuiteRef),
    text('snapshots', (row) => row.snapshots),
    text('newest', (row) => formatSnapshotTime(row.newest)),
    text('binaries', (row) => row.binaries),
    text('sources', (row) => row.sources),
  ]);
  return [
    ...formatFields([
      ['snapshots', String(snapshots)],
      ['indexes', `${indexes} different ones, ${formatSize(rawBytes)}`],
      ['pieces', String(pieces)],
      ['on the disk', `${formatSize(bytes)}${part}`],
    ]),
    ...(suites.length === 0 ? [] : ['', ...table]),
  ];
}
