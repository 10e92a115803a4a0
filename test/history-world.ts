/** A database and an index store with toy snapshots, for everything that asks the history. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { countChanges } from '../src/compare/mod.ts';
import type { Db } from '../src/db/connect.ts';
import { formatStanza } from '../src/formats/deb/deb822.ts';
import {
  recordSnapshot,
  type HistoryDeps,
  type IndexStore,
  type NewSnapshot,
  type RecordedSnapshot,
} from '../src/history/mod.ts';
import { sha256 } from '../src/kit/digest.ts';
import type { IndexContent, IndexName, PackageEntry } from '../src/model/index-history.ts';
import { snapshotTime, type SnapshotId } from '../src/model/names.ts';
import { openIndexStore } from '../src/plumbing/history/store.ts';
import { testDatabase } from './database.ts';

/** What matters of a package; the rest is made up. `fields` are written as they are (`Depends`, `Description`). */
export type ToyEntry = Partial<Omit<PackageEntry, 'piece' | 'kind'>> & {
  readonly name: string;
  readonly depends?: string;
  readonly provides?: string;
  readonly buildDepends?: string;
  readonly description?: string;
  readonly fields?: Readonly<Record<string, string>>;
};

/** `snapshotId` as `20260101T000000Z`; more facts of a snapshot may be given. */
export type ToySnapshot = Partial<Omit<NewSnapshot, 'snapshotId'>> & {
  readonly origin: string;
  readonly suite: string;
  readonly snapshotId: string;
};

export type HistoryWorld = {
  readonly db: Db;
  readonly store: IndexStore;
  readonly deps: HistoryDeps;
  /** Binary packages are those of amd64 and `all`, by component; without `sources` there is no Sources index. */
  readonly record: (
    ref: ToySnapshot,
    packages: readonly ToyEntry[],
    sources?: readonly ToyEntry[],
  ) => Promise<RecordedSnapshot>;
  /** Any index file, kept; for `indexes` of `record`. */
  readonly keep: (name: IndexName, text: string) => Promise<IndexContent>;
  readonly close: () => Promise<void>;
};

/** `close` drops all of it. */
export async function historyWorld(): Promise<HistoryWorld> {
  const database = await testDatabase();
  const { db } = database;
  const directory = await mkdtemp(join(tmpdir(), 'sheaf-history-'));
  const store = await openIndexStore(directory);
  const deps: HistoryDeps = { db, store, countChanges };
  const keep: HistoryWorld['keep'] = async (name, text) => {
    const bytes = Buffer.from(text);
    const digest = sha256(bytes);
    const split = name.kind === 'packages' || name.kind === 'sources' ? 'stanzas' : 'lines';
    await store.put(bytes, { sha256: digest, split });
    return { ...name, sha256: digest, size: bytes.length };
  };
  return {
    ...{ db, store, deps, keep },
    record: async (ref, packages, sources) => {
      const indexes = [...(ref.indexes ?? [])];
      for (const [component, entries] of byComponent(packages)) {
        indexes.push(await keep(packagesIndex(component), entries.map(toyBinary).join('')));
      }
      for (const [component, entries] of byComponent(sources ?? [])) {
        indexes.push(await keep(sourcesIndex(component), entries.map(toySource).join('')));
      }
      const snapshotId = ref.snapshotId as SnapshotId;
      return recordSnapshot(deps, { seenAt: snapshotTime(snapshotId), signedBy: [], ...ref, snapshotId, indexes });
    },
    close: async () => {
      await store.close();
      await database.close();
      await rm(directory, { recursive: true });
    },
  };
}

function packagesIndex(component: string): IndexName {
  return { path: `${component}/binary-amd64/Packages`, kind: 'packages', component, architecture: 'amd64' };
}

function sourcesIndex(component: string): IndexName {
  return { path: `${component}/source/Sources`, kind: 'sources', component, architecture: 'source' };
}

function byComponent(entries: readonly ToyEntry[]): Map<string, readonly ToyEntry[]> {
  return Map.groupBy(entries, ({ component = 'main' }) => component);
}

/** A stanza of Packages, with the blank line behind it. */
export function toyBinary(entry: ToyEntry): string {
  const { name, version = '1.0-1', architecture = 'amd64', source = name, sourceVersion = version } = entry;
  return formatToy({
    Package: name,
    Source: source === name && sourceVersion === version ? undefined : sourceText(source, sourceVersion, version),
    Version: version,
    Architecture: architecture,
    Maintainer: 'Toy Maintainer <toy@example.org>',
    Depends: entry.depends,
    Provides: entry.provides,
    Filename: `pool/${entry.component ?? 'main'}/${name[0]}/${source}/${name}_${version}_${architecture}.deb`,
    Size: String(entry.size ?? 1000),
    SHA256: entry.sha256 ?? sha256(`${name} ${version} ${architecture}`),
    Description: entry.description ?? `toy package ${name}`,
    ...entry.fields,
  });
}

/** A stanza of Sources, with the blank line behind it. */
export function toySource(entry: ToyEntry): string {
  const { name, version = '1.0-1' } = entry;
  return formatToy({
    Package: name,
    Version: version,
    Maintainer: 'Toy Maintainer <toy@example.org>',
    'Build-Depends': entry.buildDepends,
    Directory: `pool/${entry.component ?? 'main'}/${name[0]}/${name}`,
    'Checksums-Sha256': `\n${entry.sha256 ?? sha256(`${name} ${version} source`)} ${entry.size ?? 1000} ${name}_${version}.dsc`,
    ...entry.fields,
  });
}

function sourceText(source: string, sourceVersion: string, version: string): string {
  return sourceVersion === version ? source : `${source} (${sourceVersion})`;
}

function formatToy(fields: Readonly<Record<string, string | undefined>>): string {
  const given = Object.entries(fields).filter((each): each is [string, string] => each[1] !== undefined);
  return `${formatStanza(given)}\n`;
}
