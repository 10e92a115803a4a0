/** `.changes`: the description of an upload. deb-changes(5), Debian Policy 5.5. */
import { field, parseStanza, requireField, type Stanza } from './deb822.ts';
import { stripClearsign } from './clearsign.ts';
import { checkFilesList, parseFiles, type ListedFile } from './files.ts';
import { requireSource, requireVersion, splitList, splitWords } from './words.ts';

export type ChangesFile = ListedFile & {
  /** As in `Files`: `-` for files that are not packages; `contrib/admin` names its component. */
  readonly section: string;
  readonly priority: string;
};

export type Changes = {
  readonly source: string;
  /** Of the binaries; of the source too unless `sourceVersion` differs (a binNMU). */
  readonly version: string;
  readonly sourceVersion: string;
  readonly distributions: readonly string[];
  readonly architectures: readonly string[];
  /** Binary packages of this upload; empty for one of source only. */
  readonly binaries: readonly string[];
  /** Lower case; `unknown` when absent. */
  readonly urgency: string;
  readonly maintainer: string;
  readonly changedBy: string | undefined;
  readonly date: string;
  readonly changes: string;
  /** Bug numbers as written. */
  readonly closes: readonly string[];
  readonly files: readonly ChangesFile[];
  readonly stanza: Stanza;
};

/** Throws `bad-control-file`, `missing-field`, `bad-field` or `bad-armor` with file and line. */
export function parseChanges(text: string, file = '.changes'): Changes {
  const signed = stripClearsign(text, file);
  const stanza = parseStanza(signed.text, file, signed.firstLine);
  const { name, version: sourceVersion } = requireSource(stanza, file);
  const version = requireVersion(stanza, file);
  return {
    source: name,
    version,
    sourceVersion: sourceVersion ?? version,
    distributions: splitWords(requireField(stanza, 'Distribution', file)),
    architectures: splitWords(requireField(stanza, 'Architecture', file)),
    binaries: splitList(field(stanza, 'Binary') ?? ''),
    urgency: (field(stanza, 'Urgency') ?? 'unknown').split(/\s/)[0]!.toLowerCase(),
    maintainer: requireField(stanza, 'Maintainer', file),
    changedBy: field(stanza, 'Changed-By'),
    date: requireField(stanza, 'Date', file),
    changes: field(stanza, 'Changes') ?? '',
    closes: splitList(field(stanza, 'Closes') ?? ''),
    files: changesFiles(stanza, file),
    stanza,
  };
}

function changesFiles(stanza: Stanza, file: string): ChangesFile[] {
  const files = parseFiles(stanza, file);
  const lines = new Map(checkFilesList(stanza, 5, files, file).map((words) => [words[4]!, words]));
  return files.map((each) => {
    const [, , section, priority] = lines.get(each.name)!;
    return { ...each, section: section!, priority: priority! };
  });
}
