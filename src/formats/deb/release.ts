/** `Release`: what a suite is and the hashes of its indexes. Debian's RepositoryFormat; apt-secure(8). */
import { SheafError } from '../../kit/error.ts';
import type { Sha256 } from '../../kit/digest.ts';
import { stripClearsign } from './clearsign.ts';
import { formatReleaseDate, parseDate } from './date.ts';
import { field, findField, formatStanza, parseStanza, requireField, type Stanza } from './deb822.ts';
import { badField, shown, splitWords } from './words.ts';

export type Release = {
  readonly origin: string | undefined;
  readonly label: string | undefined;
  readonly suite: string | undefined;
  readonly codename: string | undefined;
  readonly version: string | undefined;
  readonly description: string | undefined;
  readonly date: Date;
  /** apt refuses the file after this. */
  readonly validUntil: Date | undefined;
  readonly architectures: readonly string[];
  readonly components: readonly string[];
  readonly acquireByHash: boolean;
  /** `https://host/path/@SNAPSHOTID@/`: where `apt --snapshot` looks (apt ≥ 2.7). */
  readonly snapshots: string | undefined;
  readonly files: readonly ReleaseFile[];
};

/** `path` is relative to the directory of the Release file; never absolute, never with `..`. */
export type ReleaseFile = { readonly path: string; readonly size: number; readonly sha256: Sha256 };

/** What `formatRelease` may be given less of: absent texts leave their fields away. */
export type NewRelease = Pick<Release, 'date' | 'architectures' | 'components'> &
  Partial<{ readonly [K in Exclude<keyof Release, 'files'>]: Release[K] | undefined }> & {
    readonly files: readonly { readonly path: string; readonly size: number; readonly sha256: string }[];
    /** More fields, placed before the hashes. */
    readonly extra?: readonly (readonly [string, string])[];
  };

const mostFiles = 200_000;

/** The text of a Release file, its files sorted by path. Dates are cut to seconds. */
export function formatRelease(release: NewRelease): string {
  const files = [...release.files].toSorted((a, b) => (a.path < b.path ? -1 : 1));
  const width = Math.max(1, ...files.map((each) => String(each.size).length));
  const fields: (readonly [string, string | undefined])[] = [
    ['Origin', release.origin],
    ['Label', release.label],
    ['Suite', release.suite],
    ['Version', release.version],
    ['Codename', release.codename],
    ['Date', formatReleaseDate(release.date)],
    ['Valid-Until', release.validUntil && formatReleaseDate(release.validUntil)],
    ['Acquire-By-Hash', release.acquireByHash === true ? 'yes' : undefined],
    ['Snapshots', release.snapshots],
    ['Architectures', release.architectures.join(' ')],
    ['Components', release.components.join(' ')],
    ['Description', release.description],
    ...(release.extra ?? []),
    ['SHA256', files.map((each) => `\n${each.sha256} ${String(each.size).padStart(width)} ${each.path}`).join('')],
  ];
  return formatStanza(fields.filter((each): each is [string, string] => each[1] !== undefined));
}

/**
 * Reads a Release or InRelease file (whose signature somebody else verifies). Throws `bad-control-file`,
 * `missing-field`, `bad-field` or `bad-armor` with file and line; a file without SHA-256 hashes is refused.
 */
export function parseRelease(text: string, file = 'Release'): Release & { readonly stanza: Stanza } {
  const signed = stripClearsign(text, file);
  const stanza = parseStanza(signed.text, file, signed.firstLine);
  return {
    origin: field(stanza, 'Origin'),
    label: field(stanza, 'Label'),
    suite: field(stanza, 'Suite'),
    codename: field(stanza, 'Codename'),
    version: field(stanza, 'Version'),
    description: field(stanza, 'Description'),
    date: requireDate(stanza, 'Date', file),
    validUntil: field(stanza, 'Valid-Until') === undefined ? undefined : requireDate(stanza, 'Valid-Until', file),
    architectures: splitWords(field(stanza, 'Architectures') ?? ''),
    components: splitWords(field(stanza, 'Components') ?? ''),
    acquireByHash: field(stanza, 'Acquire-By-Hash')?.toLowerCase() === 'yes',
    snapshots: field(stanza, 'Snapshots'),
    files: parseReleaseFiles(stanza, file),
    stanza,
  };
}

function requireDate(stanza: Stanza, name: string, file: string): Date {
  const text = requireField(stanza, name, file);
  const date = parseDate(text);
  if (date === undefined) throw badField(stanza, name, file, `${shown(text)} is not a date`);
  return date;
}

function parseReleaseFiles(stanza: Stanza, file: string): ReleaseFile[] {
  const list = findField(stanza, 'SHA256');
  if (list === undefined) {
    const place = { file, line: stanza.fields[0]!.line };
    throw new SheafError('missing-field', `Cannot read ${file}: it has no SHA256 hashes`, { place });
  }
  const lines = list.value.trim() === '' ? [] : list.value.trim().split('\n');
  if (lines.length > mostFiles) throw badField(stanza, 'SHA256', file, `more than ${mostFiles} files are listed`);
  const seen = new Set<string>();
  return lines.map((line) => {
    const match = /^([0-9a-f]{64})\s+(\d{1,15})\s+(\S+)$/.exec(line.trim());
    if (match === null) throw badField(stanza, 'SHA256', file, `${shown(line)} is not "hash size path"`);
    const path = match[3]!;
    if (!isSafePath(path)) throw badField(stanza, 'SHA256', file, `${shown(path)} leaves the directory`);
    if (seen.has(path)) throw badField(stanza, 'SHA256', file, `${shown(path)} is listed twice`);
    seen.add(path);
    return { path, size: Number(match[2]), sha256: match[1] as Sha256 };
  });
}

function isSafePath(path: string): boolean {
  return path.length <= 1024 && path.split('/').every((part) => part !== '' && part !== '.' && part !== '..');
}
