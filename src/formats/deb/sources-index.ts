/**
 * The stanzas of a `Sources` index as typed values, at the speed of a whole suite. Debian's RepositoryFormat, Policy 5.4.
 *
 * Tolerated is what packages-index.ts tolerates, and `Files` alone (MD5) where an archive has no stronger hashes.
 */
import { fieldNumber, IndexFields } from './index-fields.ts';
import { readIndex, type ReadIndexOptions } from './index-read.ts';
import { readDirectory, readName, readSourceFiles, readVersion, readWords, type IndexedFile } from './index-values.ts';

/** Texts are trimmed and unfolded as deb822.ts does it, and empty where the field is absent. */
export type IndexedSource = {
  /** Where its piece lies in the index, in bytes. */
  readonly start: number;
  readonly end: number;
  readonly name: string;
  readonly version: string;
  /** Names of the binary packages that it builds. */
  readonly binaries: readonly string[];
  /** Architectures and wildcards. */
  readonly architectures: readonly string[];
  readonly format: string;
  readonly maintainer: string;
  readonly uploaders: string;
  readonly section: string;
  readonly priority: string;
  readonly standardsVersion: string;
  readonly homepage: string;
  readonly vcsBrowser: string;
  readonly vcsGit: string;
  readonly testsuite: string;
  readonly packageList: string;
  /** Relations as text, for parseRelations. */
  readonly buildDepends: string;
  readonly buildDependsIndep: string;
  readonly buildDependsArch: string;
  readonly buildConflicts: string;
  readonly buildConflictsIndep: string;
  readonly buildConflictsArch: string;
  /** Relative to the archive's root, never outside of it; undefined where the index does not say it. */
  readonly directory: string | undefined;
  /** Each a plain name in `directory`; the `.dsc` is one of them. */
  readonly files: readonly IndexedFile[];
  /** Name and value of every other field, in their order. */
  readonly others: readonly (readonly [string, string])[];
};

const n = fieldNumber;

/**
 * Reads stanza by stanza, as the caller asks for them. Throws `bad-control-file`, `missing-field` or `bad-field` with
 * file and line.
 */
export function readSourcesIndex(
  bytes: Uint8Array,
  file = 'Sources',
  options: ReadIndexOptions = {},
): Generator<IndexedSource, void, undefined> {
  return readIndex(bytes, new IndexFields(file), options, toSource);
}

function toSource(fields: IndexFields, start: number, end: number): IndexedSource {
  return {
    start,
    end,
    name: readName(fields),
    version: readVersion(fields),
    binaries: readWords(fields, n.Binary),
    architectures: readWords(fields, n.Architecture),
    format: fields.value(n.Format),
    maintainer: fields.value(n.Maintainer),
    uploaders: fields.value(n.Uploaders),
    section: fields.value(n.Section),
    priority: fields.value(n.Priority),
    standardsVersion: fields.value(n['Standards-Version']),
    homepage: fields.value(n.Homepage),
    vcsBrowser: fields.value(n['Vcs-Browser']),
    vcsGit: fields.value(n['Vcs-Git']),
    testsuite: fields.value(n.Testsuite),
    packageList: fields.value(n['Package-List']),
    buildDepends: fields.value(n['Build-Depends']),
    buildDependsIndep: fields.value(n['Build-Depends-Indep']),
    buildDependsArch: fields.value(n['Build-Depends-Arch']),
    buildConflicts: fields.value(n['Build-Conflicts']),
    buildConflictsIndep: fields.value(n['Build-Conflicts-Indep']),
    buildConflictsArch: fields.value(n['Build-Conflicts-Arch']),
    directory: readDirectory(fields),
    files: readSourceFiles(fields),
    others: fields.others(),
  };
}
