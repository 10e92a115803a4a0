import assert from 'node:assert/strict';
import { mkdtemp, open, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import test, { type TestContext } from 'node:test';

import fc from 'fast-check';

import type { IndexStore } from '../../history/ports.ts';
import { sha256, type Sha256 } from '../../kit/digest.ts';
import { openIndexStore } from './store.ts';
import { ToySuite, type ToyVersion } from './testdata/toy-suite.ts';

async function directoryFor(t: TestContext): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'sheaf-history-'));
  t.after(() => rm(directory, { recursive: true }));
  return directory;
}

async function openFor(t: TestContext, directory: string, options = {}) {
  const store = await openIndexStore(directory, options);
  t.after(() => store.close());
  return store;
}

/** The first version and `count` further ones, each stored as the successor of the one before. */
async function putVersions(store: IndexStore, count: number, packages = 400): Promise<ToyVersion[]> {
  const suite = new ToySuite(7, packages);
  const versions = [suite.now()];
  for (let index = 0; index < count; index++) versions.push(suite.change(12));
  for (const [index, version] of versions.entries()) {
    await store.put(version.bytes, {
      sha256: version.sha256,
      split: 'stanzas',
      successorOf: versions[index - 1]?.sha256,
    });
  }
  return versions;
}

async function assertAll(store: IndexStore, versions: readonly ToyVersion[]): Promise<void> {
  for (const version of versions) {
    assert.ok((await store.read(version.sha256)).equals(version.bytes));
    const pieces = await store.readPieces(await store.pieces(version.sha256));
    assert.ok(Buffer.concat(pieces).equals(version.bytes));
  }
}

test('openIndexStore: what was put is read again, by the same store and by one opened later', async (t) => {
  const directory = await directoryFor(t);
  const store = await openFor(t, directory);
  const versions = await putVersions(store, 20);
  await assertAll(store, versions);
  const later = await openFor(t, directory);
  assert.equal(later.id, store.id);
  await assertAll(later, versions);
  const raw = versions.reduce((sum, { bytes }) => sum + bytes.length, 0);
  const { bytes, ...stats } = await later.stats();
  assert.deepEqual(stats, {
    indexes: 21,
    pieces: (await later.stats()).pieces,
    rawBytes: raw,
  });
  assert.ok(bytes < versions[0]!.bytes.length, `${bytes} bytes on the disk for ${raw}`);
});

test('openIndexStore: a further version costs what its changes cost', async (t) => {
  const store = await openFor(t, await directoryFor(t));
  const suite = new ToySuite(3, 2000);
  const first = suite.now();
  const second = suite.change(10);
  const one = await store.put(first.bytes, { sha256: first.sha256, split: 'stanzas' });
  const { bytes } = await store.stats();
  const two = await store.put(second.bytes, { sha256: second.sha256, split: 'stanzas', successorOf: first.sha256 });
  assert.deepEqual([one.pieces, one.newPieces], [2000, 2000]);
  assert.ok(two.newPieces <= 11 && two.newPieces > 0);
  assert.ok((await store.stats()).bytes - bytes < 2500);
  const [before, now] = [await store.pieces(first.sha256), await store.pieces(second.sha256)];
  const known = new Set(before);
  assert.equal(now.filter((piece) => !known.has(piece)).length, two.newPieces);
  assert.deepEqual(await store.info(second.sha256), two);
});

test('openIndexStore: any bytes, cut either way, with any predecessor', async (t) => {
  const store = await openFor(t, await directoryFor(t));
  const part = fc.constantFrom('a: 1\n', 'b: 2\n', '\n', '\n\n', '\r\n', 'x', '\0', `Package: ${'p'.repeat(70)}\n`);
  const text = fc.array(part, { maxLength: 60 }).map((parts) => Buffer.from(parts.join('')));
  const put = fc.record({ bytes: text, split: fc.constantFrom('stanzas' as const, 'lines' as const) });
  let last: Sha256 | undefined;
  await fc.assert(
    fc.asyncProperty(put, async ({ bytes, split }) => {
      const digest = sha256(bytes);
      const known = await store.info(digest);
      const stored = await store.put(bytes, { sha256: digest, split, successorOf: last });
      assert.equal(stored.size, bytes.length);
      if (known !== undefined) assert.deepEqual(stored, known);
      assert.ok((await store.read(digest)).equals(bytes));
      assert.ok(Buffer.concat(await store.readPieces(await store.pieces(digest))).equals(bytes));
      last = digest;
    }),
    { numRuns: 60 },
  );
});

test('openIndexStore: stanzas are cut after each two LF', async (t) => {
  const store = await openFor(t, await directoryFor(t));
  const bytes = Buffer.from('A: 1\n\nB: 2\n\n\nC: 3\n\n\n\n\nD: 4');
  await store.put(bytes, { sha256: sha256(bytes), split: 'stanzas' });
  const pieces = await store.readPieces(await store.pieces(sha256(bytes)));
  assert.deepEqual(pieces.map(String), ['A: 1\n\n', 'B: 2\n\n', '\nC: 3\n\n', '\n\n', '\nD: 4']);
});

test('openIndexStore: a change of a line changes few pieces of lines', async (t) => {
  const store = await openFor(t, await directoryFor(t));
  const lines = Array.from(
    { length: 20_000 },
    (_, index) => `usr/share/doc/package-${index * 7}/copyright doc/p${index}\n`,
  );
  const before = Buffer.from(lines.join(''));
  const one = await store.put(before, { sha256: sha256(before), split: 'lines' });
  assert.ok(one.pieces > before.length / 4096 && one.pieces < before.length / 1024, `${one.pieces} pieces`);
  lines.splice(9000, 1, 'usr/share/doc/other/copyright doc/other\n');
  const after = Buffer.from(lines.join(''));
  const two = await store.put(after, { sha256: sha256(after), split: 'lines', successorOf: sha256(before) });
  assert.ok(two.newPieces >= 1 && two.newPieces <= 3, `${two.newPieces} new pieces`);
});

test('openIndexStore: a file without any line end is cut too', async (t) => {
  const store = await openFor(t, await directoryFor(t));
  const bytes = Buffer.alloc(300_000, 'x');
  const { pieces, newPieces } = await store.put(bytes, { sha256: sha256(bytes), split: 'lines' });
  assert.deepEqual([pieces, newPieces], [5, 2]);
  assert.ok((await store.read(sha256(bytes))).equals(bytes));
});

test('openIndexStore: an index that it has is not stored again', async (t) => {
  const store = await openFor(t, await directoryFor(t));
  const [version] = await putVersions(store, 0);
  const { bytes } = await store.stats();
  const again = await store.put(version!.bytes, { sha256: version!.sha256, split: 'lines' });
  assert.equal(again.split, 'stanzas');
  assert.equal((await store.stats()).bytes, bytes);
});

test('openIndexStore: refuses with a code', async (t) => {
  const store = await openFor(t, await directoryFor(t));
  const bytes = Buffer.from('Package: a\n\n');
  const other = sha256('other');
  await assert.rejects(store.put(bytes, { sha256: other, split: 'stanzas' }), { code: 'index-mismatch' });
  await assert.rejects(store.read(other), { code: 'index-missing' });
  await assert.rejects(store.pieces(other), { code: 'index-missing' });
  await assert.rejects(store.readPieces([1]), { code: 'piece-missing' });
  await assert.rejects(store.readPieces([0]), { code: 'piece-missing' });
  assert.equal(await store.info(other), undefined);
  const blank = Buffer.alloc(2 ** 24 + 4, '\n');
  await assert.rejects(store.put(blank, { sha256: sha256(blank), split: 'stanzas' }), { code: 'over-limit' });
  assert.equal((await store.stats()).indexes, 0);
});

test('openIndexStore: pieces with the same checksum and length are told apart', async (t) => {
  const store = await openFor(t, await directoryFor(t));
  const [one, two] = collidingStanzas();
  assert.equal(crc32(one), crc32(two));
  assert.equal(one.length, two.length);
  const tail = Buffer.from('Package: z\n\n');
  const indexes = [[one], [two], [one, two, one], [two, tail], [one, tail]].map((parts) => Buffer.concat(parts));
  let last: Sha256 | undefined;
  for (const bytes of indexes) {
    await store.put(bytes, { sha256: sha256(bytes), split: 'stanzas', successorOf: last });
    last = sha256(bytes);
  }
  for (const bytes of indexes) assert.ok((await store.read(sha256(bytes))).equals(bytes));
});

/** Two stanzas of one length with the same CRC-32, from a search over four free bytes that undo a difference. */
function collidingStanzas(): readonly [Buffer, Buffer] {
  const seen = new Map<number, Buffer>();
  for (let index = 0; ; index++) {
    const stanza = Buffer.from(`Package: ${String(Math.imul(index, 2654435761) >>> 0).padStart(10, '0')}\n\n`);
    const known = seen.get(crc32(stanza));
    if (known !== undefined && !known.equals(stanza)) return [known, stanza];
    seen.set(crc32(stanza), stanza);
  }
}

test('openIndexStore: a store opened before sees what another writes, also after a compaction', async (t) => {
  const directory = await directoryFor(t);
  const [reader, writer] = [await openFor(t, directory), await openFor(t, directory)];
  const versions = await putVersions(writer, 6);
  await assertAll(reader, versions);
  const { before, after } = await writer.compact();
  assert.ok(after < before);
  await assertAll(reader, versions);
  const next = new ToySuite(99, 50).now();
  await reader.put(next.bytes, { sha256: next.sha256, split: 'stanzas', successorOf: versions[3]!.sha256 });
  await assertAll(writer, [...versions, next]);
  assert.deepEqual(
    (await readdir(directory)).filter((name) => name.startsWith('log-')),
    ['log-00000002'],
  );
});

test('openIndexStore: compaction keeps the number of every piece', async (t) => {
  const directory = await directoryFor(t);
  const store = await openFor(t, directory);
  const versions = await putVersions(store, 30);
  const lists = await Promise.all(versions.map(({ sha256: digest }) => store.pieces(digest)));
  const infos = await Promise.all(versions.map(({ sha256: digest }) => store.info(digest)));
  for (const round of [1, 2]) {
    await store.compact();
    await assertAll(store, versions);
    assert.deepEqual(await Promise.all(versions.map(({ sha256: digest }) => store.pieces(digest))), lists, `${round}`);
    assert.deepEqual(await Promise.all(versions.map(({ sha256: digest }) => store.info(digest))), infos);
  }
  const suite = new ToySuite(7, 400);
  const more = suite.change(50);
  const stored = await store.put(more.bytes, {
    sha256: more.sha256,
    split: 'stanzas',
    successorOf: versions.at(-1)!.sha256,
  });
  const highest = Math.max(...lists.map((list) => Math.max(...list)));
  const known = new Set(lists.flatMap((list) => [...list]));
  const fresh = (await store.pieces(more.sha256)).filter((piece) => !known.has(piece));
  assert.equal(fresh.length, stored.newPieces);
  assert.ok(fresh.every((piece) => piece > highest));
});

test('openIndexStore: readers go on while another store writes and compacts', async (t) => {
  const directory = await directoryFor(t);
  const writer = await openFor(t, directory);
  const reader = await openFor(t, directory, { cacheBytes: 1000 });
  const versions = await putVersions(writer, 3);
  let stop = false;
  const reading = (async () => {
    let rounds = 0;
    while (!stop) {
      await assertAll(reader, versions);
      rounds++;
    }
    return rounds;
  })();
  const suite = new ToySuite(11, 400);
  for (let index = 0; index < 8; index++) {
    const next = suite.change(10);
    await writer.put(next.bytes, { sha256: next.sha256, split: 'stanzas', successorOf: versions[2]!.sha256 });
    if (index % 3 === 2) await writer.compact();
  }
  stop = true;
  assert.ok((await reading) > 0);
});

test('FileIndexStore.verify: names every index that a flipped byte damages; storing it again heals it', async (t) => {
  const directory = await directoryFor(t);
  const store = await openIndexStore(directory);
  const versions = await putVersions(store, 5);
  const { bytes: size } = await store.stats();
  assert.deepEqual((await store.verify()).problems, []);
  await store.close();
  const log = join(directory, 'log-00000001');
  const good = await readFile(log);
  let [named, healed] = [0, 0];
  for (let offset = 70; offset < size; offset += Math.floor(size / 16)) {
    const bad = Buffer.from(good);
    bad[offset]! ^= 0x10;
    await writeFile(log, bad);
    const damaged = await openIndexStore(directory);
    const lost: ToyVersion[] = [];
    for (const version of versions) {
      const bytes = await damaged.read(version.sha256).catch((error: Error & { code: string }) => {
        assert.ok(['index-corrupt', 'index-missing'].includes(error.code), error.stack);
        return undefined;
      });
      if (bytes === undefined) lost.push(version);
      else assert.ok(bytes.equals(version.bytes));
    }
    const { problems } = await damaged.verify();
    const missing = await Promise.all(
      lost.map(async ({ sha256: digest }) => (await damaged.info(digest)) === undefined),
    );
    assert.equal(problems.filter((problem) => problem.sha256 !== undefined).length, missing.filter((is) => !is).length);
    // The end of the log may be a write cut short; anything else is told.
    if (problems.length > 0 || lost.length > 0) named++;
    for (const version of versions) await damaged.put(version.bytes, { sha256: version.sha256, split: 'stanzas' });
    await assertAll(damaged, versions);
    healed += lost.length;
    await damaged.compact();
    await assertAll(damaged, versions);
    assert.deepEqual((await damaged.verify()).problems, []);
    await damaged.close();
    for (const name of await readdir(directory)) await rm(join(directory, name));
  }
  assert.ok(named > 10 && healed > 10, `${named} named, ${healed} healed`);
});

test('openIndexStore: refuses a log that does not begin with its id', async (t) => {
  const directory = await directoryFor(t);
  await (await openIndexStore(directory)).close();
  const file = await open(join(directory, 'log-00000001'), 'r+');
  await file.write(Buffer.from('xx'), 0, 2, 3);
  await file.close();
  await assert.rejects(openIndexStore(directory), { code: 'index-store-damaged' });
  assert.ok((await stat(join(directory, 'log-00000001'))).size > 0);
});
