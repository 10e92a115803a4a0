import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';

import { parseSha256, type Sha256 } from '../../kit/digest.ts';
import { openIndexStore, type FileIndexStore } from './store.ts';
import { PowerCut } from './testdata/power-cut.ts';
import { ToySuite, type ToyVersion } from './testdata/toy-suite.ts';

const child = join(import.meta.dirname, 'testdata/put-for-ever.ts');

test('openIndexStore: kill -9 at any moment loses nothing that was stored', async (t) => {
  const directory = await mkdtemp(join(tmpdir(), 'sheaf-kill-'));
  t.after(() => rm(directory, { recursive: true }));
  const reader = await openIndexStore(directory);
  t.after(() => reader.close());
  const stored = new Set<Sha256>();
  let before = 0;
  for (let round = 0; round < 10; round++) {
    const writer = spawn(process.execPath, [child, directory, String(round)], { stdio: ['ignore', 'pipe', 'inherit'] });
    let said = '';
    writer.stdout.on('data', (chunk: Buffer) => (said += chunk.toString()));
    await once(writer.stdout, 'data');
    await sleep(round * 40);
    writer.kill('SIGKILL');
    await once(writer, 'close');
    for (const line of said.split('\n').slice(0, -1)) stored.add(parseSha256(line));
    // read() compares the hash.
    for (const digest of stored) await reader.read(digest);
    const fresh = await openIndexStore(directory);
    for (const digest of stored) await fresh.read(digest);
    await fresh.close();
    assert.ok(stored.size > before);
    before = stored.size;
  }
  assert.deepEqual((await reader.verify()).problems, []);
  await reader.compact();
  for (const digest of stored) await reader.read(digest);
});

test('openIndexStore: after a power cut everything that was stored is there, whatever else the disk forgot', async (t) => {
  const root = await mkdtemp(join(tmpdir(), 'sheaf-power-'));
  t.after(() => rm(root, { recursive: true }));
  const directory = join(root, 'store');
  const suite = new ToySuite(5, 300);
  const versions: ToyVersion[] = [];
  const first = await openIndexStore(directory);
  for (let index = 0; index < 4; index++) {
    const version = index === 0 ? suite.now() : suite.change(9);
    await put(first, version, versions.at(-1));
    versions.push(version);
  }
  await first.close();
  const [next, last] = [suite.change(9), suite.change(9)];
  const random = randomOf(17);
  for (let step = 1, done = false; !done; step++) {
    for (let time = 0; time < 2; time++) {
      const what = `${step}.${time}`;
      const [copy, after] = [join(root, `before-${what}`), join(root, `after-${what}`)];
      await cp(directory, copy, { recursive: true });
      const disk = new PowerCut(step, random);
      const store = await openIndexStore(copy, { files: disk.files() });
      const stored = [...versions];
      try {
        await put(store, next, versions.at(-1));
        stored.push(next);
        await store.compact();
        await put(store, last, next);
        stored.push(last);
        done = true;
      } catch {
        // The power went.
      }
      await store.close();
      await disk.restart(after);
      const again = await openIndexStore(after);
      await assertAll(again, stored, what);
      await put(again, next, versions.at(-1));
      await put(again, last, next);
      await assertAll(again, [...versions, next, last], what);
      await again.close();
      await rm(copy, { recursive: true });
      await rm(after, { recursive: true });
    }
  }
});

function randomOf(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

function put(store: FileIndexStore, version: ToyVersion, before: ToyVersion | undefined) {
  return store.put(version.bytes, { sha256: version.sha256, split: 'stanzas', successorOf: before?.sha256 });
}

async function assertAll(store: FileIndexStore, versions: readonly ToyVersion[], what: string): Promise<void> {
  for (const version of versions) assert.ok((await store.read(version.sha256)).equals(version.bytes), what);
  assert.deepEqual((await store.verify()).problems, [], what);
}
