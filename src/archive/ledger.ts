/**
 * What acceptance knows of a repository and a suite, and what it is going to write. Everything that some uploads can ask
 * is read at once; what is accepted is entered here, where those that follow see it; at the end all of it is written at
 * once. An upload that is refused enters nothing.
 */
import type { Suite } from '../model/distribution.ts';
import type { InputFile } from '../model/job.ts';
import { knownPaths, insertPaths } from './store-import.ts';
import {
  findBinaryFacts,
  findSourceFacts,
  insertBinaries,
  insertSources,
  insertWaiting,
  type BinaryKey,
  type NewBinary,
  type NewSource,
  type SourceKey,
} from './store-ledger.ts';
import type { Db, PoolPath } from './store.ts';
import { liveBinariesOf, liveSourcesOf, type LiveBinary, type LiveSource } from './store-upload.ts';

/** A package with what the suite last had to do with it. The id is there once it is written. */
type Known = { id: number | undefined; state: string | undefined; removed: boolean };

export type KnownSource = Known & SourceKey & { readonly files: readonly InputFile[] };
export type KnownBinary = Known & BinaryKey & { readonly sha256: string };

/** What can be asked about. */
export type Asked = {
  readonly sources: readonly SourceKey[];
  readonly binaries: readonly (BinaryKey & { readonly source: string; readonly sourceVersion: string })[];
  readonly paths: readonly string[];
};

export class Ledger {
  readonly suite: Suite;
  readonly #sources = new Map<string, KnownSource>();
  readonly #binaries = new Map<string, KnownBinary>();
  readonly #paths = new Map<string, string>();
  readonly #liveSources = new Map<string, LiveSource[]>();
  readonly #liveBinaries = new Map<string, LiveBinary[]>();
  readonly #newSources: NewSource[] = [];
  readonly #newBinaries: NewBinary[] = [];
  readonly #newPaths = new Map<string, PoolPath>();
  readonly #entering: { readonly sources: KnownSource[]; readonly binaries: KnownBinary[] } = {
    sources: [],
    binaries: [],
  };

  private constructor(suite: Suite) {
    this.suite = suite;
  }

  /** Whoever is going to write holds the repository's lock. */
  static async open(db: Db, suite: Suite, asked: Asked): Promise<Ledger> {
    const ledger = new Ledger(suite);
    const { repository, name } = suite;
    const sources = new Map(
      [...asked.sources, ...asked.binaries.map((each) => ({ name: each.source, version: each.sourceVersion }))].map(
        (each) => [sourceKey(each), each],
      ),
    );
    for (const { id, state, removed, ...row } of await findSourceFacts(db, repository, name, [...sources.values()])) {
      ledger.#sources.set(sourceKey(row), { ...row, id, state: state ?? undefined, removed: removed === true });
    }
    const binaries = new Map(asked.binaries.map((each) => [binaryKey(each), each]));
    for (const { id, state, removed, ...row } of await findBinaryFacts(db, repository, name, [...binaries.values()])) {
      ledger.#binaries.set(binaryKey(row), { ...row, id, state: state ?? undefined, removed: removed === true });
    }
    for (const { path, sha256 } of await knownPaths(db, repository, [...new Set(asked.paths)])) {
      ledger.#paths.set(path, sha256);
    }
    const live = {
      sources: await liveSourcesOf(db, name, distinct(asked.sources)),
      binaries: await liveBinariesOf(db, name, distinct(asked.binaries)),
    };
    for (const each of live.sources) add(ledger.#liveSources, each);
    for (const each of live.binaries) add(ledger.#liveBinaries, each);
    return ledger;
  }

  source(key: SourceKey): KnownSource | undefined {
    return this.#sources.get(sourceKey(key));
  }

  binary(key: BinaryKey): KnownBinary | undefined {
    return this.#binaries.get(binaryKey(key));
  }

  /** The SHA-256 of what stands under a path of the pool. */
  path(path: string): string | undefined {
    return this.#paths.get(path);
  }

  /** Versions of a source package that are in the suite or wait to be. */
  liveSources(name: string): readonly LiveSource[] {
    return this.#liveSources.get(name) ?? [];
  }

  liveBinaries(names: readonly string[]): readonly LiveBinary[] {
    return names.flatMap((name) => this.#liveBinaries.get(name) ?? []);
  }

  addSource(source: NewSource): KnownSource {
    const known = { ...source, id: undefined, state: undefined, removed: false };
    this.#newSources.push(source);
    this.#sources.set(sourceKey(source), known);
    return known;
  }

  addBinary(binary: NewBinary): KnownBinary {
    const known = { ...binary, id: undefined, state: undefined, removed: false };
    this.#newBinaries.push(binary);
    this.#binaries.set(binaryKey(binary), known);
    return known;
  }

  addPaths(paths: readonly PoolPath[]): void {
    for (const path of paths) {
      if (this.#paths.has(path.path)) continue;
      this.#paths.set(path.path, path.sha256);
      this.#newPaths.set(path.path, path);
    }
  }

  /** It waits for the suite's next publication from now on. */
  enterSource(source: KnownSource): void {
    source.state = 'PENDING';
    this.#entering.sources.push(source);
    add(this.#liveSources, source);
  }

  enterBinary(binary: KnownBinary, source: string): void {
    binary.state = 'PENDING';
    this.#entering.binaries.push(binary);
    add(this.#liveBinaries, { ...binary, source });
  }

  /** Once, at the end. `tagBuilds`: of new sources, what they go on as. */
  async write(
    transaction: Db,
    now: Date,
    tagBuilds: (source: SourceKey) => number | undefined = () => undefined,
  ): Promise<void> {
    const { repository, name } = this.suite;
    const sources = this.#newSources.map((each) => ({ ...each, tagBuild: tagBuilds(each) ?? each.tagBuild }));
    for (const { id, ...key } of await insertSources(transaction, repository, sources, now)) this.source(key)!.id = id;
    await insertPaths(transaction, repository, [...this.#newPaths.values()]);
    for (const { id, ...key } of await insertBinaries(transaction, repository, this.#newBinaries, now)) {
      this.binary(key)!.id = id;
    }
    const waiting = {
      sources: this.#entering.sources.map((each) => each.id!),
      binaries: this.#entering.binaries.map((each) => each.id!),
    };
    await insertWaiting(transaction, name, waiting, now);
  }
}

/** Whether the package is in the suite or waits to be. */
export function isLive({ state }: Known): boolean {
  return state === 'PENDING' || state === 'PUBLISHED';
}

/**
 * Whether taking the package again would change nothing: the suite has it, had it, or somebody has removed it. A suite
 * of all versions takes again what had ended for a newer version while it was one of the latest.
 */
export function wasTaken({ suite }: Ledger, { state }: Known): boolean {
  if (state === undefined) return false;
  return suite.versions !== 'all' || (state !== 'SUPERSEDED' && state !== 'OBSOLETE');
}

/** Whether the suite's last word about the package is that it was removed. */
export function isRemoved({ state, removed }: Known): boolean {
  return removed || state === 'DELETED';
}

function sourceKey({ name, version }: SourceKey): string {
  return `${name} ${version}`;
}

function binaryKey({ name, version, architecture }: BinaryKey): string {
  return `${name} ${version} ${architecture}`;
}

function distinct(named: readonly { readonly name: string }[]): string[] {
  return [...new Set(named.map(({ name }) => name))];
}

function add<T extends { readonly name: string }>(lists: Map<string, T[]>, each: T): void {
  const list = lists.get(each.name);
  if (list === undefined) lists.set(each.name, [each]);
  else list.push(each);
}
