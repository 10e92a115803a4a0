/** Indexes are text only when they are not compressed; nothing in an archive is ever a page. */
const bySuffix: readonly (readonly [string, string])[] = [
  ['.deb', 'application/vnd.debian.binary-package'],
  ['.udeb', 'application/vnd.debian.binary-package'],
  ['.gz', 'application/gzip'],
  ['.xz', 'application/x-xz'],
  ['.bz2', 'application/x-bzip2'],
  ['.zst', 'application/zstd'],
  ['key.gpg', 'application/pgp-keys'],
];

export function contentType(path: string): string {
  const known = bySuffix.find(([suffix]) => path.endsWith(suffix));
  if (known !== undefined) return known[1];
  const isText =
    /\/(?:InRelease|Release|Release\.gpg|Packages|Sources|Index|Contents-[^/.]+|Translation-[^/.]+)$|\.(?:dsc|asc|changes|buildinfo)$/;
  return isText.test(path) ? 'text/plain; charset=utf-8' : 'application/octet-stream';
}
