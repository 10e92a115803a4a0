import assert from 'node:assert/strict';
import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'node:test';

import { Faults, type FaultMode } from '../../../test/faults.ts';
import { openIndexStore, type FileIndexStore } from './store.ts';
import { faultyLogFiles } from './testdata/faulty-log-files.ts';
import { ToySuite, type ToyVersion } from './testdata/toy-suite.ts';

/** A store with some versions, copied for each fault; the versions that it has, and one that it does not have yet. */
async function prepared() {
  const root = await mkdtemp(join(tmpdir(), 'sheaf-faults-'));
  const directory = join(root, 'store');
  const store = await openIndexStore(directory);
  const suite = new ToySuite(5, 300);
  const versions: ToyVersion[] = [];
  for (let index = 0; index < 4; index++) {
    const next = index === 0 ? suite.now() : suite.change(9);
    await put(store, next, versions.at(-1));
    versions.push(next);
  }
  await store.close();
  return { root, directory, versions, next: suite.change(9), last: suite.change(9) };
}

function put(store: FileIndexStore, version: ToyVersion, before: ToyVersion | undefined) {
  return store.put(version.bytes, { sha256: version.sha256, split: 'stanzas', successorOf: before?.sha256 });
}

async function assertAll(store: FileIndexStore, versions: readonly ToyVersion[], what: string): Promise<void> {
  for (const version of versions) {
    assert.ok((await store.read(version.sha256)).equals(version.bytes), what);
  }
  assert.deepEqual((await store.verify()).problems, [], what);
}

/** Runs `work` once for each of its steps, with a fault in that step; says how many there were. */
async function withEachFault(
  mode: FaultMode,
  work: (round: { readonly faults: Faults; readonly what: string; readonly number: number }) => Promise<void>,
): Promise<number> {
  for (let number = 1; ; number++) {
    const faults = new Faults(number, mode);
    await work({ faults, what: `${mode} ${number}`, number });
    if (faults.count < number) return number - 1;
  }
}

for (const mode of ['before', 'after', 'full'] as const) {
  test(`openIndexStore: every write fails once while an index is stored: ${mode}`, async (t) => {
    const { root, directory, versions, next, last } = await prepared();
    t.after(() => rm(root, { recursive: true }));
    const steps = await withEachFault(mode, async ({ faults, what, number }) => {
      const copy = join(root, `${mode}-${number}`);
      await cp(directory, copy, { recursive: true });
      const store = await openIndexStore(copy, { files: faultyLogFiles(faults) });
      const reader = await openIndexStore(copy);
      const failed = await put(store, next, versions.at(-1)).then(
        () => false,
        () => true,
      );
      assert.equal(failed, faults.count >= number && (mode !== 'full' || failed), what);
      const seen = await reader.info(next.sha256);
      const known = seen === undefined ? versions : [...versions, next];
      if (!failed) assert.ok(seen !== undefined, what);
      await assertAll(reader, known, what);
      const seenPieces = seen === undefined ? undefined : await reader.pieces(next.sha256);
      // The same process goes on when the disk is well again, or another one does.
      const second = mode === 'full' || number % 2 === 0 ? await openIndexStore(copy) : store;
      await put(second, next, versions.at(-1));
      await put(second, last, next);
      await assertAll(second, [...versions, next, last], what);
      await assertAll(reader, [...versions, next, last], what);
      // A reader may have written down what it saw: it must stay true.
      if (seenPieces !== undefined) assert.deepEqual(await second.pieces(next.sha256), seenPieces, what);
      for (const each of new Set([store, second, reader])) await each.close();
      await rm(copy, { recursive: true });
    });
    assert.ok(steps >= 6, `${steps} steps`);
  });

  test(`openIndexStore: every write fails once while the store is compacted: ${mode}`, async (t) => {
    const { root, directory, versions, next } = await prepared();
    t.after(() => rm(root, { recursive: true }));
    const steps = await withEachFault(mode, async ({ faults, what, number }) => {
      const copy = join(root, `${mode}-${number}`);
      await cp(directory, copy, { recursive: true });
      const store = await openIndexStore(copy, { files: faultyLogFiles(faults) });
      const reader = await openIndexStore(copy);
      await store.compact().catch(() => {});
      await assertAll(reader, versions, what);
      const second = mode === 'full' || number % 2 === 0 ? await openIndexStore(copy) : store;
      await put(second, next, versions.at(-1));
      await assertAll(second, [...versions, next], what);
      await second.compact();
      await assertAll(second, [...versions, next], what);
      await assertAll(reader, [...versions, next], what);
      for (const each of new Set([store, second, reader])) await each.close();
      await rm(copy, { recursive: true });
    });
    assert.ok(steps >= 8, `${steps} steps`);
  });
}

test('openIndexStore: every write fails once while a store is made', async (t) => {
  const root = await mkdtemp(join(tmpdir(), 'sheaf-faults-'));
  t.after(() => rm(root, { recursive: true }));
  const version = new ToySuite(1, 20).now();
  for (const mode of ['before', 'after', 'full'] as const) {
    const steps = await withEachFault(mode, async ({ faults, what, number }) => {
      const directory = join(root, `${mode}-${number}`);
      const store = await openIndexStore(directory, { files: faultyLogFiles(faults) }).catch(() => undefined);
      await store?.close();
      const second = await openIndexStore(directory);
      if (store !== undefined) assert.equal(second.id, store.id, what);
      await put(second, version, undefined);
      await assertAll(second, [version], what);
      await second.close();
    });
    assert.ok(steps >= 4, `${steps} steps`);
  }
});
