/** Our own published snapshots enter the history, as upstreams' do: every index that their Release lists. */
import { join } from 'node:path';

import { sql } from 'kysely';

import { awaitPublication, repositoryDirectory } from '../archive/mod.ts';
import { parseRelease, type ReleaseFile } from '../formats/deb/release.ts';
import { recordSnapshot, type HistoryDeps } from '../history/mod.ts';
import { sha256, type Sha256 } from '../kit/digest.ts';
import { SheafError } from '../kit/error.ts';
import type { IndexContent, IndexName } from '../model/index-history.ts';
import type { Label, SnapshotId, SuiteName } from '../model/names.ts';

export type RecordPublicationDeps = HistoryDeps & {
  /** The folder that holds one archive tree for each repository. */
  readonly directory: string;
  readonly readFile: (path: string) => Promise<Uint8Array>;
  readonly gunzip: (bytes: Uint8Array, limit: number) => Uint8Array;
  /** The key of a repository. */
  readonly signer: (repository: Label) => Promise<{ readonly keys: readonly OurKey[] }>;
};

type OurKey = { readonly fingerprint: string; readonly created: Date; readonly expires: Date | undefined };

/**
 * Records every published snapshot of our suites that the history lacks, in their order; answers how many there were.
 * Safe to call at any time and from several processes. A suite of which one cannot be recorded ends there, and keeps no other
 * waiting; in the end its error is thrown: `snapshot-missing` when a file is not there.
 */
export async function recordPublications(deps: RecordPublicationDeps): Promise<number> {
  const missing = await missingSnapshots(deps);
  const kept = new Map<string, Sha256>();
  const failed = new Map<SuiteName, unknown>();
  for (const snapshot of missing) {
    if (failed.has(snapshot.suite)) continue;
    try {
      await recordInPlace(deps, snapshot, kept);
    } catch (error) {
      failed.set(snapshot.suite, error);
    }
  }
  for (const error of failed.values()) throw error;
  return missing.length;
}

async function recordInPlace(
  deps: RecordPublicationDeps,
  snapshot: PublishedSnapshot,
  kept: Map<string, Sha256>,
): Promise<void> {
  try {
    await recordPublication(deps, snapshot, kept);
  } catch (error) {
    if (!(error instanceof SheafError) || error.code !== notThere) throw error;
    // It is committed before it is put in place.
    await awaitPublication(deps.db, snapshot.suite);
    await recordPublication(deps, snapshot, kept);
  }
}

const notThere = 'snapshot-missing';

type PublishedSnapshot = {
  readonly suite: SuiteName;
  readonly number: number;
  readonly repository: Label;
  readonly snapshot_id: SnapshotId;
  readonly created_at: Date;
};

async function missingSnapshots({ db }: RecordPublicationDeps): Promise<PublishedSnapshot[]> {
  const { rows } = await sql<PublishedSnapshot>`
    select s.suite, s.number, s.repository, s.snapshot_id, s.created_at from snapshot s
    where s.state = 'published' and not exists (
      select from history_snapshot h
      where h.origin = '' and h.suite = s.suite and h.snapshot_id = s.snapshot_id)
    order by s.suite, s.number`.execute(db);
  return rows;
}

/** `kept`: the content that each index had in the snapshot before, by suite and path. */
async function recordPublication(
  deps: RecordPublicationDeps,
  snapshot: PublishedSnapshot,
  kept: Map<string, Sha256>,
): Promise<void> {
  const { suite, repository, snapshot_id: snapshotId, created_at: date } = snapshot;
  const root = repositoryDirectory(deps.directory, repository);
  const directory = join(root, 'snapshot', suite, snapshotId, 'dists', suite);
  const inRelease = await readPublished(deps, snapshot, join(directory, 'InRelease'));
  const releaseHash = sha256(inRelease);
  await deps.store.put(inRelease, {
    sha256: releaseHash,
    split: 'lines',
    successorOf: kept.get(`${suite} InRelease`),
  });
  kept.set(`${suite} InRelease`, releaseHash);
  const release = parseRelease(new TextDecoder().decode(inRelease), 'InRelease');
  const indexes: IndexContent[] = [];
  const listed = new Set(release.files.map(({ path }) => path));
  for (const file of release.files) {
    const name = indexName(file);
    if (name === undefined) continue;
    const key = `${suite} ${file.path}`;
    if ((await deps.store.info(file.sha256)) === undefined) {
      // The archive keeps an index compressed only; what comes out is checked against its own hash by the store.
      const packed = listed.has(`${file.path}.gz`);
      const found = await readPublished(deps, snapshot, join(directory, packed ? `${file.path}.gz` : file.path));
      const bytes = packed ? deps.gunzip(found, Math.max(file.size, 1)) : found;
      await deps.store.put(bytes, { sha256: file.sha256, split: 'stanzas', successorOf: kept.get(key) });
    }
    kept.set(key, file.sha256);
    indexes.push({ ...name, sha256: file.sha256, size: file.size });
  }
  await recordSnapshot(deps, {
    ...{ origin: '', suite, snapshotId, indexes, release: releaseHash },
    ...{ codename: release.codename, validUntil: release.validUntil, seenAt: date },
    signedBy: (await deps.signer(repository)).keys
      .filter((key) => key.created <= date && !(key.expires !== undefined && key.expires <= date))
      .map((key) => key.fingerprint),
  });
}

/**
 * Our archive publishes Packages, Sources and Translation-en, each also compressed. Contents are larger than all others
 * together, and the archive keeps them itself.
 */
function indexName({ path }: ReleaseFile): IndexName | undefined {
  const translated = /^([^/]+)\/i18n\/Translation-[^/.]+$/.exec(path)?.[1];
  if (translated !== undefined) return { path, kind: 'translation', component: translated, architecture: '' };
  const match = /^([^/]+)\/(?:binary-([^/]+)\/Packages|source\/Sources)$/.exec(path);
  if (match === null) return undefined;
  const [, component = '', architecture] = match;
  return architecture === undefined
    ? { path, kind: 'sources', component, architecture: 'source' }
    : { path, kind: 'packages', component, architecture };
}

async function readPublished(
  deps: RecordPublicationDeps,
  { suite, number }: PublishedSnapshot,
  path: string,
): Promise<Uint8Array> {
  try {
    return await deps.readFile(path);
  } catch (cause) {
    throw new SheafError(notThere, `Cannot keep ${suite}@${number} in the history: a file of it is missing`, {
      kind: 'environment',
      place: { file: path },
      hint: 'Restore the archive folder from a copy.',
      cause,
    });
  }
}
