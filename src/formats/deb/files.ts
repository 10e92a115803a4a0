/**
 * The lists of files that `.dsc`, `.changes` and `.buildinfo` carry. Policy 5.6.21 and 5.6.24: one file a line,
 * `checksum size name`; `Files` in a `.changes` has `section priority` before the name.
 */
import type { Sha256 } from '../../kit/digest.ts';
import { field, type Stanza } from './deb822.ts';
import { badField, shown, splitWords } from './words.ts';

export type ListedFile = { readonly name: string; readonly size: number; readonly sha256: Sha256 };

/** More files than any real upload has. */
const mostFiles = 10_000;

/**
 * The files by `Checksums-Sha256`, the only list that is believed. Where a stanza also has `Files` (which older tools
 * go by), both must name the same files and sizes.
 */
export function parseFiles(stanza: Stanza, file: string): ListedFile[] {
  const lines = checksumLines(stanza, 'Checksums-Sha256', 3, file);
  const files = lines.map(([sha256, size, name]): ListedFile => {
    if (!/^[0-9a-f]{64}$/.test(sha256!)) {
      throw badField(stanza, 'Checksums-Sha256', file, `${shown(sha256!)} is not a SHA-256`);
    }
    return { name: name!, size: Number(size), sha256: sha256 as Sha256 };
  });
  return files;
}

/** Refuses a stanza whose `Files` list has other names or sizes than `files`. */
export function checkFilesList(stanza: Stanza, columns: 3 | 5, files: readonly ListedFile[], file: string): string[][] {
  const lines = checksumLines(stanza, 'Files', columns, file);
  const sizes = new Map(files.map((each) => [each.name, each.size]));
  for (const words of lines) {
    const name = words.at(-1)!;
    if (sizes.get(name) !== Number(words[1])) {
      throw badField(stanza, 'Files', file, `${shown(name)} is not in Checksums-Sha256 with the same size`);
    }
  }
  if (lines.length !== files.length) {
    throw badField(stanza, 'Files', file, `${lines.length} files are listed, ${files.length} in Checksums-Sha256`);
  }
  return lines;
}

/** A name that is one path component, safe in a file system, a URL and a command line. */
export function isSafeFileName(name: string): boolean {
  return name.length <= 255 && /^[A-Za-z0-9][A-Za-z0-9+.,~_:@%=-]*$/.test(name);
}

function checksumLines(stanza: Stanza, name: string, columns: number, file: string): string[][] {
  const value = field(stanza, name);
  if (value === undefined) throw badField(stanza, name, file, 'nothing is listed: it is missing');
  const lines = value === '' ? [] : value.split('\n');
  if (lines.length > mostFiles) throw badField(stanza, name, file, `more than ${mostFiles} files are listed`);
  const seen = new Set<string>();
  return lines.map((line) => {
    const words = splitWords(line);
    const fileName = words.at(-1) ?? '';
    if (words.length !== columns || !/^\d{1,15}$/.test(words[1]!)) {
      throw badField(
        stanza,
        name,
        file,
        `${shown(line)} is not "checksum size${columns === 5 ? ' section priority' : ''} name"`,
      );
    }
    if (!isSafeFileName(fileName)) throw badField(stanza, name, file, `${shown(fileName)} is not a plain file name`);
    if (seen.has(fileName)) throw badField(stanza, name, file, `${shown(fileName)} is listed twice`);
    seen.add(fileName);
    return words;
  });
}
