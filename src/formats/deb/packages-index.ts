/**
 * The stanzas of a `Packages` index as typed values, at the speed of a whole suite. Debian's RepositoryFormat, Policy 5.3.
 *
 * Tolerated, since archives of all ages have it: bytes that are not UTF-8 in prose (read as Latin-1), absent Filename,
 * Size and hashes, names with capitals, values of Section, Priority or Multi-Arch that nobody knows, blank lines too
 * many, comments. The bytes of a stanza are always at its `start` and `end`.
 */
import { fieldNumber, IndexFields } from './index-fields.ts';
import { readIndex, type ReadIndexOptions } from './index-read.ts';
import {
  readArchitecture,
  readFilename,
  readName,
  readNumber,
  readSha256,
  readSize,
  readSource,
  readVersion,
} from './index-values.ts';

/** Texts are trimmed and unfolded as deb822.ts does it, and empty where the field is absent. */
export type IndexedPackage = {
  /** Where its piece lies in the index, in bytes. */
  readonly start: number;
  readonly end: number;
  readonly name: string;
  readonly version: string;
  readonly architecture: string;
  /** The source package it was built from. */
  readonly source: string;
  readonly sourceVersion: string;
  readonly maintainer: string;
  readonly section: string;
  readonly priority: string;
  readonly essential: boolean;
  /** `same`, `foreign`, `allowed`, `no` or empty. */
  readonly multiArch: string;
  /** In KiB; undefined where the field is absent or not a number. */
  readonly installedSize: number | undefined;
  /** Relations as text, for parseRelations. */
  readonly preDepends: string;
  readonly depends: string;
  readonly recommends: string;
  readonly suggests: string;
  readonly enhances: string;
  readonly breaks: string;
  readonly conflicts: string;
  readonly provides: string;
  readonly replaces: string;
  readonly builtUsing: string;
  /** The first line is the synopsis; a whole index has only that, the rest is in Translation. */
  readonly description: string;
  readonly descriptionMd5: string;
  readonly homepage: string;
  readonly tag: string;
  /** Relative to the archive's root, never outside of it; undefined where the index does not say it. */
  readonly filename: string | undefined;
  /** 0 where the index does not say it. */
  readonly size: number;
  /** In lower case; empty where the index has none. */
  readonly sha256: string;
  readonly md5sum: string;
  /** Name and value of every other field, in their order. */
  readonly others: readonly (readonly [string, string])[];
};

const n = fieldNumber;

/**
 * Reads stanza by stanza, as the caller asks for them. Throws `bad-control-file`, `missing-field` or `bad-field` with
 * file and line.
 */
export function readPackagesIndex(
  bytes: Uint8Array,
  file = 'Packages',
  options: ReadIndexOptions = {},
): Generator<IndexedPackage, void, undefined> {
  return readIndex(bytes, new IndexFields(file), options, toPackage);
}

function toPackage(fields: IndexFields, start: number, end: number): IndexedPackage {
  const name = readName(fields);
  const version = readVersion(fields);
  const source = readSource(fields, name, version);
  return {
    start,
    end,
    name,
    version,
    architecture: readArchitecture(fields),
    source: source.name,
    sourceVersion: source.version,
    maintainer: fields.value(n.Maintainer),
    section: fields.value(n.Section),
    priority: fields.value(n.Priority),
    essential: fields.value(n.Essential) === 'yes',
    multiArch: fields.value(n['Multi-Arch']),
    installedSize: readNumber(fields, n['Installed-Size']),
    preDepends: fields.value(n['Pre-Depends']),
    depends: fields.value(n.Depends),
    recommends: fields.value(n.Recommends),
    suggests: fields.value(n.Suggests),
    enhances: fields.value(n.Enhances),
    breaks: fields.value(n.Breaks),
    conflicts: fields.value(n.Conflicts),
    provides: fields.value(n.Provides),
    replaces: fields.value(n.Replaces),
    builtUsing: fields.value(n['Built-Using']),
    description: fields.value(n.Description),
    descriptionMd5: fields.value(n['Description-md5']),
    homepage: fields.value(n.Homepage),
    tag: fields.value(n.Tag),
    filename: readFilename(fields),
    size: readSize(fields),
    sha256: readSha256(fields),
    md5sum: fields.value(n.MD5sum),
    others: fields.others(),
  };
}
