import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, before, test } from 'node:test';

import { FakeArchive, type PublishOptions } from '../../test/fake-mirror.ts';
import { historyWorld, toyBinary, toySource, type HistoryWorld } from '../../test/history-world.ts';
import { readCompressed } from '../history/compressed.ts';
import { indexesAt, listSnapshots, whereWas } from '../history/mod.ts';
import { sha256 } from '../kit/digest.ts';
import type { Upstream } from '../model/distribution.ts';
import { parseArchitecture, parseLabel, snapshotTime, type SnapshotId } from '../model/names.ts';
import { Blobs } from '../plumbing/blobs.ts';
import { decompressIndex } from '../plumbing/decompress.ts';
import { encoders } from '../plumbing/history/encoders.ts';
import { openSavedTrees } from '../plumbing/import-sources.ts';
import { verifyRelease } from '../plumbing/signature/release.ts';
import { importIndexes, type ImportDeps, type ImportOptions } from './import-indexes.ts';

const root = mkdtempSync(join(tmpdir(), 'sheaf-import-'));
let archive: FakeArchive;
before(async () => {
  archive = await FakeArchive.start();
});
after(async () => {
  await archive.close();
  rmSync(root, { recursive: true });
});

const packagesPath = 'main/binary-amd64/Packages';
let count = 0;

/** A tree as a mirror has it, without its by-hash folders; `spoil` may change files. */
async function tree(
  directory: string,
  time: string,
  version: string,
  options: Partial<PublishOptions> = {},
  spoil: (files: Map<string, Uint8Array>) => void = () => {},
): Promise<string> {
  archive.mirror.files.clear();
  const indexes = {
    [packagesPath]: toyBinary({ name: 'hello', version }) + toyBinary({ name: 'stays' }),
    'main/source/Sources': toySource({ name: 'hello', version }),
  };
  await archive.publish('trixie', indexes, { date: snapshotTime(time as SnapshotId), ...options });
  const files = new Map([...archive.mirror.files].filter(([name]) => !name.includes('by-hash')));
  spoil(files);
  for (const [name, bytes] of files) save(join(directory, name), bytes);
  return directory;
}

function save(path: string, bytes: Uint8Array | string): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, bytes);
}

const fresh = () => join(root, String((count += 1)));

function upstream(more: Partial<Upstream> = {}): Upstream {
  return {
    ...{ name: parseLabel('toy'), url: 'http://x', keyring: archive.keyring, suites: ['trixie'], components: ['main'] },
    ...{ architectures: [parseArchitecture('amd64')], sources: true, contents: false, translations: [] },
    ...{ expired: 'refuse', every: undefined },
    ...more,
  };
}

type World = HistoryWorld & {
  readonly all: ImportDeps;
  readonly take: (directory: string, options?: ImportOptions, of?: Upstream) => ReturnType<typeof importIndexes>;
  readonly versions: () => Promise<string[]>;
};

async function withWorld(work: (world: World) => Promise<void>): Promise<void> {
  const world = await historyWorld();
  const all: ImportDeps = {
    ...{ ...world.deps, verifyRelease, encoders, blobs: new Blobs(fresh()) },
    decompress: decompressIndex,
    clock: { now: () => new Date('2026-11-21T00:00:00Z') },
  };
  try {
    await work({
      ...{ ...world, all },
      take: async (directory, options, of = upstream()) => {
        const saved = await openSavedTrees(directory);
        try {
          return await importIndexes(all, of, saved.trees, options);
        } finally {
          await saved.close();
        }
      },
      versions: async () =>
        (await whereWas(world.db, { name: 'hello', kind: 'binary' })).map(
          ({ entry, since, until }) => `${entry.version} ${since} ${until ?? 'now'}`,
        ),
    });
  } finally {
    await world.close();
  }
}

test('importIndexes takes a tree, verified as of its own date though it has expired since', async () => {
  const validUntil = new Date('2026-01-08T00:00:00Z');
  const directory = await tree(fresh(), '20260101T000000Z', '1.0-1', { validUntil, codename: 'trixie' });
  await withWorld(async ({ take, db, store, all }) => {
    const report = await take(directory);
    assert.deepEqual(report.problems, []);
    assert.deepEqual(
      report.recorded.map(({ snapshotId, signedBy, indexes }) => ({ snapshotId, signedBy, indexes })),
      [{ snapshotId: '20260101T000000Z', signedBy: [archive.signer.fingerprint], indexes: 2 }],
    );
    const [snapshot] = await listSnapshots(db, { origin: 'toy', suite: 'trixie' }, { limit: 9 });
    assert.deepEqual(snapshot!.validUntil, validUntil);
    const inRelease = archive.mirror.files.get('dists/trixie/InRelease')!;
    assert.deepEqual(await store.read(snapshot!.release!), Buffer.from(inRelease));
    for (const { path, sha256: digest } of await indexesAt(db, snapshot!)) {
      const packed = archive.mirror.files.get(`dists/trixie/${path}.xz`)!;
      assert.deepEqual(Buffer.from(await decompressIndex(packed, 1e6)), await store.read(digest));
      for (const suffix of ['.xz', '.gz']) {
        const bytes = Buffer.from(archive.mirror.files.get(`dists/trixie/${path}${suffix}`)!);
        assert.deepEqual(Buffer.from((await readCompressed(all, sha256(bytes)))!), bytes, path + suffix);
      }
    }
  });
});

test('importIndexes takes dated trees in any order, also twice, and counts what it knew', async () => {
  const saved = fresh();
  for (const [day, version] of [
    ['02', '1.0-2'],
    ['03', '1.0-3'],
    ['01', '1.0-1'],
  ] as const) {
    await tree(join(saved, `2026-01-${day}`), `202601${day}T000000Z`, version);
  }
  await withWorld(async ({ take, versions }) => {
    const middle = await take(join(saved, '2026-01-02'));
    assert.equal(middle.recorded.length, 1);
    const rest = await take(saved);
    assert.deepEqual([rest.trees, rest.known, rest.recorded.length, rest.problems.length], [3, 1, 2, 0]);
    const expected = [
      '1.0-3 20260103T000000Z now',
      '1.0-2 20260102T000000Z 20260103T000000Z',
      '1.0-1 20260101T000000Z 20260102T000000Z',
    ];
    assert.deepEqual(await versions(), expected);
    const again = await take(saved);
    assert.deepEqual([again.known, again.recorded.length], [3, 0]);
    assert.deepEqual(await versions(), expected);
  });
});

test('importIndexes adds the indexes of a known snapshot that come later', async () => {
  const one = await tree(fresh(), '20260101T000000Z', '1.0-1', {}, (files) => {
    for (const name of [...files.keys()]) if (name.includes('/source/')) files.delete(name);
  });
  const two = await tree(fresh(), '20260101T000000Z', '1.0-1');
  await withWorld(async ({ take, db }) => {
    assert.equal((await take(one)).recorded[0]!.indexes, 1);
    assert.equal((await take(two)).recorded.length, 1);
    const [snapshot] = await listSnapshots(db, { origin: 'toy', suite: 'trixie' }, { limit: 9 });
    assert.deepEqual(
      (await indexesAt(db, snapshot!)).map(({ path }) => path),
      [packagesPath, 'main/source/Sources'],
    );
    assert.equal((await take(two)).known, 1);
  });
});

test('importIndexes takes lone files beside a Release file', async () => {
  const directory = await tree(fresh(), '20260101T000000Z', '1.0-1', {}, (files) => {
    for (const [name, bytes] of [...files]) {
      files.delete(name);
      files.set(name.replace(/^.*\//, ''), bytes);
    }
  });
  await withWorld(async ({ take, versions }) => {
    assert.deepEqual((await take(directory)).problems, []);
    assert.deepEqual(await versions(), ['1.0-1 20260101T000000Z now']);
  });
});

test('importIndexes takes Release with Release.gpg, and keeps both', async () => {
  const directory = await tree(fresh(), '20260101T000000Z', '1.0-1', { signature: 'detached' });
  const gpg = archive.mirror.files.get('dists/trixie/Release.gpg')!;
  await withWorld(async ({ take, db, store }) => {
    assert.deepEqual((await take(directory)).recorded[0]!.signedBy, [archive.signer.fingerprint]);
    const [snapshot] = await listSnapshots(db, { origin: 'toy', suite: 'trixie' }, { limit: 9 });
    const kept = (await indexesAt(db, snapshot!)).find(({ path }) => path === 'Release.gpg')!;
    assert.deepEqual(await store.read(kept.sha256), Buffer.from(gpg));
  });
});

test('importIndexes takes a git repository with one version per commit, without Release files when that is asked for', async () => {
  const directory = fresh();
  const git = (...args: string[]) =>
    execFileSync('git', ['-c', 'user.name=t', '-c', 'user.email=t@e', '-C', directory, ...args], {
      env: { PATH: process.env['PATH'], HOME: root, ...(dated === '' ? {} : { GIT_COMMITTER_DATE: dated }) },
    });
  let dated = '';
  mkdirSync(directory);
  git('init', '-q');
  for (const day of [1, 2, 3]) {
    dated = `2026-02-0${day}T06:00:00Z`;
    save(join(directory, 'Packages'), toyBinary({ name: 'hello', version: `1.0-${day}` }));
    git('add', '.');
    git('commit', '-q', '-m', dated);
  }
  await withWorld(async ({ take, versions, db }) => {
    const refused = await take(directory);
    assert.deepEqual(
      refused.problems.map(({ code, hint }) => `${code}: ${hint}`),
      Array.from({ length: 3 }, () => 'no-release: To take them all the same: --unsigned'),
    );
    const report = await take(directory, { unsigned: true });
    assert.deepEqual(report.problems, []);
    assert.deepEqual(await versions(), [
      '1.0-3 20260203T060000Z now',
      '1.0-2 20260202T060000Z 20260203T060000Z',
      '1.0-1 20260201T060000Z 20260202T060000Z',
    ]);
    const [snapshot] = await listSnapshots(db, { origin: 'toy', suite: 'trixie' }, { limit: 1 });
    assert.deepEqual([snapshot!.signedBy, snapshot!.release], [[], undefined]);
  });
});

type Spoil = (files: Map<string, Uint8Array>) => void;
const day = '20260102T000000Z';
for (const [what, options, spoil, code, file] of [
  [
    'an index of another day',
    { compressions: ['.xz'] },
    change(`dists/trixie/${packagesPath}.xz`, () => xz('Package: other\n')),
    'index-mismatch',
    `dists/trixie/${packagesPath}.xz`,
  ],
  [
    'a damaged index',
    { compressions: ['.xz'] },
    change(`dists/trixie/${packagesPath}.xz`, (bytes) => bytes.subarray(0, 60)),
    'bad-compression',
    `dists/trixie/${packagesPath}.xz`,
  ],
  [
    'a changed Release file',
    {},
    change('dists/trixie/InRelease', (bytes) =>
      Buffer.from(bytes.toString().replace('Acquire-By-Hash: yes', 'Acquire-By-Hash: no')),
    ),
    'bad-signature',
    'dists/trixie/InRelease',
  ],
  ['no signature', { signature: 'none' }, undefined, 'unsigned', 'dists/trixie/InRelease'],
  [
    'a date in the future',
    { date: new Date('2027-01-01T00:00:00Z') },
    undefined,
    'release-from-future',
    'dists/trixie',
  ],
  ['another suite inside', { suite: 'sid', codename: 'sid' }, undefined, 'wrong-suite', 'dists/trixie'],
  [
    'a Release file that is none',
    {},
    change('dists/trixie/InRelease', () => Buffer.from('hello')),
    'bad-control-file',
    'dists/trixie',
  ],
  [
    'no index',
    {},
    (files: Map<string, Uint8Array>) =>
      [...files.keys()].forEach((name) => !name.includes('InRelease') && files.delete(name)),
    'no-index',
    'dists/trixie',
  ],
] as const satisfies readonly (readonly [string, Partial<PublishOptions>, Spoil | undefined, string, string])[]) {
  test(`importIndexes reports ${what} with its file, records nothing of it, and goes on`, async () => {
    const saved = fresh();
    await tree(join(saved, '20260101'), '20260101T000000Z', '1.0-1');
    await tree(join(saved, '20260102'), day, '1.0-2', options, spoil);
    await tree(join(saved, '20260103'), '20260103T000000Z', '1.0-3');
    await withWorld(async ({ take, versions }) => {
      const report = await take(saved);
      assert.deepEqual(
        report.problems.map((each) => [each.tree, each.code, each.file]),
        [[join(saved, '20260102'), code, file]],
        JSON.stringify(report.problems),
      );
      assert.deepEqual(await versions(), ['1.0-3 20260103T000000Z now', '1.0-1 20260101T000000Z 20260103T000000Z']);
    });
  });
}

test('importIndexes takes an index out of whichever of its files is good', async () => {
  const spoil = change(`dists/trixie/${packagesPath}.gz`, (bytes) => bytes.subarray(0, 60));
  const directory = await tree(fresh(), day, '1.0-2', {}, spoil);
  await withWorld(async ({ take, versions }) => {
    assert.deepEqual((await take(directory)).problems, []);
    assert.deepEqual(await versions(), [`1.0-2 ${day} now`]);
  });
});

test('importIndexes refuses another Release file of a date that it knows', async () => {
  const one = await tree(fresh(), day, '1.0-1');
  const two = await tree(fresh(), day, '1.0-2');
  await withWorld(async ({ take }) => {
    await take(one);
    assert.deepEqual(
      (await take(two)).problems.map((each) => each.code),
      ['release-altered'],
    );
  });
});

test('importIndexes takes an unsigned Release file when that is asked for, and never a wrongly signed one', async () => {
  const unsigned = await tree(fresh(), day, '1.0-1', { signature: 'none' });
  const stranger = await archive.makeSigner(`stranger-${(count += 1)}`);
  const strange = await tree(fresh(), '20260103T000000Z', '1.0-2', { signer: stranger });
  await withWorld(async ({ take }) => {
    assert.deepEqual((await take(unsigned, { unsigned: true })).recorded[0]!.signedBy, []);
    assert.deepEqual(
      (await take(strange, { unsigned: true })).problems.map((each) => each.code),
      ['unknown-key'],
    );
  });
});

test('importIndexes says what it leaves out, and what it cannot tell', async () => {
  const directory = await tree(fresh(), day, '1.0-1');
  const bare = join(fresh(), '20260101');
  save(join(bare, 'Packages'), toyBinary({ name: 'hello' }));
  const undated = fresh();
  save(join(undated, 'Packages'), toyBinary({ name: 'hello' }));
  await withWorld(async ({ take }) => {
    const other = upstream({ suites: ['sid', 'bookworm'] });
    const left = await take(directory, {}, other);
    assert.deepEqual([left.leftOut, left.problems, left.recorded], [['trixie'], [], []]);
    const codes = async (options: ImportOptions, folder = dirname(bare)) =>
      (await take(folder, options, other)).problems.map((each) => each.code);
    assert.deepEqual(await codes({ unsigned: true }), ['which-suite']);
    assert.deepEqual(await codes({ unsigned: true, suite: 'sid' }), []);
    assert.deepEqual(await codes({ unsigned: true, suite: 'sid' }, undated), ['no-date']);
    await assert.rejects(take(directory, { suite: 'nowhere' }), /Cannot import into toy\/nowhere: it is not followed/);
  });
});

test('importIndexes stops where it is called off', async () => {
  const directory = await tree(fresh(), day, '1.0-1');
  await withWorld(async ({ take, versions }) => {
    await assert.rejects(take(directory, { signal: AbortSignal.abort() }), { code: 'aborted' });
    assert.deepEqual(await versions(), []);
  });
});

function change(name: string, to: (bytes: Buffer) => Uint8Array): Spoil {
  return (files) => void files.set(name, to(Buffer.from(files.get(name)!)));
}

function xz(text: string): Buffer {
  return execFileSync('xz', ['-c'], { input: text });
}
