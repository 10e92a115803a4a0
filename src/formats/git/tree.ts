/**
 * Trees: `MODE SP NAME NUL ID` entries, MODE in octal without leading zeros, ID as raw bytes. Names are checked for
 * what makes an entry ambiguous; whether they are fit to be unpacked is the reader's rule.
 */
import { badObject } from './error.ts';

export type EntryKind = 'file' | 'executable' | 'symlink' | 'directory' | 'submodule';

export type TreeEntry = {
  readonly kind: EntryKind;
  /** As bytes decoded from UTF-8; `undefined` bytes show as U+FFFD and `exact` is false then. */
  readonly name: string;
  readonly exact: boolean;
  readonly id: string;
};

/** 100664 is written by git's earliest versions only; git reads it as 100644. */
const kinds: Readonly<Record<string, EntryKind>> = {
  '100644': 'file',
  '100664': 'file',
  '100755': 'executable',
  '120000': 'symlink',
  '40000': 'directory',
  '160000': 'submodule',
};

/** Throws `bad-git-object` unless the bytes are one well-formed tree. `hash` is the repository's object format. */
export function parseTree(bytes: Uint8Array, hash: 'sha1' | 'sha256'): TreeEntry[] {
  const width = hash === 'sha1' ? 20 : 32;
  const strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  const latin1 = new TextDecoder('latin1');
  const entries: TreeEntry[] = [];
  const names = new Set<string>();
  let position = 0;
  while (position < bytes.length) {
    const start = position;
    const separator = bytes.indexOf(0x20, start);
    // The longest mode has six digits.
    if (separator === -1 || separator - start > 6) throw badObject('tree', start, 'an entry has no mode');
    const mode = latin1.decode(bytes.subarray(start, separator));
    const kind = kinds[mode];
    if (kind === undefined) throw badObject('tree', start, `an entry has the unknown mode ${JSON.stringify(mode)}`);
    const end = bytes.indexOf(0, separator + 1);
    if (end === -1 || end + 1 + width > bytes.length) throw badObject('tree', start, 'an entry is cut off');
    const raw = bytes.subarray(separator + 1, end);
    const key = latin1.decode(raw);
    if (names.has(key)) throw badObject('tree', start, `the name ${JSON.stringify(key)} comes twice`);
    names.add(key);
    entries.push({ kind, ...decodeName(strict, raw), id: hex(bytes.subarray(end + 1, end + 1 + width)) });
    position = end + 1 + width;
  }
  return entries;
}

function decodeName(strict: InstanceType<typeof TextDecoder>, raw: Uint8Array): { name: string; exact: boolean } {
  try {
    return { name: strict.decode(raw), exact: true };
  } catch {
    return { name: new TextDecoder().decode(raw), exact: false };
  }
}

function hex(bytes: Uint8Array): string {
  let text = '';
  for (const byte of bytes) text += byte.toString(16).padStart(2, '0');
  return text;
}
