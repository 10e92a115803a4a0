/**
 * A snapshot becomes known: what its indexes say is compared with the snapshots next to it, and only the differences
 * are written. All in one transaction: a snapshot is known with everything that it says, or not at all.
 */
import type { Db } from '../db/connect.ts';
import { SheafError } from '../kit/error.ts';
import { formatSnapshotRef, type IndexContent, type SnapshotRef } from '../model/index-history.ts';
import { readPackagePieces } from './contents.ts';
import { differingEntries, entryKind } from './differ.ts';
import { planIntervals } from './intervals.ts';
import { pieceReader, type PieceReader } from './piece-reader.ts';
import { common, noPieces, union, without, type PieceSet } from './piece-set.ts';
import type { HistoryDeps } from './ports.ts';
import { readFacts, RelationTargets } from './stanza-facts.ts';
import { raiseAlarms } from './store/alarms.ts';
import { addContentsPieces } from './store/contents.ts';
import { addIndexes, countEntries, indexesAt, listIndexes, type IndexRow } from './store/indexes.ts';
import { changePresence, changeVersions, type Position } from './store/intervals.ts';
import { analyze, inRecording } from './store/recording.ts';
import { findSnapshot, nextSnapshot, previousSnapshot, saveChanges, saveSnapshot } from './store/snapshots.ts';
import { addRelations, addStanzas, unreadPieces } from './store/stanzas.ts';
import type { IndexAt, NewSnapshot, RecordedSnapshot, SnapshotView } from './types.ts';

/**
 * Records a snapshot, in any order of time. Said again it is a no-op; said again with more indexes, those are added.
 * Throws `history-mismatch`, `snapshot-differs` when an index of a known snapshot has another content now, `bad-index`
 * for an index that cannot be read, and what the store throws for an index that it does not have.
 */
export async function recordSnapshot(deps: HistoryDeps, snapshot: NewSnapshot): Promise<RecordedSnapshot> {
  return inRecording(deps.db, deps.store.id, async (trx) => {
    const saved = await saveSnapshot(trx, snapshot);
    const around: Around = {
      before: await previousSnapshot(trx, snapshot),
      next: await nextSnapshot(trx, snapshot),
    };
    const work: Recording = { trx, store: deps.store, pieces: pieceReader(deps.store), snapshot, around };
    const came = await recordIndexes(work, saved === 'new');
    if (came === undefined && saved !== 'new') {
      const known = await findSnapshot(trx, snapshot, snapshot.snapshotId);
      return { kind: saved === 'known' ? 'known' : 'recorded', alarms: [], ...changesOf(known) };
    }
    const alarms = await raiseAlarms(trx, snapshot.origin, came ?? noPieces, snapshot.seenAt);
    return { kind: 'recorded', alarms, ...(await recordChanges(deps, work)) };
  });
}

type Around = { readonly before: SnapshotView | undefined; readonly next: SnapshotView | undefined };

type Recording = {
  readonly trx: Db;
  readonly store: HistoryDeps['store'];
  readonly pieces: PieceReader;
  readonly snapshot: NewSnapshot;
  readonly around: Around;
};

/** So many new rows make a change big: the database looks at its numbers again. */
const manyPieces = 10_000;

/** Pieces that came to indexes; undefined when no index changed. */
async function recordIndexes(work: Recording, isNew: boolean): Promise<PieceSet | undefined> {
  const { trx, snapshot, around } = work;
  const truth = byPath(snapshot.indexes);
  const rows = await allIndexes(work);
  const before = byPath(around.before === undefined ? [] : await indexesAt(trx, around.before));
  const thought = isNew ? before : byPath(await indexesAt(trx, snapshot));
  const after = byPath(around.next === undefined ? [] : await indexesAt(trx, around.next));
  const came: PieceSet[] = [];
  for (const row of rows) {
    const contents: Contents = {
      ...{ before: before.get(row.path), thought: thought.get(row.path) },
      ...{ truth: truth.get(row.path), after: after.get(row.path) },
    };
    if (contents.thought?.sha256 === contents.truth?.sha256) continue;
    if (!isNew) {
      // Indexes that are not named this time stay.
      if (contents.truth === undefined) continue;
      if (contents.thought !== undefined) throw differs(snapshot, row.path);
    }
    came.push(await recordIndex(work, row, contents));
  }
  if (came.length === 0) return undefined;
  const all = union(came);
  if (all.length > manyPieces) await analyze(trx);
  return all;
}

type Contents = {
  readonly before: IndexAt | undefined;
  readonly thought: IndexAt | undefined;
  readonly truth: IndexContent | undefined;
  readonly after: IndexAt | undefined;
};

/** Pieces that the index did not have here before this was known. */
async function recordIndex(work: Recording, row: IndexRow, contents: Contents): Promise<PieceSet> {
  const { trx, pieces, snapshot, around } = work;
  const at: Position = {
    index: row.index,
    before: around.before?.snapshotId,
    here: snapshot.snapshotId,
    next: around.next?.snapshotId,
  };
  const setOf = (content: { readonly sha256: string } | undefined) =>
    new Set(content === undefined ? [] : [content.sha256]);
  const versions = planIntervals(setOperations, {
    ...{ before: setOf(contents.before), thought: setOf(contents.thought) },
    ...{ truth: setOf(contents.truth), after: setOf(contents.after) },
  });
  await changeVersions(trx, at, versions, contents.truth?.size ?? 0);
  const kind = entryKind(row.kind);
  if (kind === undefined && row.kind !== 'contents') return noPieces;
  const truth = await pieces(contents.truth?.sha256);
  const thought = await pieces(contents.thought?.sha256);
  const came = without(truth, thought);
  if (kind === undefined) {
    await addContentsPieces(trx, await readPackagePieces(work.store, came));
    return noPieces;
  }
  await readNewStanzas(work, came, { kind, path: row.path });
  const before = await pieces(contents.before?.sha256);
  const after = await pieces(contents.after?.sha256);
  await changePresence(trx, at, planIntervals({ without, common }, { before, thought, truth, after }));
  if (contents.truth !== undefined) await countEntries(trx, row.index, snapshot.snapshotId);
  return came;
}

const setOperations = {
  without: (set: ReadonlySet<string>, other: ReadonlySet<string>) =>
    new Set([...set].filter((each) => !other.has(each))),
  common: (set: ReadonlySet<string>, other: ReadonlySet<string>) => new Set([...set].filter((each) => other.has(each))),
};

/** So many are held before they are written: the more at once, the better they are in order; the fewer, the less memory. */
const mostRelations = 200_000;

async function readNewStanzas(
  { trx, store }: Recording,
  came: PieceSet,
  of: { readonly kind: 'binary' | 'source'; readonly path: string },
): Promise<void> {
  const relations = new RelationTargets();
  for await (const stanzas of readFacts(store, await unreadPieces(trx, came), of, relations)) {
    await addStanzas(trx, stanzas);
    if (relations.size < mostRelations) continue;
    await addRelations(trx, relations);
    relations.clear();
  }
  await addRelations(trx, relations);
}

/** Rows of all indexes that the suite ever had and of those that this snapshot has. */
async function allIndexes({ trx, snapshot }: Recording): Promise<IndexRow[]> {
  const rows = await listIndexes(trx, snapshot);
  const known = byPath(rows);
  const fresh = [...byPath(snapshot.indexes).values()].filter(({ path }) => !known.has(path));
  if (fresh.length === 0) return rows;
  await addIndexes(trx, snapshot, fresh);
  return listIndexes(trx, snapshot);
}

/** Against the snapshot before; and the next is no longer to be compared with that one, but with this. */
async function recordChanges(deps: HistoryDeps, work: Recording): Promise<Pick<RecordedSnapshot, 'changes'>> {
  const { trx, snapshot, around } = work;
  const compare = async (left: SnapshotRef, right: SnapshotRef) => {
    const [before, here] = [await indexesAt(trx, left), await indexesAt(trx, right)];
    const entries = await differingEntries({ ...deps, db: trx }, before, here, work.pieces);
    const changes = deps.countChanges(entries.left, entries.right);
    await saveChanges(trx, right, changes);
    return changes;
  };
  if (around.next !== undefined) await compare(snapshot, around.next);
  return around.before === undefined ? {} : { changes: await compare(around.before, snapshot) };
}

function changesOf(view: SnapshotView | undefined): Pick<RecordedSnapshot, 'changes'> {
  return view?.changes === undefined ? {} : { changes: view.changes };
}

function byPath<T extends { readonly path: string }>(indexes: readonly T[]): Map<string, T> {
  return new Map(indexes.map((index) => [index.path, index]));
}

function differs(snapshot: SnapshotRef, path: string): SheafError {
  return new SheafError(
    'snapshot-differs',
    `Cannot record ${formatSnapshotRef(snapshot)}: its index ${path} is kept with another content already`,
    { place: { file: path }, hint: 'A snapshot is what one Release file says: two of the same second cannot be kept.' },
  );
}
