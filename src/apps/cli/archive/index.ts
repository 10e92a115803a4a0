/** An index exactly as it was. */
import { resolve } from 'node:path';

import { parseRelease } from '../../../formats/deb/release.ts';
import { readCompressed } from '../../../history/compressed.ts';
import { findSnapshot, indexesAt, locate, type IndexAt, type SnapshotView } from '../../../history/mod.ts';
import { formatSize } from '../../../kit/bytes.ts';
import { sha256 as hash, type Sha256 } from '../../../kit/digest.ts';
import { SheafError } from '../../../kit/error.ts';
import { formatSnapshotRef } from '../../../model/index-history.ts';
import type { House } from '../../house.ts';
import { writeOutputFile } from '../output-file.ts';
import { formatTable, text } from '../table.ts';
import { formatSnapshotTime } from '../upstream/words.ts';

type IndexHouse = Pick<House, 'db' | 'distribution' | 'history' | 'compressed'>;

export type IndexesDocument = {
  readonly place: string;
  /** The SHA-256 of its InRelease or Release file; absent where nobody vouched for it. */
  readonly release?: Sha256;
  readonly indexes: readonly IndexAt[];
};

/** Throws `unknown-place`. */
export async function listIndexes(house: IndexHouse, place: string): Promise<IndexesDocument> {
  const snapshot = await open(house, place);
  const indexes = await indexesAt(house.db, snapshot);
  return {
    place: formatSnapshotRef(snapshot),
    ...(snapshot.release === undefined ? {} : { release: snapshot.release }),
    indexes,
  };
}

async function open({ db, distribution }: IndexHouse, place: string): Promise<SnapshotView> {
  const ref = await locate({ db, distribution }, place);
  return (await findSnapshot(db, ref, ref.snapshotId))!;
}

export function formatIndexes({ place, release, indexes }: IndexesDocument): string[] {
  return [
    `${place}: ${indexes.length} indexes${release === undefined ? ', no Release file' : ', and its Release file'}`,
    '',
    ...formatTable(indexes, [
      text('index', (row) => row.path),
      text('size', (row) => formatSize(row.size)),
      text('so since', (row) => formatSnapshotTime(row.since)),
      text('until', (row) => formatSnapshotTime(row.until) ?? 'now'),
      text('sha256', (row) => row.sha256),
    ]),
  ];
}

export type WrittenIndex = {
  readonly place: string;
  readonly path: string;
  readonly sha256: Sha256;
  readonly size: number;
  readonly output?: string;
};

export type WantedFile = {
  readonly place: string;
  readonly path: string;
  readonly compressed?: string | undefined;
  readonly output?: string | undefined;
};

/** Throws `unknown-place`, `no-such-index`, `not-kept`. */
export async function writeIndex(house: IndexHouse, wanted: WantedFile): Promise<WrittenIndex & { bytes: Uint8Array }> {
  const snapshot = await open(house, wanted.place);
  const suffix = wanted.compressed ?? /\.(xz|gz|zst|bz2)$/.exec(wanted.path)?.[1];
  const plain = wanted.path.replace(/^\.\//, '').replace(/\.(?:xz|gz|zst|bz2)$/, '');
  const path = suffix === undefined ? plain : `${plain}.${suffix}`;
  const bytes =
    suffix === undefined ? await readPlain(house, snapshot, plain) : await readListed(house, snapshot, path);
  const output = wanted.output === undefined ? undefined : resolve(wanted.output);
  if (output !== undefined) await writeOutputFile(output, bytes);
  return {
    ...{ place: formatSnapshotRef(snapshot), path, sha256: hash(bytes), size: bytes.length },
    ...(output === undefined ? {} : { output }),
    bytes,
  };
}

async function readPlain({ db, history }: IndexHouse, snapshot: SnapshotView, path: string): Promise<Uint8Array> {
  const indexes = await indexesAt(db, snapshot);
  const found = indexes.find((each) => each.path === path)?.sha256;
  const isRelease = path === 'InRelease' || path === 'Release';
  const digest = found ?? (isRelease ? snapshot.release : undefined);
  if (digest !== undefined) return history.store.read(digest);
  const names = indexes.map((each) => each.path);
  throw new SheafError(
    'no-such-index',
    `Cannot read ${path} of ${formatSnapshotRef(snapshot)}: there is no such index`,
    {
      kind: 'usage',
      hint: `There is ${[...(snapshot.release === undefined ? [] : ['InRelease']), ...names].join(', ')}.`,
    },
  );
}

/** A compressed file that the Release file of this very snapshot lists. */
async function readListed(house: IndexHouse, snapshot: SnapshotView, path: string): Promise<Uint8Array> {
  const place = formatSnapshotRef(snapshot);
  const release =
    snapshot.release === undefined
      ? undefined
      : parseRelease(new TextDecoder().decode(await house.history.store.read(snapshot.release)), `Release of ${place}`);
  const listed = release?.files.find((file) => file.path === path);
  const bytes = listed === undefined ? undefined : await readCompressed(house.compressed, listed.sha256);
  if (bytes !== undefined) return bytes;
  const state = listed === undefined ? 'no Release file lists it' : 'these bytes were never here';
  throw new SheafError('not-kept', `Cannot read ${path} of ${place}: ${state}`, {
    hint: `The index itself is here: sheaf archive index ${place} ${path.replace(/\.[a-z0-9]+$/, '')}`,
  });
}

export function formatWritten({ place, path, sha256, size, output }: WrittenIndex): string[] {
  return [`${output ?? path}: ${path} of ${place}, ${size} bytes, SHA-256 ${sha256}`];
}
