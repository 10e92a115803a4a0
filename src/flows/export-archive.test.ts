import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, readlink, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, afterEach, before, test } from 'node:test';
import { setTimeout } from 'node:timers/promises';

import { toyArchive, toyPackage, type ToyArchive } from '../../test/toy-archive.ts';
import { acceptBinaries, acceptSource, publishSuite } from '../archive/mod.ts';
import type { SnapshotId } from '../model/names.ts';
import { exportTree } from '../plumbing/export-tree.ts';
import { runChecked } from '../plumbing/process.ts';
import { exportArchive, type ExportDeps, type ExportOptions } from './export-archive.ts';

let toy: ToyArchive;
let deps: ExportDeps;
let directory: string;
let target: string;
const ids: SnapshotId[] = [];

async function publish(version: string, day: number): Promise<void> {
  const now = new Date(Date.UTC(2026, 10, day));
  const requests = await toyPackage(toy.deps.blobs, 'toy', version, [{ name: 'toy' }]);
  assert.equal((await acceptSource(toy.deps, requests.source, now)).kind, 'accepted');
  assert.equal((await acceptBinaries(toy.deps, requests.binaries, now)).kind, 'accepted');
  const done = await publishSuite(toy.deps, 'stable', now);
  assert.equal(done.kind, 'published');
  ids.push(done.snapshotId);
}

before(async () => {
  toy = await toyArchive({});
  directory = await mkdtemp(join(tmpdir(), 'sheaf-export-'));
  await publish('1.0', 1);
  await publish('2.0', 2);
  deps = {
    distribution: toy.deps.distribution,
    directory: toy.deps.directory,
    tree: exportTree,
    gunzip: toy.deps.compression.gunzip,
  };
});
afterEach(() => rm(target, { recursive: true, force: true }));
after(async () => {
  await toy.close();
  await rm(directory, { recursive: true });
});

async function run(options: ExportOptions = {}, with_: ExportDeps = deps) {
  target = join(directory, 'out');
  const [report, ...others] = await exportArchive(with_, target, options);
  assert.equal(others.length, 0);
  return report!;
}

function pause(): [held: Promise<void>, release: () => void] {
  const { promise, resolve } = Promise.withResolvers<void>();
  return [promise, resolve];
}

async function walk(folder: string): Promise<string[]> {
  const names = await readdir(folder, { recursive: true, withFileTypes: true });
  return names
    .filter((each) => !each.isDirectory())
    .map((each) => join(each.parentPath, each.name).slice(folder.length + 1))
    .toSorted();
}

test('exportArchive gives what the suite is now, by hard links, the same bytes at the same paths', async () => {
  const report = await run();
  const root = join(target, 'main');
  assert.deepEqual(report.suites, [{ suite: 'stable', snapshotId: ids[1] }]);
  assert.equal(report.copied, 0);
  assert.equal(await readlink(join(root, 'dists/stable')), `../snapshot/stable/${ids[1]}/dists/stable`);
  assert.equal(await readlink(join(root, 'snapshot/stable/2')), ids[1]);
  const files = await walk(root);
  assert.deepEqual(
    files.filter((path) => path.startsWith('pool/')),
    ['toy_2.0.dsc', 'toy_2.0.tar.xz', 'toy_2.0_amd64.deb'].map((name) => `pool/main/t/toy/${name}`),
  );
  assert.ok(files.includes('key.asc') && files.includes('key.gpg'));
  assert.ok(files.some((path) => path.startsWith('by-hash/SHA256/')));
  for (const path of files) {
    if (path.startsWith('.sheaf-export')) continue;
    const [left, right] = [join(root, path), join(toy.deps.directory, 'main', path)];
    const facts = await stat(left);
    if (facts.isFile()) assert.deepEqual(await readFile(left), await readFile(right), path);
    if (path.startsWith('pool/')) assert.equal(facts.ino, (await stat(right)).ino);
  }
});

test('exportArchive adds only what is new, and takes nothing away unless asked', async () => {
  const first = await run({ at: ids[0]! });
  assert.deepEqual(first.suites, [{ suite: 'stable', snapshotId: ids[0] }]);
  assert.equal(first.added, 3 + (await readdir(join(target, 'main/by-hash/SHA256'))).length);
  const second = await run();
  assert.ok(second.added >= 3);
  const again = await run();
  assert.deepEqual([again.added, again.bytes, again.removed], [0, 0, 0]);
  assert.ok((await walk(join(target, 'main'))).includes('pool/main/t/toy/toy_1.0_amd64.deb'));
  const third = await run({ remove: true });
  assert.ok(third.removed >= 4);
  const files = await walk(join(target, 'main'));
  assert.ok(!files.some((path) => path.includes('toy_1.0') || path.includes(ids[0]!)), files.join('\n'));
  assert.ok(files.includes('pool/main/t/toy/toy_2.0_amd64.deb'));
  assert.equal((await run({ remove: true })).removed, 0);
});

test('exportArchive goes back in time', async () => {
  await run();
  await run({ at: ids[0]!, remove: true });
  const release = await readFile(join(target, 'main/dists/stable/InRelease'));
  assert.deepEqual(
    release,
    await readFile(join(toy.deps.directory, `main/snapshot/stable/${ids[0]}/dists/stable/InRelease`)),
  );
  await assert.rejects(run({ at: '20250101T000000Z' as SnapshotId }), { code: 'nothing-published' });
});

test('exportArchive copies where there are no hard links', async () => {
  const copying = { ...deps, tree: { ...exportTree, carry: carryAcross } };
  const report = await run({}, copying);
  assert.ok(report.added > 0 && report.copied === report.added);
  const path = 'main/pool/main/t/toy/toy_2.0_amd64.deb';
  const [left, right] = [await stat(join(target, path)), await stat(join(toy.deps.directory, path))];
  assert.notEqual(left.ino, right.ino);
  assert.deepEqual(await readFile(join(target, path)), await readFile(join(toy.deps.directory, path)));
  assert.equal((await run({}, copying)).added, 0);
});

type Carry = Parameters<typeof exportTree.carry>;

/** /dev/shm is another file system: first there, then from there. */
async function carryAcross(...[source, place, workshop]: Carry): ReturnType<typeof exportTree.carry> {
  const shared = await mkdtemp('/dev/shm/sheaf-export-');
  try {
    await exportTree.carry(source, join(shared, 'file'), shared);
    return await exportTree.carry(join(shared, 'file'), place, workshop);
  } finally {
    await rm(shared, { recursive: true });
  }
}

test('exportArchive that fails at any step leaves the suite as it was, and the next run finishes it', async () => {
  await run({ at: ids[0]! });
  const before = await readFile(join(target, 'main/dists/stable/InRelease'));
  const writing = ['carry', 'symlink', 'makeDirectory', 'place', 'sync', 'renameUnlessThere'] as const;
  let failures = 0;
  for (let step = 1; ; step++) {
    let left = step;
    const fail = async (): Promise<void> => {
      if (--left === 0) throw new Error('the disk is full');
    };
    const faulty = Object.fromEntries(
      writing.map((name) => [
        name,
        async (...parameters: never[]) => {
          await fail();
          return (exportTree[name] as (...all: never[]) => unknown)(...parameters);
        },
      ]),
    );
    const failed = await run({}, { ...deps, tree: { ...exportTree, ...faulty } as typeof exportTree }).then(
      () => undefined,
      (error: Error) => error.message,
    );
    const pointer = await readlink(join(target, 'main/dists/stable'));
    const swapped = pointer.includes(ids[1]!);
    if (failed === undefined) {
      assert.ok(swapped);
      break;
    }
    assert.equal(failed, 'the disk is full');
    failures++;
    if (!swapped) assert.deepEqual(await readFile(join(target, 'main/dists/stable/InRelease')), before);
    // Whatever is led to is whole.
    for (const name of ['InRelease', 'main/binary-amd64/Packages.xz'])
      await stat(join(target, 'main/dists/stable', name));
  }
  assert.ok(failures > 10, `${failures} steps`);
  assert.ok((await walk(join(target, 'main'))).every((path) => !path.endsWith('.tmp')));
});

test('exportArchive takes away what a killed run has left', async () => {
  await run({ at: ids[0]! });
  const left = randomUUID();
  const leftovers = ['dists/stable', `snapshot/stable/${ids[1]}`, '.sheaf-export'].map((name) => `${name}.${left}.tmp`);
  for (const name of [...leftovers, `.sheaf-export.tmp/${left}`]) {
    await mkdir(dirname(join(target, 'main', name)), { recursive: true });
    await writeFile(join(target, 'main', name), 'half');
  }
  await run();
  assert.deepEqual(
    (await walk(join(target, 'main'))).filter((path) => path.includes(left)),
    [],
  );
});

test('exportArchive lets a run that began earlier finish first, so that no pointer goes back', async () => {
  const order: string[] = [];
  const [held, release] = pause();
  const waiting = async (...carried: Carry) => {
    await held;
    return exportTree.carry(...carried);
  };
  const first = run({ at: ids[0]!, remove: true }, { ...deps, tree: { ...exportTree, carry: waiting } });
  while (!existsSync(join(target, 'main/.sheaf-export.tmp'))) await setTimeout(5);
  const second = run().then(() => order.push('second'));
  const lock = [
    'flock',
    '--nonblock',
    '--conflict-exit-code',
    '7',
    join(target, 'main/.sheaf-export.lock'),
    'true',
  ] as const;
  await assert.rejects(runChecked(lock), /7/);
  release();
  await Promise.all([first.then(() => order.push('first')), second]);
  assert.deepEqual(order, ['first', 'second']);
  assert.match(await readlink(join(target, 'main/dists/stable')), new RegExp(ids[1]!));
  await stat(join(target, 'main/pool/main/t/toy/toy_2.0_amd64.deb'));
});

test('exportArchive says before it brings anything that a file system has no symbolic links', async () => {
  const none = async () => false;
  const checkLinks = (folder: string, of: string) => exportTree.checkLinks(folder, of, none);
  const fat = { ...exportTree, checkLinks };
  await assert.rejects(run({}, { ...deps, tree: fat }), {
    ...{ code: 'no-links', kind: 'environment' },
    message: `Cannot export into ${join(target, 'main')}: its file system has no symbolic links`,
  });
  assert.deepEqual(await exportTree.list(join(target, 'main/pool')), []);
});

const notRoot = process.getuid!() === 0 ? false : 'only root can mount a small disk';

test('exportArchive names the disk that is full, and goes on when it has room', { skip: notRoot }, async () => {
  target = join(directory, 'out');
  await mkdir(target);
  await runChecked(['mount', '-t', 'tmpfs', '-o', 'size=8k', 'tmpfs', target]);
  try {
    await assert.rejects(run(), {
      ...{ code: 'disk-full', kind: 'environment' },
      message: new RegExp(`^Cannot export: no room left on the disk of ${target} \\(`),
    });
    await runChecked(['mount', '-o', 'remount,size=1m', target]);
    assert.equal((await run()).suites[0]!.snapshotId, ids[1]);
  } finally {
    await runChecked(['umount', target]);
  }
});

test('exportArchive leaves alone what is not its own', async () => {
  target = join(directory, 'out');
  await mkdir(join(target, 'main/pool'), { recursive: true });
  await writeFile(join(target, 'main/pool/precious'), 'x');
  await assert.rejects(run({ remove: true }), { code: 'not-an-export' });
  assert.equal(await readFile(join(target, 'main/pool/precious'), 'utf8'), 'x');
  await assert.rejects(exportArchive(deps, toy.deps.directory), { code: 'not-an-export' });
  await assert.rejects(exportArchive(deps, join(toy.deps.directory, 'main/deeper')), { code: 'not-an-export' });
  const link = join(directory, 'link');
  await symlink(toy.deps.directory, link);
  await assert.rejects(exportArchive(deps, link), { code: 'not-an-export' });
  await assert.rejects(run({ repository: 'none' as never }), { code: 'unknown-repository' });
});

test('exportArchive puts no repository into one that it has exported', async () => {
  await run();
  await assert.rejects(exportArchive(deps, join(target, 'main')), {
    ...{ code: 'not-an-export', kind: 'usage', hint: `Name the folder that it is in: ${target}` },
  });
  assert.ok(!existsSync(join(target, 'main/main')));
});

test('exportArchive names a file that the archive has lost, and swaps nothing', async () => {
  const path = join(toy.deps.directory, 'main/pool/main/t/toy/toy_2.0_amd64.deb');
  const bytes = await readFile(path);
  await rm(path);
  try {
    await assert.rejects(run(), { code: 'file-missing' });
    assert.deepEqual(await exportTree.list(join(target, 'main/dists')), []);
  } finally {
    await writeFile(path, bytes);
  }
});
