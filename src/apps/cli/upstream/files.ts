/** The files of an upstream's packages: listed, fetched by their hash, put into a folder. */
import { basename, join, resolve } from 'node:path';

import { fetchUpstreamFile, type UpstreamFile } from '../../../flows/fetch-upstream-file.ts';
import { field, parseStanza } from '../../../formats/deb/deb822.ts';
import { parseFiles } from '../../../formats/deb/files.ts';
import { readEntry } from '../../../formats/deb/index-entry.ts';
import { entriesAt, locate } from '../../../history/mod.ts';
import { formatSize } from '../../../kit/bytes.ts';
import { isSha256 } from '../../../kit/digest.ts';
import { SheafError } from '../../../kit/error.ts';
import { matchesAnyGlob } from '../../../kit/glob.ts';
import type { Upstream } from '../../../model/distribution.ts';
import { formatSnapshotRef, type PackageEntry, type SnapshotRef } from '../../../model/index-history.ts';
import { treeFiles } from '../../../plumbing/tree-files.ts';
import type { House } from '../../house.ts';
import { clean } from '../clean.ts';
import { interruptible } from '../interrupt.ts';
import { startProgress } from '../progress.ts';
import { shellWord } from '../shell-word.ts';
import { style } from '../style.ts';
import { formatTable, text } from '../table.ts';
import { findUpstream } from './find.ts';
import { count } from './words.ts';

export type FilesOptions = {
  readonly suite?: string | undefined;
  readonly at?: string | undefined;
  readonly arch?: string | undefined;
  readonly source?: true | undefined;
  readonly fetch?: true | undefined;
  readonly output?: string | undefined;
  readonly json: boolean;
};

export type PackageFile = {
  readonly package: string;
  readonly version: string;
  readonly architecture: string;
  /** Relative to the archive's root. */
  readonly filename: string;
  readonly size: number;
  /** Empty where the index gives none: such a file is never fetched. */
  readonly sha256: string;
  /** Whether it is kept here. */
  readonly here: boolean;
};

export type FilesDocument = {
  readonly place: string;
  readonly files: readonly PackageFile[];
  /** How many were fetched now, and their bytes. */
  readonly fetched: number;
  readonly bytes: number;
  /** Folder that the files were put into. */
  readonly output?: string;
  readonly problems: readonly { readonly filename: string; readonly code: string; readonly message: string }[];
};

type FilesHouse = Pick<House, 'db' | 'distribution' | 'history' | 'blobs' | 'follow'>;

/** Throws `unknown-upstream`, `unknown-place`, `which-suite`, `no-such-package`. */
export async function listFiles(
  house: FilesHouse,
  name: string,
  patterns: readonly string[],
  options: FilesOptions,
): Promise<FilesDocument> {
  const upstream = findUpstream(house, name);
  const ref = await locate(house, placeOf(upstream, options));
  if (ref.origin !== name) {
    throw new SheafError('unknown-place', `Cannot list files of ${name} at "${options.at}": that is another place`, {
      kind: 'usage',
    });
  }
  const entries = await findEntries(house, ref, patterns, options);
  const files = await filesOf(house, entries);
  const place = formatSnapshotRef(ref);
  if (files.length === 0 && patterns.length > 0) throw noSuchPackage(patterns, place, options);
  const problems: FilesDocument['problems'][number][] = [];
  const fetched =
    options.fetch === true ? await fetchFiles(house, upstream, files, { json: options.json, problems }) : [];
  const now = files.map((file) => (fetched.includes(file) ? { ...file, here: true } : file));
  if (options.output !== undefined) await putInto(house, resolve(options.output), now, problems);
  return {
    ...{ place, files: now, fetched: fetched.length, problems },
    bytes: fetched.reduce((sum, { size }) => sum + size, 0),
    ...(options.output === undefined ? {} : { output: resolve(options.output) }),
  };
}

function noSuchPackage(patterns: readonly string[], place: string, { source, arch }: FilesOptions): SheafError {
  const kind = source === true ? 'source package' : arch === undefined ? 'package' : `package of ${arch}`;
  const name = patterns.find((pattern) => !pattern.includes('*'));
  return new SheafError(
    'no-such-package',
    `Cannot find ${patterns.join(' ')} in ${place}: no ${kind} has such a name`,
    {
      kind: 'usage',
      hint:
        name === undefined
          ? 'A pattern is of the whole name: "*hello*" is one that has hello in it.'
          : `Where it is: sheaf package history ${shellWord(name)}`,
    },
  );
}

/** `--at` may leave out what is said elsewhere. */
function placeOf(upstream: Upstream, { suite, at }: FilesOptions): string {
  if (at?.includes('/') === true) return at;
  const chosen = suite ?? (upstream.suites.length === 1 ? upstream.suites[0] : undefined);
  if (chosen === undefined) {
    throw new SheafError('which-suite', `Cannot choose among the suites of ${upstream.name}: there are several`, {
      kind: 'usage',
      hint: `Name one of them: --suite ${upstream.suites.join(' or ')}`,
    });
  }
  return `${upstream.name}/${chosen}${at === undefined ? '' : `@${at.replace(/^@/, '')}`}`;
}

async function findEntries(
  { history }: FilesHouse,
  ref: SnapshotRef,
  patterns: readonly string[],
  { source, arch }: FilesOptions,
): Promise<PackageEntry[]> {
  const filter = {
    kind: source === true ? ('source' as const) : ('binary' as const),
    ...(arch === undefined || source === true ? {} : { architecture: arch }),
  };
  // Names are looked up, patterns are looked for.
  const isName = patterns.length > 0 && patterns.every((pattern) => !pattern.includes('*'));
  const found = isName
    ? (await Promise.all([...new Set(patterns)].map((name) => entriesAt(history, ref, { ...filter, name })))).flat()
    : (await entriesAt(history, ref, filter)).filter(
        ({ name }) => patterns.length === 0 || matchesAnyGlob(patterns, name),
      );
  // `all` packages stand in the index of each architecture.
  const seen = new Set<number | undefined>();
  return found.filter(({ piece }) => !seen.has(piece) && seen.add(piece));
}

const batch = 2000;

async function filesOf({ history, blobs }: FilesHouse, entries: readonly PackageEntry[]): Promise<PackageFile[]> {
  const files = new Map<string, Omit<PackageFile, 'here'>>();
  for (let start = 0; start < entries.length; start += batch) {
    const part = entries.slice(start, start + batch);
    const stanzas = await history.store.readPieces(part.map(({ piece }) => piece!));
    part.forEach((entry, index) => {
      for (const file of filesIn(entry, stanzas[index]!)) {
        const about = { package: entry.name, version: entry.version, architecture: entry.architecture };
        files.set(`${file.filename} ${file.sha256}`, { ...about, ...file });
      }
    });
  }
  return Promise.all(
    [...files.values()].map(async (file) => ({
      ...file,
      here: isSha256(file.sha256) && (await blobs.info(file.sha256))?.size === file.size,
    })),
  );
}

function filesIn(entry: PackageEntry, stanza: Uint8Array) {
  if (entry.kind === 'binary') {
    const filename = readEntry(stanza, 'binary')?.filename;
    return filename === undefined ? [] : [{ filename, size: entry.size, sha256: entry.sha256 }];
  }
  const parsed = parseStanza(new TextDecoder().decode(stanza), `${entry.name} ${entry.version}`);
  const directory = field(parsed, 'Directory');
  return parseFiles(parsed, `${entry.name} ${entry.version}`).map(({ name, size, sha256 }) => ({
    ...{ filename: directory === undefined ? name : `${directory}/${name}`, size, sha256 },
  }));
}

const connections = 4;

type Fetching = { readonly json: boolean; readonly problems: FilesDocument['problems'][number][] };

/** Those that came. What cannot be fetched is a problem, and keeps no other from being fetched. */
async function fetchFiles(
  house: FilesHouse,
  upstream: Upstream,
  files: readonly PackageFile[],
  { json, problems }: Fetching,
): Promise<PackageFile[]> {
  const missing = files.filter(({ here }) => !here);
  const total = missing.reduce((sum, { size }) => sum + size, 0);
  const queue = [...missing];
  const fetched: PackageFile[] = [];
  let done = 0;
  const progress = startProgress({ json, unit: 'bytes' });
  const show = (bytes: number) => {
    done += bytes;
    progress.at(`${count(missing.length, 'file')} from ${upstream.name}`, done, total);
  };
  async function work(signal: AbortSignal): Promise<void> {
    for (let file = queue.shift(); file !== undefined; file = queue.shift()) {
      let came = 0;
      const onBytes = (bytes: number) => {
        came += bytes;
        show(bytes);
      };
      try {
        await fetchUpstreamFile({ mirror: house.follow.mirror, blobs: house.blobs }, upstream, toFetch(file), {
          signal,
          onBytes,
        });
        fetched.push(file);
      } catch (error) {
        if (!(error instanceof SheafError) || error.code === 'aborted') throw error;
        problems.push({ filename: file.filename, code: error.code, message: error.message });
      }
      show(file.size - came);
    }
  }
  try {
    await interruptible((signal) => Promise.all(Array.from({ length: connections }, () => work(signal))));
  } finally {
    progress.end();
  }
  return fetched;
}

function toFetch({ filename, sha256, size }: PackageFile): UpstreamFile {
  if (isSha256(sha256)) return { filename, sha256, size };
  throw new SheafError('no-sha256', `Cannot fetch ${filename}: its index gives no SHA-256`);
}

async function putInto(
  { blobs }: FilesHouse,
  directory: string,
  files: readonly PackageFile[],
  problems: FilesDocument['problems'][number][],
): Promise<void> {
  await treeFiles.makeDirectory(directory);
  for (const { filename, sha256, here } of files) {
    const name = basename(filename);
    if (!here || !isSha256(sha256) || name === '' || name === '.' || name === '..') continue;
    try {
      await treeFiles.copy(await blobs.bring(sha256), join(directory, name));
    } catch (error) {
      if (!(error instanceof SheafError)) throw error;
      const message = `Cannot put ${name} into ${directory}: another file of this name is there`;
      problems.push({ filename, code: error.code, message });
    }
  }
}

export function formatFiles({ place, files, fetched, bytes, output, problems }: FilesDocument): string[] {
  if (files.length === 0) return [`${place} has no such packages.`];
  const size = files.reduce((sum, each) => sum + each.size, 0);
  const here = files.filter((file) => file.here).length;
  return [
    ...formatTable(files, [
      text('package', (row) => row.package),
      text('version', (row) => row.version),
      text('architecture', (row) => row.architecture),
      text('size', (row) => formatSize(row.size)),
      text('here', (row) => (row.here ? 'yes' : 'no')),
      text('sha256', (row) => row.sha256),
      text('file', (row) => row.filename),
    ]),
    '',
    `${count(files.length, 'file')} of ${place}, ${formatSize(size)}; ${here} here${
      fetched === 0 ? '' : `, ${fetched} of them fetched now (${formatSize(bytes)})`
    }.`,
    ...(output === undefined ? [] : [`Those that are here are in ${output}.`]),
    ...problems.map(({ message }) => style('red', clean(message))),
  ];
}
