/** A source package in the archive, as a build needs to know it. */
import { field, parseStanza, type Stanza } from '../formats/deb/deb822.ts';
import { splitWords } from '../formats/deb/words.ts';
import type { InputFile } from '../model/job.ts';
import type { Label, PackageName, Version } from '../model/names.ts';
import { findSource, type Db } from './store.ts';
import { listUploadedArchitectures } from './store-upload.ts';

export type AcceptedSource = {
  /** The .dsc first, then the files that it names. */
  readonly files: readonly InputFile[];
  /** Its Architecture field: `any`, `all`, architectures and wildcards. */
  readonly architectures: readonly string[];
  /** Its fields, for the relations of the build (deb-src-control(5)). */
  readonly stanza: Stanza;
};

export async function findAcceptedSource(
  db: Db,
  repository: Label,
  name: PackageName,
  version: Version,
): Promise<AcceptedSource | undefined> {
  const row = await findSource(db, repository, name, version);
  if (row === undefined) return undefined;
  const stanza = parseStanza(row.stanza);
  return { files: row.files, architectures: splitWords(field(stanza, 'Architecture') ?? ''), stanza };
}

/** Architectures of the packages of each source that people uploaded: nothing is built for them. */
export async function findUploadedArchitectures(
  db: Db,
  repository: Label,
  sources: readonly { readonly source: string; readonly version: string }[],
): Promise<readonly (readonly string[])[]> {
  return listUploadedArchitectures(db, repository, sources);
}
