/** The formats of source packages that can be made from a tree: dpkg-source(1), "SOURCE PACKAGE FORMATS". */
import { splitVersion } from '../formats/deb/version.ts';

export type SourceFormat =
  | { readonly kind: 'native' }
  /** An upstream tarball and a tarball of debian/. */
  | { readonly kind: 'quilt' }
  | { readonly kind: 'bad'; readonly message: string; readonly hint: string };

export function sourceFormat(format: string, version: string): SourceFormat {
  const hasRevision = splitVersion(version).revision !== undefined;
  const shown = JSON.stringify(format.slice(0, 40));
  if (format === '3.0 (quilt)' && hasRevision) return { kind: 'quilt' };
  if (format === '3.0 (quilt)') {
    return {
      kind: 'bad',
      message: `debian/source/format is "3.0 (quilt)", but the version ${version} has no revision.`,
      hint: 'Give the version a revision, such as -1, or write "3.0 (native)" into debian/source/format.',
    };
  }
  if (format !== '3.0 (native)' && format !== '1.0') {
    return {
      kind: 'bad',
      message: `debian/source/format is ${shown}; only "3.0 (quilt)", "3.0 (native)" and native "1.0" are built.`,
      hint: 'Write "3.0 (quilt)" or "3.0 (native)" into debian/source/format.',
    };
  }
  if (!hasRevision) return { kind: 'native' };
  const now = format === '1.0' ? 'debian/source/format is "1.0" or missing' : 'debian/source/format is "3.0 (native)"';
  return {
    kind: 'bad',
    message: `${now}, but the version ${version} has a revision.`,
    hint: 'Write "3.0 (quilt)" into debian/source/format, or drop the revision of a native package.',
  };
}
