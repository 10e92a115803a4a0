/** debian/control of a source package: one stanza for the source, one for each binary package. Debian Policy 5.2. */
import { SheafError } from '../../kit/error.ts';
import { field, parseStanzas, requireField, type Stanza } from './deb822.ts';
import { checkPackageName, splitWords } from './words.ts';

export type SourceControl = {
  readonly source: Stanza;
  readonly name: string;
  /** Relation fields as written (see relation.ts), empty when absent. */
  readonly buildDepends: string;
  readonly buildDependsIndep: string;
  readonly buildDependsArch: string;
  readonly buildConflicts: string;
  readonly buildConflictsIndep: string;
  readonly buildConflictsArch: string;
  readonly binaries: readonly BinaryControl[];
};

export type BinaryControl = {
  readonly name: string;
  /** `any`, `all`, architectures and wildcards, as written. */
  readonly architecture: readonly string[];
  readonly stanza: Stanza;
};

/** Throws `bad-control-file` or `missing-field` with file and line. */
export function parseSourceControl(text: string, file = 'debian/control'): SourceControl {
  const [source, ...rest] = parseStanzas(text, file);
  if (source === undefined) throw bad(file, 1, 'it has no stanza');
  const name = checkPackageName(requireField(source, 'Source', file), 'Source', source, file);
  if (rest.length === 0) throw bad(file, source.fields[0]!.line, 'it names no binary package');
  const seen = new Set<string>();
  const binaries = rest.map((stanza): BinaryControl => {
    const binary = checkPackageName(requireField(stanza, 'Package', file), 'Package', stanza, file);
    if (seen.has(binary)) throw bad(file, stanza.fields[0]!.line, `the package "${binary}" stands twice`);
    seen.add(binary);
    return { name: binary, architecture: splitWords(requireField(stanza, 'Architecture', file)), stanza };
  });
  return {
    source,
    name,
    buildDepends: field(source, 'Build-Depends') ?? '',
    buildDependsIndep: field(source, 'Build-Depends-Indep') ?? '',
    buildDependsArch: field(source, 'Build-Depends-Arch') ?? '',
    buildConflicts: field(source, 'Build-Conflicts') ?? '',
    buildConflictsIndep: field(source, 'Build-Conflicts-Indep') ?? '',
    buildConflictsArch: field(source, 'Build-Conflicts-Arch') ?? '',
    binaries,
  };
}

function bad(file: string, line: number, state: string): SheafError {
  return new SheafError('bad-control-file', `Cannot read ${file}: ${state}`, { place: { file, line } });
}
