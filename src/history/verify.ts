/**
 * The proof that everything that was ever kept is as it was: every index is read and hashed, every compressed file is
 * made again, every file that the tables name is in the store, and what the tables say of today's packages is read from
 * the indexes once more. Nothing is changed.
 */
import type { Sha256 } from '../kit/digest.ts';
import { describeError, SheafError } from '../kit/error.ts';
import { formatSnapshotRef, formatSuiteRef } from '../model/index-history.ts';
import { entryKind } from './differ.ts';
import { hasBytes, readRow } from './compressed.ts';
import type { CompressedDeps } from './compressed-ports.ts';
import { toPieceSet, without } from './piece-set.ts';
import type { IndexStore } from './ports.ts';
import { readFacts, RelationTargets, type StanzaFacts } from './stanza-facts.ts';
import { listCompressed } from './store/compressed.ts';
import {
  boundStore,
  listReleases,
  listVersions,
  presentPieces,
  readStanzaRows,
  type StanzaRow,
  type VersionRow,
} from './store/verify.ts';

export type VerifyProblem = { readonly sha256?: Sha256; readonly message: string };

/** A store that can prove itself: reads every index and compares its hash. */
export interface VerifiableStore extends IndexStore {
  verify(onProgress?: (done: number, total: number) => void): Promise<{
    readonly indexes: number;
    readonly pieces: number;
    readonly bytes: number;
    readonly rawBytes: number;
    readonly problems: readonly VerifyProblem[];
  }>;
}

export type VerifyDeps = CompressedDeps & { readonly store: VerifiableStore };

export type VerifyReport = {
  /** Indexes in the store, each read and hashed. */
  readonly indexes: number;
  readonly pieces: number;
  /** On the disk. */
  readonly bytes: number;
  /** Of all indexes, uncompressed. */
  readonly rawBytes: number;
  /** Compressed files that were made again from their index, and those that are kept as they came. */
  readonly compressed: number;
  readonly kept: number;
  /** Stanzas of today's indexes that were read again and compared with the tables. */
  readonly stanzas: number;
  readonly problems: readonly VerifyProblem[];
};

type OnProgress = (done: number, total: number) => void;

/** `onProgress` counts indexes, compressed files and indexes of today. */
export async function verifyHistory(deps: VerifyDeps, onProgress?: OnProgress): Promise<VerifyReport> {
  const rows = await listCompressed(deps.db);
  const versions = await listVersions(deps.db);
  const today = versions.filter(({ isNewest, kind }) => isNewest && entryKind(kind) !== undefined);
  let before = 0;
  const progress = (done: number, total: number) => onProgress?.(before + done, before + total);
  const rest = rows.length + today.length;
  const store = await deps.store.verify((done, total) => onProgress?.(done, total + rest));
  const problems = [...store.problems, ...(await findMissing(deps, versions))];
  before = store.indexes;
  let [compressed, kept] = [0, 0];
  for (const [index, row] of rows.entries()) {
    const problem = await tryTo(row.sha256, async () => void (await readRow(deps, row)));
    if (problem !== undefined) problems.push(problem);
    if (hasBytes(row)) kept++;
    else compressed++;
    progress(index + 1, rest);
  }
  let stanzas = 0;
  for (const [index, version] of today.entries()) {
    const problem = await tryTo(version.sha256, async () => {
      const found = await compareFacts(deps, version);
      stanzas += found.stanzas;
      problems.push(...found.problems);
    });
    if (problem !== undefined) problems.push(problem);
    progress(rows.length + index + 1, rest);
  }
  const { indexes, pieces, bytes, rawBytes } = store;
  return { indexes, pieces, bytes, rawBytes, compressed, kept, stanzas, problems };
}

/** What goes wrong with one file is a finding, and no reason to stop. */
async function tryTo(sha256: Sha256, work: () => Promise<void>): Promise<VerifyProblem | undefined> {
  try {
    await work();
    return undefined;
  } catch (error) {
    if (!(error instanceof SheafError)) throw error;
    return { sha256, message: describeError(error) };
  }
}

/** Whatever the tables name must be in the store, and the tables must be this store's. */
async function findMissing({ db, store }: VerifyDeps, versions: readonly VersionRow[]): Promise<VerifyProblem[]> {
  const problems: VerifyProblem[] = [];
  const bound = await boundStore(db);
  if (bound !== undefined && bound !== store.id) {
    problems.push({
      message: `The database belongs to the index store ${bound}, the folder on the disk is ${store.id}`,
    });
  }
  for (const { sha256, size, ...version } of versions) {
    const info = await store.info(sha256);
    if (info?.size === size) continue;
    const place = `${formatSuiteRef(version)} ${version.path} since ${version.since}`;
    problems.push({
      sha256,
      message: `${place}: ${info === undefined ? 'its index is not in the store' : 'its size differs'}`,
    });
  }
  for (const { release, ...ref } of await listReleases(db)) {
    if ((await store.info(release)) !== undefined) continue;
    problems.push({ sha256: release, message: `${formatSnapshotRef(ref)}: its Release file is not in the store` });
  }
  return problems;
}

/** At most so many findings of one index are told one by one. */
const mostTold = 20;

/** Reads the stanzas of an index and compares them with what the tables say that stands in it today. */
async function compareFacts(
  { db, store }: VerifyDeps,
  version: VersionRow,
): Promise<{ readonly stanzas: number; readonly problems: readonly VerifyProblem[] }> {
  const { sha256, path } = version;
  const place = `${formatSuiteRef(version)} ${path}`;
  const told: string[] = [];
  const pieces = toPieceSet(await store.pieces(sha256));
  const read: number[] = [];
  // What stanzas relate to is not compared: these are gathered and dropped.
  for await (const facts of readFacts(
    store,
    [...pieces],
    { kind: entryKind(version.kind)!, path },
    new RelationTargets(),
  )) {
    const rows = await readStanzaRows(
      db,
      facts.map(({ piece }) => piece),
    );
    for (const fact of facts) {
      read.push(fact.piece);
      const difference = differenceOf(fact, rows.get(fact.piece));
      if (difference !== undefined) told.push(`${place}: ${fact.name} ${fact.version}: ${difference}`);
    }
  }
  const found = Uint32Array.from(read);
  const present = await presentPieces(db, version.index);
  for (const [set, what] of [
    [without(found, present), 'stand in the index but not in the tables'],
    [without(present, found), 'stand in the tables but not in the index'],
  ] as const) {
    if (set.length > 0) told.push(`${place}: ${set.length} stanzas ${what}`);
  }
  const problems = told.slice(0, mostTold).map((message) => ({ sha256, message }));
  if (told.length > mostTold) problems.push({ sha256, message: `${place}: and ${told.length - mostTold} more` });
  return { stanzas: found.length, problems };
}

const fields = ['kind', 'name', 'version', 'architecture', 'source', 'sourceVersion', 'sha256', 'size'] as const;

function differenceOf(fact: StanzaFacts, row: StanzaRow | undefined): string | undefined {
  if (row === undefined) return 'the tables do not have it';
  const field = fields.find((name) => fact[name] !== row[name]);
  return field === undefined ? undefined : `the tables say ${field} "${row[field]}", the index "${fact[field]}"`;
}
