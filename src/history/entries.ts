/** The packages of a snapshot, and the text of one stanza. */
import type { PackageEntry, SnapshotRef } from '../model/index-history.ts';
import { differingEntries, entryKind, type DifferDeps } from './differ.ts';
import type { IndexStore } from './ports.ts';
import { selectEntries, type EntryFilter } from './store/entries.ts';
import { indexesAt } from './store/indexes.ts';

/** By name; without a `limit`, all of them. Empty when there is no such snapshot. */
export async function entriesAt(deps: DifferDeps, ref: SnapshotRef, filter: EntryFilter = {}): Promise<PackageEntry[]> {
  const { kind, component, limit } = filter;
  const indexes = (await indexesAt(deps.db, ref)).filter(
    (index) =>
      entryKind(index.kind) !== undefined &&
      (kind === undefined || entryKind(index.kind) === kind) &&
      (component === undefined || index.component === component),
  );
  const isNarrow = limit !== undefined || filter.name !== undefined || filter.source !== undefined;
  if (isNarrow || filter.nameContains !== undefined || filter.after !== undefined) {
    return selectEntries(deps.db, indexes, ref.snapshotId, { ...filter, limit: limit ?? everything });
  }
  const { left } = await differingEntries(deps, indexes, []);
  const wanted = left.filter(
    ({ architecture }) => filter.architecture === undefined || architecture === filter.architecture,
  );
  return wanted.toSorted((a, b) => compare(a.name, b.name) || a.piece! - b.piece!);
}

const everything = 10_000_000;

function compare(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}

/** The stanza as its index has it, with the blank line behind it. Throws `piece-missing`. */
export async function readStanza(store: IndexStore, piece: number): Promise<string> {
  const [bytes] = await store.readPieces([piece]);
  return new TextDecoder().decode(bytes);
}
