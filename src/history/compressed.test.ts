import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { after, before } from 'node:test';
import { deflateRawSync } from 'node:zlib';

import { testDatabase, type TestDatabase } from '../../test/database.ts';
import { sha256, type Sha256 } from '../kit/digest.ts';
import { openIndexStore, type FileIndexStore } from '../plumbing/history/store.ts';
import type { CompressedDeps, IndexEncoder } from './compressed-ports.ts';
import { keepCompressed, proveCompressed, readCompressed } from './compressed.ts';

let database: TestDatabase;
let directory: string;
let store: FileIndexStore;
before(async () => {
  database = await testDatabase();
  directory = await mkdtemp(join(tmpdir(), 'sheaf-compressed-'));
  store = await openIndexStore(directory);
});
after(async () => {
  await store.close();
  await rm(directory, { recursive: true });
  await database.close();
});

/** Keeps its promise: what is not there, or has other bytes, throws. */
class MemoryBlobs {
  readonly blobs = new Map<Sha256, Buffer>();

  async putBytes(bytes: Uint8Array): Promise<void> {
    this.blobs.set(sha256(bytes), Buffer.from(bytes));
  }

  async read(digest: Sha256): Promise<Buffer> {
    const bytes = this.blobs.get(digest);
    assert.ok(bytes, `no blob ${digest}`);
    return bytes;
  }

  async remove(digest: Sha256): Promise<void> {
    assert.ok(this.blobs.delete(digest));
  }
}

/** `a` marks its files with an "a"; `b` is the same with a "b". */
function toyEncoder(name: string, tried: string[] = []): IndexEncoder {
  return {
    name,
    mayHaveMade: (file) => file[0] === name.charCodeAt(0),
    async encode(index) {
      tried.push(name);
      return Buffer.concat([Buffer.from(name), deflateRawSync(index)]);
    },
  };
}

let count = 0;

async function world(encoders: readonly IndexEncoder[]) {
  await database.db.deleteFrom('compressed_index').execute();
  const blobs = new MemoryBlobs();
  const deps: CompressedDeps = { db: database.db, store, blobs, encoders };
  const keep = async (mark: string, of = `Package: p${count++}\n\n`) => {
    const index = Buffer.from(of);
    await store.put(index, { sha256: sha256(index), split: 'stanzas' });
    const bytes = Buffer.concat([Buffer.from(mark), deflateRawSync(index)]);
    await keepCompressed(deps, { sha256: sha256(bytes), bytes, of: sha256(index) });
    return { bytes, sha256: sha256(bytes) };
  };
  return { deps, blobs, keep };
}

test('keepCompressed: readCompressed gives the bytes, before and after they are proved', async () => {
  const { deps, blobs, keep } = await world([toyEncoder('a'), toyEncoder('b')]);
  const files = [await keep('a'), await keep('b'), await keep('c')];
  const assertAll = async () => {
    for (const file of files) assert.deepEqual(await readCompressed(deps, file.sha256), file.bytes);
  };
  await assertAll();
  const steps: number[] = [];
  const report = await proveCompressed(deps, (done) => steps.push(done));
  assert.deepEqual(report, { proved: 2, bytes: files[0]!.bytes.length + files[1]!.bytes.length, kept: 1, left: 0 });
  assert.deepEqual(steps, [1, 2, 3]);
  await assertAll();
  assert.deepEqual([...blobs.blobs.keys()], [files[2]!.sha256]);
  assert.equal(await readCompressed(deps, sha256('unknown')), undefined);
});

test('keepCompressed: a file that is known is no news; wrong bytes are refused', async () => {
  const { deps, keep } = await world([toyEncoder('a')]);
  const file = await keep('a', 'Package: twice\n\n');
  await proveCompressed(deps);
  await keep('a', 'Package: twice\n\n');
  assert.deepEqual(await proveCompressed(deps), { proved: 0, bytes: 0, kept: 0, left: 0 });
  const wrong = { sha256: sha256('right'), bytes: Buffer.from('wrong'), of: file.sha256 };
  await assert.rejects(keepCompressed(deps, wrong), { code: 'index-mismatch' });
});

test('proveCompressed: goes on where it was stopped, and tries nothing twice', async () => {
  const tried: string[] = [];
  const { deps, keep } = await world([toyEncoder('a', tried), { ...toyEncoder('b', tried), mayHaveMade: () => true }]);
  for (const mark of ['a', 'b', 'c', 'd']) await keep(mark);
  assert.equal((await proveCompressed(deps, undefined, { milliseconds: -1 })).left, 4);
  const stop = new AbortController();
  const first = await proveCompressed(deps, (done) => done === 2 && stop.abort(), { signal: stop.signal });
  assert.deepEqual([first.proved + first.kept, first.left], [2, 2]);
  const second = await proveCompressed(deps);
  assert.deepEqual([first.proved + second.proved, first.kept + second.kept, second.left], [2, 2, 0]);
  const tries = tried.length;
  await proveCompressed(deps);
  assert.equal(tried.length, tries);
  const again = await proveCompressed({ ...deps, encoders: [toyEncoder('c')] }, undefined, { again: true });
  assert.equal(again.proved, 1);
});

test('readCompressed: says so when an encoder makes other bytes than it did', async () => {
  const { deps, keep } = await world([toyEncoder('a')]);
  const file = await keep('a');
  await proveCompressed(deps);
  const other: IndexEncoder = { ...toyEncoder('a'), encode: async () => Buffer.from('a!') };
  await assert.rejects(readCompressed({ ...deps, encoders: [other] }, file.sha256), { code: 'compressed-differs' });
  await assert.rejects(readCompressed({ ...deps, encoders: [] }, file.sha256), { code: 'compressed-differs' });
});
