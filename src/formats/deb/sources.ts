/** A stanza of a `Sources` index: a source package's `.dsc` and where its files are. Debian's RepositoryFormat. */
import { formatStanza, type Stanza } from './deb822.ts';

export type SourceFiles = {
  /** Relative to the archive root. */
  readonly directory: string;
  /** All files of the source package, the `.dsc` itself among them. */
  readonly files: readonly { readonly name: string; readonly size: number; readonly sha256: string }[];
};

/** Set by the archive alone, or only meaningful in the `.dsc`. */
const archiveFields = new Set([
  'package',
  'directory',
  'files',
  'checksums-sha1',
  'checksums-sha256',
  'checksums-sha512',
]);

/**
 * The stanza for one source package, ending in LF, without a separating line: the `.dsc`'s fields with `Source` named
 * `Package`, then `Directory` and the files by their SHA-256.
 */
export function formatSourcesStanza(dsc: Stanza, { directory, files }: SourceFiles): string {
  const kept = dsc.fields
    .filter((each) => !archiveFields.has(each.name.toLowerCase()))
    .map((each) => [each.name.toLowerCase() === 'source' ? 'Package' : each.name, each.value] as const);
  return formatStanza([
    ...kept.filter(([name]) => name === 'Package'),
    ...kept.filter(([name]) => name !== 'Package'),
    ['Directory', directory],
    ['Checksums-Sha256', files.map((each) => `\n${each.sha256} ${each.size} ${each.name}`).join('')],
  ]);
}
