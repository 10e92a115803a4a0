/**
 * pdiffs: how an index comes from an older one by `ed` scripts. Debian's RepositoryFormat, "diffs of indices": a file
 * `Packages.diff/Index` lists what the index was (`History`), which patch leads on from there (`Patches`), and the
 * compressed files to fetch (`Download`). Either each patch leads to the next version, or each leads at once to the
 * current one (`X-Patch-Precedence: merged`).
 */
import type { Sha256 } from '../../kit/digest.ts';
import { field, findField, formatStanza, parseStanza, requireField, type Stanza } from './deb822.ts';
import { isSafeFileName } from './files.ts';
import { badField, shown, splitWords } from './words.ts';

export type HashedSize = { readonly sha256: Sha256; readonly size: number };

export type PdiffPatch = HashedSize & {
  /** Of the patch, without the ending of its compression. */
  readonly name: string;
  /** The index that the patch applies to. */
  readonly from: HashedSize;
  /** The file in the folder of the Index that has it, where the Index tells its hash: newer archives do. */
  readonly download: (HashedSize & { readonly name: string }) | undefined;
};

export type PdiffChain = {
  readonly current: HashedSize;
  /** Each patch leads to `current`; otherwise to what the next one applies to. */
  readonly merged: boolean;
  /** Oldest first. */
  readonly patches: readonly PdiffPatch[];
};

export type PdiffIndex = PdiffChain & {
  /** Beside merged patches: the same history with one patch for each version. */
  readonly unmerged: PdiffChain | undefined;
  /** Where the index is, relative to the archive; only text. */
  readonly canonicalPath: string | undefined;
};

/** One patch to fetch and to apply, and what must come out. */
export type PdiffStep = HashedSize & {
  readonly name: string;
  readonly downloadName: string;
  readonly downloadSha256: Sha256 | undefined;
  readonly downloadSize: number | undefined;
  readonly result: HashedSize;
};

const mostPatches = 10_000;

/**
 * Reads an Index; one without SHA-256 is refused. Throws `bad-control-file`, `missing-field` or `bad-field` with file and
 * line.
 */
export function parsePdiffIndex(text: string, file = 'Index'): PdiffIndex {
  const stanza = parseStanza(text, file);
  const value = requireField(stanza, 'SHA256-Current', file);
  const [{ sha256, size }] = readLines(stanza, 'SHA256-Current', file, value, 2) as [Line];
  const current = { sha256, size };
  const merged = field(stanza, 'X-Patch-Precedence') === 'merged';
  const hasUnmerged = merged && findField(stanza, 'X-Unmerged-SHA256-History') !== undefined;
  return {
    current,
    merged,
    patches: readPatches(stanza, '', file),
    unmerged: hasUnmerged ? { current, merged: false, patches: readPatches(stanza, 'X-Unmerged-', file) } : undefined,
    canonicalPath: field(stanza, 'Canonical-Path') ?? field(stanza, 'Canonical-Name'),
  };
}

/** A patch whose file has the patch's name and `.gz`: apt reads no others. */
export type NewPdiffPatch = Omit<PdiffPatch, 'download'> & { readonly download: HashedSize };

/**
 * An Index of patches of which each leads to what the next one applies to. apt applies them in the order of their names,
 * so these must be in the order of the history.
 */
export function formatPdiffIndex(current: HashedSize, patches: readonly NewPdiffPatch[]): string {
  const line = ({ sha256, size }: HashedSize, name: string) => `\n${sha256} ${size} ${name}`;
  return formatStanza([
    ['SHA256-Current', `${current.sha256} ${current.size}`],
    ['SHA256-History', patches.map(({ name, from }) => line(from, name)).join('')],
    ['SHA256-Patches', patches.map((patch) => line(patch, patch.name)).join('')],
    ['SHA256-Download', patches.map(({ name, download }) => line(download, `${name}.gz`)).join('')],
  ]);
}

/**
 * The patches that lead from what one has to the current index, in their order; none when it is that already; undefined
 * when the history does not know it.
 */
export function planPatches({ current, merged, patches }: PdiffChain, have: string): PdiffStep[] | undefined {
  if (have === current.sha256) return [];
  const start = patches.findIndex(({ from }) => from.sha256 === have);
  if (start === -1) return undefined;
  const way = merged ? patches.slice(start, start + 1) : patches.slice(start);
  return way.map(({ name, sha256, size, download }, index) => ({
    name,
    sha256,
    size,
    // The Index of older archives does not name them; they have always been gzip.
    downloadName: download?.name ?? `${name}.gz`,
    downloadSha256: download?.sha256,
    downloadSize: download?.size,
    result: way[index + 1]?.from ?? current,
  }));
}

/** Patches in the order of the history, with what the other two lists say of the same name. */
function readPatches(stanza: Stanza, prefix: string, file: string): PdiffPatch[] {
  const list = (name: string) => readLines(stanza, name, file, field(stanza, name) ?? '', 3);
  const history = list(`${prefix}SHA256-History`);
  const name = `${prefix}SHA256-Patches`;
  const patches = new Map(list(name).map((each) => [each.name, each]));
  const downloads = new Map(list(`${prefix}SHA256-Download`).map((each) => [withoutEnding(each.name), each]));
  if (patches.size !== history.length) {
    throw badField(stanza, name, file, `it lists ${patches.size} patches, and the history ${history.length}`);
  }
  return history.map((from) => {
    const patch = patches.get(from.name);
    if (patch === undefined) throw badField(stanza, name, file, `the patch ${shown(from.name)} is missing`);
    return { ...patch, from: { sha256: from.sha256, size: from.size }, download: downloads.get(from.name) };
  });
}

type Line = HashedSize & { readonly name: string };

/** `hash size name` a line, each name once; `hash size` where there are two columns. */
function readLines(stanza: Stanza, name: string, file: string, value: string, columns: 2 | 3): Line[] {
  const lines = value === '' ? [] : value.split('\n');
  if (lines.length > mostPatches) throw badField(stanza, name, file, `more than ${mostPatches} lines`);
  if (columns === 2 && lines.length !== 1) throw badField(stanza, name, file, 'it is not one line');
  const seen = new Set<string>();
  return lines.map((line) => {
    const [sha256 = '', size = '', patch = '', ...rest] = splitWords(line);
    if (
      !/^[0-9a-f]{64}$/.test(sha256) ||
      !/^\d{1,15}$/.test(size) ||
      rest.length > 0 ||
      (columns === 2) !== (patch === '')
    ) {
      throw badField(stanza, name, file, `${shown(line)} is not "hash size${columns === 2 ? '' : ' name'}"`);
    }
    if (columns === 3 && !isSafeFileName(patch)) {
      throw badField(stanza, name, file, `${shown(patch)} is not a plain file name`);
    }
    if (seen.has(patch)) throw badField(stanza, name, file, `${shown(patch)} is listed twice`);
    seen.add(patch);
    return { sha256: sha256 as Sha256, size: Number(size), name: patch };
  });
}

function withoutEnding(name: string): string {
  return name.replace(/\.(?:gz|xz|zst|bz2)$/, '');
}
