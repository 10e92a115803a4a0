/** What is to be rebuilt: the published files of one source package, and the files of that source. */
import { compareVersions } from '../formats/deb/version.ts';
import { field, parseStanza } from '../formats/deb/deb822.ts';
import { parseFiles } from '../formats/deb/files.ts';
import { readEntry } from '../formats/deb/index-entry.ts';
import { entriesAt, locate, readStanza, whereWas, type HistoryDeps, type Sighting } from '../history/mod.ts';
import { isSha256, type Sha256 } from '../kit/digest.ts';
import { SheafError } from '../kit/error.ts';
import type { Distribution } from '../model/distribution.ts';
import { formatSuiteRef, type PackageEntry, type SuiteRef } from '../model/index-history.ts';
import type { InputFile } from '../model/job.ts';
import { isPackageName, isVersion, type Architecture, type PackageName, type Version } from '../model/names.ts';
import type { Blobs } from '../plumbing/blobs.ts';
import type { Mirror } from '../sync/mod.ts';
import { fetchUpstreamFile } from './fetch-upstream-file.ts';

export type OriginalFile = {
  readonly name: PackageName;
  readonly version: Version;
  readonly architecture: Architecture;
  /** `hello_2.10-3_amd64.deb` */
  readonly file: string;
  readonly sha256: Sha256;
  readonly size: number;
};

export type Original = {
  readonly source: PackageName;
  /** Of the source package; a binary-only upload has another one. */
  readonly version: Version;
  readonly architecture: Architecture;
  /** Where the files are published; undefined for plain files. */
  readonly place: SuiteRef | undefined;
  /** Which of them are blobs here is not said. */
  readonly files: readonly OriginalFile[];
  /** The record of the first build, where there is one. */
  readonly buildinfo?: { readonly name: string; readonly text: string } | undefined;
};

export type OriginalDeps = {
  readonly history: Pick<HistoryDeps, 'db' | 'store' | 'countChanges'>;
  readonly distribution: Pick<Distribution, 'suites' | 'upstreams'>;
  readonly blobs: Blobs;
  readonly mirror: Mirror;
  readonly signal: AbortSignal;
};

/** `name`: of a source or a binary package; `version`: of either. Throws `unknown-place`, `nothing-to-rebuild`. */
export async function findPublished(
  { history, distribution }: Pick<OriginalDeps, 'history' | 'distribution'>,
  wanted: { readonly name: string; readonly version?: string | undefined; readonly from: string },
  architecture: Architecture,
): Promise<Original> {
  const ref = await locate({ db: history.db, distribution }, wanted.from);
  const find = async (source: string) =>
    (await entriesAt(history, ref, { kind: 'binary', source })).filter((each) => isOf(each, wanted.version));
  let entries = await find(wanted.name);
  if (entries.length === 0) {
    const [binary] = await entriesAt(history, ref, { kind: 'binary', name: wanted.name });
    if (binary !== undefined && binary.source !== wanted.name) entries = await find(binary.source);
  }
  const newest = entries
    .map(({ sourceVersion }) => sourceVersion)
    .toSorted(compareVersions)
    .at(-1);
  const built = entries.filter((each) => each.sourceVersion === newest && isFor(each, architecture));
  const files = await Promise.all(built.map((each) => toOriginalFile(history, each)));
  const [first] = built;
  if (first === undefined || !isPackageName(first.source) || !isVersion(first.sourceVersion)) {
    const what = wanted.version === undefined ? wanted.name : `${wanted.name} ${wanted.version}`;
    throw new SheafError(
      'nothing-to-rebuild',
      `Cannot rebuild ${what}: ${wanted.from} has no such package for ${architecture}`,
      {
        kind: 'usage',
        hint: `See where it is: sheaf package history ${wanted.name}`,
      },
    );
  }
  // One file may stand in the indexes of several architectures.
  const unique = [...new Map(files.map((each) => [each.file, each])).values()];
  return { source: first.source, version: first.sourceVersion, architecture, place: ref, files: unique };
}

function isOf({ version, sourceVersion }: PackageEntry, wanted: string | undefined): boolean {
  return wanted === undefined || version === wanted || sourceVersion === wanted;
}

function isFor(entry: PackageEntry, architecture: string): boolean {
  return entry.architecture === architecture || entry.architecture === 'all';
}

async function toOriginalFile({ store }: OriginalDeps['history'], entry: PackageEntry): Promise<OriginalFile> {
  const { name, version, architecture, sha256, size } = entry;
  const filename = await filenameOf(store, entry);
  if (!isSha256(sha256)) {
    throw new SheafError('no-sha256', `Cannot rebuild ${name} ${version}: its index gives no SHA-256`, {
      kind: 'usage',
      hint: 'Name its .deb file; nothing vouches for its bytes then.',
    });
  }
  const file = filename.slice(filename.lastIndexOf('/') + 1);
  return {
    // Names of an index are taken as broader than Policy's; what is not such is found out when it is built.
    ...{ name: name as PackageName, version: version as Version, architecture: architecture as Architecture },
    ...{ file, sha256, size },
  };
}

async function filenameOf(store: HistoryDeps['store'], entry: PackageEntry): Promise<string> {
  const stanza = await readStanza(store, entry.piece!);
  return readEntry(new TextEncoder().encode(stanza), 'binary')?.filename ?? `${entry.name}.deb`;
}

/** Where this very file is or was published, the newest first. */
export async function placesOf({ db }: Pick<HistoryDeps, 'db'>, sha256: Sha256): Promise<readonly Sighting[]> {
  return whereWas(db, { sha256, kind: 'binary' });
}

/**
 * The files of a source package, or those that are wanted, as blobs, the .dsc first: ours, or fetched from an upstream
 * whose indexes list them. Throws `no-source` when no index does, and what fetching throws.
 */
export async function fetchSource(
  deps: OriginalDeps,
  { source, version }: Pick<Original, 'source' | 'version'>,
  isWanted: (name: string) => boolean = () => true,
): Promise<InputFile[]> {
  const { history, distribution, blobs, mirror, signal } = deps;
  const found = await whereWas(history.db, { name: source, version, kind: 'source' });
  const sightings = found.filter(({ entry }) => entry.piece !== undefined);
  let failure: unknown;
  for (const { origin, entry } of sightings) {
    const stanza = parseStanza(await readStanza(history.store, entry.piece!), `Sources: ${source} ${version}`);
    const directory = field(stanza, 'Directory') ?? '';
    const files = parseFiles(stanza, `Sources: ${source} ${version}`).filter(({ name }) => isWanted(name));
    const upstream = [...distribution.upstreams.values()].find(({ name }) => name === origin);
    try {
      for (const { name, sha256, size } of files) {
        if ((await blobs.info(sha256)) !== undefined) continue;
        if (upstream === undefined) throw gone(name, origin);
        await fetchUpstreamFile(
          { mirror, blobs },
          upstream,
          { filename: `${directory}/${name}`, sha256, size },
          { signal },
        );
      }
      return files.toSorted((a, b) => Number(b.name.endsWith('.dsc')) - Number(a.name.endsWith('.dsc')));
    } catch (error) {
      signal.throwIfAborted();
      failure ??= error;
    }
  }
  throw failure ?? noSource(source, version);
}

function gone(name: string, origin: string): SheafError {
  return new SheafError('file-missing', `Cannot read ${name}: it is not among the kept files`, {
    ...(origin === '' ? {} : { hint: `sheaf.toml does not say any more where upstream ${origin} is.` }),
  });
}

function noSource(source: string, version: string): SheafError {
  return new SheafError('no-source', `Cannot rebuild ${source} ${version}: no Sources index that is kept lists it`, {
    hint: 'Follow the upstream with its sources (sheaf upstream add, without --no-sources), or put the .dsc and its files beside the package.',
  });
}

/** The published files themselves as blobs, for a look into them. Throws what fetching throws. */
export async function fetchOriginals(deps: OriginalDeps, { files, place }: Original): Promise<void> {
  const { history, distribution, blobs, mirror, signal } = deps;
  const upstream = [...distribution.upstreams.values()].find(({ name }) => name === place?.origin);
  for (const { name, sha256, size, file } of files) {
    if ((await blobs.info(sha256))?.size === size) continue;
    if (place === undefined || upstream === undefined) throw gone(file, place?.origin ?? '');
    const sightings = await whereWas(history.db, { sha256, name, kind: 'binary', origin: place.origin });
    const entry = sightings.find((each) => each.entry.piece !== undefined)?.entry;
    if (entry === undefined) throw gone(file, place.origin);
    const filename = await filenameOf(history.store, entry);
    await fetchUpstreamFile({ mirror, blobs }, upstream, { filename, sha256, size }, { signal });
  }
}

export function formatPlace(place: SuiteRef | undefined): string | undefined {
  return place === undefined ? undefined : formatSuiteRef(place);
}
