/** Reads a published suite as a careful client does: every hash is checked, down to the packages. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFile, readdir, readlink, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { gunzipSync } from 'node:zlib';

import { xz } from '@napi-rs/lzma';

import { field, parseStanzas } from '../src/formats/deb/deb822.ts';
import { parseRelease } from '../src/formats/deb/release.ts';

export type SeenSuite = {
  /** `name_version_architecture` of every package in its indexes, sorted. */
  readonly packages: readonly string[];
  /** `name_version` of every source package, sorted. */
  readonly sources: readonly string[];
  readonly inRelease: string;
};

const hash = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

/** `base` is what a client's URI points at: a repository's folder or a snapshot's. */
export async function readSuite(base: string, suite: string): Promise<SeenSuite> {
  const directory = join(base, 'dists', suite);
  const inRelease = await readFile(join(directory, 'InRelease'), 'utf8');
  const release = parseRelease(inRelease, 'InRelease');
  const plain = await readFile(join(directory, 'Release'), 'utf8');
  assert.ok(inRelease.includes(plain.trimEnd()), 'Release and InRelease say the same');
  const packages = new Set<string>();
  const sources = new Set<string>();
  const listed = new Map(release.files.map((file) => [file.path, file]));
  for (const file of release.files) {
    // The uncompressed index is named, but not there: nobody fetches it.
    const uncompressed = listed.get(file.path.replace(/\.(?:gz|xz)$/, ''))!;
    if (file === uncompressed) continue;
    const byName = await readFile(join(directory, file.path));
    const byHash = await readFile(join(directory, dirname(file.path), 'by-hash/SHA256', file.sha256));
    assert.equal(hash(byName), file.sha256, file.path);
    assert.equal(byName.length, file.size, file.path);
    assert.ok(byHash.equals(byName), `${file.path} by hash`);
    const text = file.path.endsWith('.gz') ? gunzipSync(byName) : xz.decompressSync(byName);
    assert.equal(hash(text), uncompressed.sha256, file.path);
    assert.equal(text.length, uncompressed.size, file.path);
    if (!/\/(?:Packages|Sources)\.gz$/.test(file.path)) continue;
    for (const stanza of parseStanzas(text.toString(), file.path)) {
      const get = (name: string) => field(stanza, name) ?? '';
      if (file.path.endsWith('/Sources.gz')) {
        sources.add(`${get('Package')}_${get('Version')}`);
        for (const line of get('Checksums-Sha256').trim().split('\n')) {
          const [sha256, size, name] = line.trim().split(/\s+/) as [string, string, string];
          await check(join(base, get('Directory'), name), sha256, Number(size));
        }
      } else {
        packages.add(`${get('Package')}_${get('Version')}_${get('Architecture')}`);
        await check(join(base, get('Filename')), get('SHA256'), Number(get('Size')));
      }
    }
  }
  return { packages: [...packages].toSorted(), sources: [...sources].toSorted(), inRelease };
}

async function check(path: string, sha256: string, size: number): Promise<void> {
  const bytes = await readFile(path);
  assert.equal(hash(bytes), sha256, path);
  assert.equal(bytes.length, size, path);
}

/** Every path below a directory with what it is: files by hash, links by target. Links are not followed. */
export async function fingerprint(directory: string): Promise<ReadonlyMap<string, string>> {
  const found = new Map<string, string>();
  for (const entry of await readdir(directory, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    const name = path.slice(directory.length + 1);
    if (entry.isSymbolicLink()) found.set(name, `-> ${await readlink(path)}`);
    else if (entry.isFile()) found.set(name, `${hash(await readFile(path))} ${(await stat(path)).mtimeMs}`);
  }
  return found;
}
