/** A small published archive, and what a push to a mirror of it needs. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';

import { acceptBinaries, acceptSource, publishSuite } from '../src/archive/mod.ts';
import type { MirrorDeps, PushRecord } from '../src/flows/push-mirror.ts';
import { field, parseStanzas } from '../src/formats/deb/deb822.ts';
import { parseRelease } from '../src/formats/deb/release.ts';
import type { Mirror } from '../src/model/distribution.ts';
import { parseLabel } from '../src/model/names.ts';
import type { MirrorTarget } from '../src/mirror/mod.ts';
import { openManifest, readJson, writeJson } from '../src/plumbing/mirror-target/memory.ts';
import { hashFile, readPointers, readTree } from '../src/plumbing/mirror-target/read-tree.ts';
import { toyArchive, toyPackage, type ToyArchive } from './toy-archive.ts';

export type MirrorWorld = {
  readonly toy: ToyArchive;
  /** The published tree. */
  readonly root: string;
  /** Publishes the next version of its two packages. */
  readonly publish: () => Promise<void>;
  readonly deps: (target: MirrorTarget, memory?: string) => MirrorDeps;
  readonly close: () => Promise<void>;
};

export const someMirror: Mirror = {
  name: parseLabel('test'),
  repository: parseLabel('main'),
  parallel: 3,
  place: { kind: 'folder', folder: '/nowhere' },
};

export async function mirrorWorld(): Promise<MirrorWorld> {
  const toy = await toyArchive();
  const root = join(toy.directory, 'archive/main');
  let version = 0;
  const now = () => new Date(Date.parse('2026-11-21T03:00:00Z') + version * 60_000);
  return {
    toy,
    root,
    publish: async () => {
      version += 1;
      for (const name of ['alpha', 'libbeta++']) {
        const request = await toyPackage(toy.deps.blobs, name, `1:${version}+x~1`);
        assert.equal((await acceptSource(toy.deps, request.source, now())).kind, 'accepted');
        assert.equal((await acceptBinaries(toy.deps, request.binaries, now())).kind, 'accepted');
      }
      await publishSuite(toy.deps, 'stable', now());
    },
    deps: (target, memory) => mirrorDeps(toy, target, now, memory),
    close: toy.close,
  };
}

/** What a push of a toy archive's tree to a mirror needs; `memory` is where the mirror's content is remembered. */
export function mirrorDeps(
  toy: ToyArchive,
  target: MirrorTarget,
  now: () => Date,
  memory = join(toy.directory, 'memory'),
): MirrorDeps {
  const root = join(toy.directory, 'archive/main');
  return {
    db: toy.database.db,
    now,
    tree: () => ({
      read: () => readTree(root),
      readPointers: () => readPointers(root),
      readText: (source) => readFile(source, 'utf8'),
      hash: hashFile,
    }),
    open: () => Promise.resolve(target),
    memory: () => ({
      manifest: () => openManifest(join(memory, 'manifest'), 'test'),
      load: async () => (await readJson(join(memory, 'last-push.json'))) as PushRecord | undefined,
      save: (record) => writeJson(join(memory, 'last-push.json'), record),
      lock: (work) => work(),
    }),
  };
}

const hash = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

/**
 * What a client sees that reads objects by name: undefined when no suite is there yet, else the versions of alpha. Fails
 * when anything that it is led to is missing or is not what the Release file says.
 */
export function seeObjects(read: (path: string) => Uint8Array | undefined, suite = 'stable'): string[] | undefined {
  const inRelease = read(`dists/${suite}/InRelease`);
  if (inRelease === undefined) return undefined;
  const { files } = parseRelease(Buffer.from(inRelease).toString(), 'InRelease');
  const versions: string[] = [];
  for (const { path, sha256, size } of files.filter((file) => /\.(?:gz|xz)$/.test(file.path))) {
    const folder = path.slice(0, path.lastIndexOf('/'));
    const bytes = read(`dists/${suite}/${folder}/by-hash/SHA256/${sha256}`);
    assert.ok(bytes !== undefined, `${path} by hash`);
    assert.equal(hash(bytes), sha256, path);
    assert.equal(bytes.length, size, path);
    if (!path.endsWith('Packages.gz')) continue;
    for (const stanza of parseStanzas(gunzipSync(bytes).toString(), path)) {
      const file = read(field(stanza, 'Filename')!);
      assert.ok(file !== undefined, field(stanza, 'Filename'));
      assert.equal(hash(file), field(stanza, 'SHA256'));
      if (field(stanza, 'Package') === 'alpha') versions.push(field(stanza, 'Version')!);
    }
  }
  return versions;
}
