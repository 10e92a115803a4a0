/** `.dsc`: the description of a source package. dsc(5), Debian Policy 5.4. */
import { field, parseStanza, requireField, type Stanza } from './deb822.ts';
import { stripClearsign } from './clearsign.ts';
import { checkFilesList, parseFiles, type ListedFile } from './files.ts';
import { checkPackageName, requireVersion, splitList, splitWords } from './words.ts';

export type Dsc = {
  readonly source: string;
  readonly version: string;
  /** `1.0`, `3.0 (native)`, `3.0 (quilt)`, … */
  readonly format: string;
  readonly architectures: readonly string[];
  readonly binaries: readonly string[];
  readonly files: readonly ListedFile[];
  /** Of the signed text, when it was signed. */
  readonly stanza: Stanza;
};

/** Throws `bad-control-file`, `missing-field`, `bad-field` or `bad-armor` with file and line. */
export function parseDsc(text: string, file = '.dsc'): Dsc {
  const signed = stripClearsign(text, file);
  const stanza = parseStanza(signed.text, file, signed.firstLine);
  const files = parseFiles(stanza, file);
  if (field(stanza, 'Files') !== undefined) checkFilesList(stanza, 3, files, file);
  return {
    source: checkPackageName(requireField(stanza, 'Source', file), 'Source', stanza, file),
    version: requireVersion(stanza, file),
    format: requireField(stanza, 'Format', file),
    architectures: splitWords(requireField(stanza, 'Architecture', file)),
    binaries: splitList(field(stanza, 'Binary') ?? ''),
    files,
    stanza,
  };
}
