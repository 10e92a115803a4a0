/** Reading what debian/ says: changelog, control, source/format. */
import { isUtf8 } from 'node:buffer';

import { parseChangelog, type ChangelogEntry } from '../formats/deb/changelog.ts';
import { parseSourceControl } from '../formats/deb/control.ts';
import { describeError, SheafError } from '../kit/error.ts';
import { isPackageName } from '../model/names.ts';
import type { DebianFacts, Read, TreeFacts } from './facts.ts';
import type { GitObjects } from './ports.ts';

/** Changelogs of old packages reach some megabytes. */
const largestFile = 16 * 2 ** 20;

/** Undefined when the tree has no directory debian/. Throws what `objects` throws for missing or corrupt objects. */
export async function readDebian(objects: GitObjects, tree: TreeFacts): Promise<DebianFacts | undefined> {
  const debian = tree.files.find((file) => file.path === 'debian');
  if (debian?.kind !== 'directory') return undefined;
  const changelog = await readText(objects, tree, 'debian/changelog', newestEntry);
  const control = await readText(objects, tree, 'debian/control');
  return {
    changelog: parsed(changelog, readEntry),
    control: parsed(control, (text) => parseSourceControl(text)),
    format: await readSourceFormat(objects, tree),
  };
}

/** debian/source/format; a package without it has the format 1.0 (dpkg-source(1)). */
export async function readSourceFormat(objects: GitObjects, tree: TreeFacts): Promise<Read<string>> {
  if (!tree.files.some((file) => file.path === 'debian/source/format')) return { kind: 'ok', value: '1.0' };
  return parsed(await readText(objects, tree, 'debian/source/format'), (text) => text.trim());
}

/** `strict` says which part of the file must be UTF-8. */
async function readText(
  objects: GitObjects,
  tree: TreeFacts,
  path: string,
  strict = (bytes: Uint8Array) => bytes,
): Promise<Read<string>> {
  const file = tree.files.find((entry) => entry.path === path);
  if (file === undefined) return { kind: 'bad', reason: `There is no file ${path}` };
  if (file.kind !== 'file' && file.kind !== 'executable') return { kind: 'bad', reason: `${path} is no ordinary file` };
  if (file.size > largestFile) return { kind: 'bad', reason: `${path} has ${file.size} bytes` };
  const { bytes } = await objects.read(file.id, largestFile);
  if (!isUtf8(strict(bytes))) return { kind: 'bad', reason: `${path} is not UTF-8` };
  return { kind: 'ok', value: new TextDecoder().decode(bytes) };
}

/** It enters .changes, which must be UTF-8; older entries are often in other encodings. */
function newestEntry(bytes: Uint8Array): Uint8Array {
  const file = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const trailer = file.indexOf('\n --');
  const end = trailer === -1 ? -1 : file.indexOf('\n', trailer + 1);
  return end === -1 ? file : file.subarray(0, end);
}

function parsed<T>(text: Read<string>, parse: (text: string) => T): Read<T> {
  if (text.kind === 'bad') return text;
  try {
    return { kind: 'ok', value: parse(text.value) };
  } catch (error) {
    if (!(error instanceof SheafError)) throw error;
    return { kind: 'bad', reason: describeError(error) };
  }
}

/**
 * A source name that is misspelt, as a path for instance, has a refusal of its own, so the rest of the entry is read
 * under another name.
 */
function readEntry(text: string): ChangelogEntry {
  const name = /^\s*(\S+) \(/.exec(text)?.[1];
  if (name === undefined || isPackageName(name)) return parseChangelog(text);
  const at = text.indexOf(name);
  return { ...parseChangelog(`${text.slice(0, at)}misspelt${text.slice(at + name.length)}`), source: name };
}
