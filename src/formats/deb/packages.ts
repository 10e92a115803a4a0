/** A stanza of a `Packages` index: a package's control file and where its `.deb` is. Debian's RepositoryFormat. */
import { formatStanza, parseStanza, type Field } from './deb822.ts';
import { shortDescription } from './translation.ts';

/** What the archive says of a file; only strong hashes. */
export type PoolFile = { readonly filename: string; readonly size: number; readonly sha256: string };

/**
 * Fields that the archive alone may set, and `Status`, which belongs to an installed system. A package that carries
 * them in its own control file does not get them into the index.
 */
const archiveFields = new Set([
  'filename',
  'size',
  'md5sum',
  'sha1',
  'sha256',
  'sha512',
  'status',
  'msdos-filename',
  'description-md5',
]);

/**
 * The stanza for one package, ending in LF, without a separating line: the control file's fields in their order but `Package` first,
 * without comments and white space at line ends, with `Filename`, `Size` and `SHA256` before `Description`. `filename` is relative to the archive root.
 * With `md5`, which gives it in hexadecimal, of the description only what stays here when the rest is in `Translation-en`.
 */
export function formatPackagesStanza(control: string, file: PoolFile, md5?: (text: string) => string): string {
  const { fields } = parseStanza(control);
  const isPackage = (each: Field) => each.name.toLowerCase() === 'package';
  const others = fields.filter((each) => !archiveFields.has(each.name.toLowerCase()) && !isPackage(each));
  const kept = [...fields.filter(isPackage), ...others];
  const at = kept.findIndex((each) => each.name.toLowerCase() === 'description');
  const before = at === -1 ? kept : kept.slice(0, at);
  const after = at === -1 ? [] : kept.slice(at);
  return formatStanza([
    ...before.map((each) => [each.name, each.value] as const),
    ['Filename', file.filename],
    ['Size', String(file.size)],
    ['SHA256', file.sha256],
    ...after.flatMap((each, number) =>
      number === 0 && md5 !== undefined ? shortDescription(each.value, md5) : [[each.name, each.value] as const],
    ),
  ]);
}
