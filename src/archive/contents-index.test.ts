import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { gunzipSync, zstdCompressSync, zstdDecompressSync } from 'node:zlib';

import fc from 'fast-check';

import { addQuickPackages } from '../../test/quick-packages.ts';
import { toyArchive, toyDeps, toyPackage, type ToyArchive, type ToyBinary } from '../../test/toy-archive.ts';
import { readContents } from '../formats/deb/contents.ts';
import { sha256 as digest } from '../kit/digest.ts';
import { parseArchitecture } from '../model/names.ts';
import type { Suite } from '../model/distribution.ts';
import { acceptBinaries, acceptSource, publishSuite, removePackages } from './mod.ts';
import { listedFiles } from './release.ts';

const now = new Date('2026-11-21T03:00:00Z');
const settings: Partial<Suite> = {
  architectures: ['amd64', 'arm64'].map(parseArchitecture),
  components: ['main', 'contrib'],
  contents: true,
};

async function open(t: TestContext, more: Partial<Suite> = {}): Promise<ToyArchive> {
  const toy = await toyArchive({ ...settings, ...more });
  t.after(toy.close);
  return toy;
}

async function add({ deps }: ToyArchive, name: string, version: string, binaries?: readonly ToyBinary[]) {
  const requests = await toyPackage(deps.blobs, name, version, binaries);
  assert.equal((await acceptSource(deps, requests.source, now)).kind, 'accepted');
  const accepted = await acceptBinaries(deps, requests.binaries, now);
  assert.equal(accepted.kind, 'accepted', JSON.stringify(accepted));
}

const root = (toy: ToyArchive) => join(toy.directory, 'archive/main/dists/stable');
const files = (toy: ToyArchive) => listedFiles(readFileSync(join(root(toy), 'Release'), 'utf8'));
const contents = (toy: ToyArchive, path: string) => gunzipSync(readFileSync(join(root(toy), `${path}.gz`))).toString();

test('a suite with Contents lists the files of each component and architecture, and of `all`', async (t) => {
  const toy = await open(t);
  await add(toy, 'alpha', '1', [
    { name: 'alpha' },
    { name: 'alpha-doc', architecture: 'all', fields: { Section: 'doc' } },
    { name: 'libalpha', architecture: 'arm64', fields: { Section: 'libs, or,not' } },
  ]);
  await publishSuite(toy.deps, 'stable', now);
  assert.deepEqual(
    [...files(toy).keys()].filter((path) => /Contents-.*gz$/.test(path)).toSorted(),
    ['contrib', 'main'].flatMap((each) => ['all', 'amd64', 'arm64'].map((name) => `${each}/Contents-${name}.gz`)),
  );
  assert.equal(contents(toy, 'main/Contents-amd64'), 'usr/share/toy/alpha/version\tmisc/alpha\n');
  assert.equal(contents(toy, 'main/Contents-all'), 'usr/share/toy/alpha-doc/version\tdoc/alpha-doc\n');
  assert.equal(contents(toy, 'main/Contents-arm64'), 'usr/share/toy/libalpha/version\tlibalpha\n');
  assert.equal(contents(toy, 'contrib/Contents-all'), '');
  for (const [path, { sha256 }] of files(toy)) {
    if (!/Contents-.*gz$/.test(path)) continue;
    const plain = files(toy).get(path.replace(/\.gz$/, ''))!;
    assert.deepEqual(plain.sha256, digest(contents(toy, plain.path)));
    const byHash = readFileSync(join(root(toy), path, '../by-hash/SHA256', sha256));
    assert.ok(byHash.equals(readFileSync(join(root(toy), path))));
  }
});

test('switching Contents on and off is a reason to publish', async (t) => {
  const toy = await open(t, { contents: false });
  const publish = (on: boolean) =>
    publishSuite({ ...toyDeps(toy.directory, toy.database.db, { ...settings, contents: on }) }, 'stable', now);
  const listed = () => [...files(toy).keys()].some((path) => path.includes('Contents'));
  await add(toy, 'alpha', '1');
  await publish(false);
  assert.ok(!listed());
  assert.deepEqual({ ...(await publish(true)), snapshotId: '', validUntil: '' }.kind, 'published');
  assert.ok(listed());
  assert.equal((await publish(true)).kind, 'unchanged');
  const off = await publish(false);
  assert.equal(off.kind === 'published' && off.reason, 'settings');
  assert.ok(!listed());
});

test('a package that goes takes its lines with it, and what did not change is the same file', async (t) => {
  const toy = await open(t);
  await add(toy, 'alpha', '1', [{ name: 'alpha' }, { name: 'alpha-doc', architecture: 'all' }]);
  await add(toy, 'beta', '1');
  await publishSuite(toy.deps, 'stable', now);
  const before = files(toy);
  await add(toy, 'beta', '2', [{ name: 'beta', fields: { Section: 'net' } }]);
  await publishSuite(toy.deps, 'stable', now);
  assert.match(contents(toy, 'main/Contents-amd64'), /^usr\/share\/toy\/beta\/version\tnet\/beta$/m);
  assert.doesNotMatch(contents(toy, 'main/Contents-amd64'), /misc\/beta/);
  const removal = { suite: 'stable', packages: ['beta'], of: 'source', by: 'alice', reason: undefined, dryRun: false };
  await removePackages(toy.deps, removal as Parameters<typeof removePackages>[1], now);
  await publishSuite(toy.deps, 'stable', now);
  assert.equal(contents(toy, 'main/Contents-amd64'), 'usr/share/toy/alpha/version\tmisc/alpha\n');
  assert.deepEqual(files(toy).get('main/Contents-all.gz'), before.get('main/Contents-all.gz'));
});

test('a lost or damaged Contents of the last snapshot is no reason to stop', async (t) => {
  const toy = await open(t);
  const byHash = () =>
    join(toy.directory, 'archive/main/by-hash/SHA256', files(toy).get('main/Contents-amd64.gz')!.sha256);
  await add(toy, 'alpha', '1');
  await publishSuite(toy.deps, 'stable', now);
  rmSync(byHash());
  await add(toy, 'beta', '1');
  await publishSuite(toy.deps, 'stable', now);
  writeFileSync(byHash(), Buffer.alloc(files(toy).get('main/Contents-amd64.gz')!.size));
  await add(toy, 'gamma', '1');
  await publishSuite(toy.deps, 'stable', now);
  const packages = [...readContents(Buffer.from(contents(toy, 'main/Contents-amd64')))].flatMap(
    (each) => each.packages,
  );
  assert.deepEqual(packages, ['alpha', 'beta', 'gamma']);
});

test('a package that cannot be read to its end has no files, and stops nobody', async (t) => {
  const toy = await open(t);
  const source = { name: 'alpha', version: '1', component: 'main' };
  await addQuickPackages(toy.deps, 'stable', { ...source, binaries: [{ name: 'alpha', version: '1', architecture: 'amd64' }] }, now); // prettier-ignore
  await add(toy, 'beta', '1');
  const published = await publishSuite(toy.deps, 'stable', now);
  assert.equal(contents(toy, 'main/Contents-amd64'), 'usr/share/toy/beta/version\tmisc/beta\n');
  const unlisted = published.kind === 'published' ? published.unlisted : undefined;
  assert.deepEqual(unlisted?.map((each) => each.package), ['alpha_1_amd64']); // prettier-ignore
  const { message } = await toy.deps.db
    .selectFrom('event')
    .select('message')
    .where('kind', '=', 'suite-published')
    .executeTakeFirstOrThrow();
  assert.match(message, /2 in all; Contents lack the files of alpha_1_amd64: Cannot read .*alpha_1_amd64/);
  const rows = await toy.deps.db.selectFrom('package_contents').selectAll().orderBy('problem').execute();
  assert.match(rows[0]!.problem!, /alpha_1_amd64/);
  assert.equal(zstdDecompressSync(rows[1]!.paths).toString(), 'usr/share/toy/beta/version\n');
});

// Few names and few paths, so that packages share files and take them from each other.
const source = fc.record({
  name: fc.constantFrom('alpha', 'beta', 'gamma'),
  version: fc.constantFrom('1', '2', '3~rc1', '10'),
  component: fc.constantFrom('main', 'contrib'),
  binaries: fc.uniqueArray(
    fc.record({
      name: fc.constantFrom('alpha', 'beta', 'libalpha', 'shared', 'tools'),
      version: fc.constantFrom('1', '2', '4'),
      architecture: fc.constantFrom('amd64', 'arm64', 'all'),
    }),
    { selector: (each) => `${each.name} ${each.architecture}`, minLength: 1, maxLength: 4 },
  ),
});
const somePaths = fc.uniqueArray(fc.constantFrom('bin/a', 'bin/a b', 'bin/ab', 'etc/é', 'etc/z', 'usr/x'), {
  maxLength: 4,
});

for (const versions of ['latest', 'all'] as const) {
  test(`changing Contents gives what writing them anew gives, in a suite of ${versions} versions`, async (t) => {
    let number = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.array(fc.tuple(source, fc.infiniteStream(somePaths)), { minLength: 1, maxLength: 3 }), { maxLength: 5, minLength: 1 }), // prettier-ignore
        async (steps) => {
          const toy = await toyArchive({ ...settings, versions });
          try {
            await publishSuite(toy.deps, 'stable', now);
            for (const step of steps) {
              for (const [each, lists] of step) {
                await addQuickPackages(toy.deps, 'stable', each, now);
                await giveFiles(toy, lists);
              }
              await publishSuite(toy.deps, 'stable', now);
              const byChange = files(toy);
              await publishSuite(toy.deps, 'stable', now, { whole: true });
              assert.deepEqual(files(toy), byChange, `step ${number}`);
              await checkContents(toy);
              number++;
            }
          } finally {
            await toy.close();
          }
        },
      ),
      { numRuns: 6, endOnFailure: true },
    );
    t.diagnostic(`${number} publications compared`);
  });
}

/** Gives every package that has none a file of its own, and what that is said to hold. */
async function giveFiles({ deps }: ToyArchive, lists: fc.Stream<string[]>): Promise<void> {
  const rows = await deps.db.selectFrom('binary_package').select(['id', 'filename']).where('size', '=', 7).execute();
  for (const { id, filename } of rows) {
    const { sha256, size } = await deps.blobs.putBytes(`${filename} is no package\n`);
    await deps.db.updateTable('binary_package').set({ sha256, size }).where('id', '=', id).execute();
    const list = lists.next().value as string[];
    const sorted = list.map((path) => Buffer.from(`${path}\n`)).toSorted(Buffer.compare);
    const paths = zstdCompressSync(Buffer.concat(sorted));
    await deps.db.insertInto('package_contents').values({ sha256, paths, problem: null }).execute();
  }
}

/** Against the tables, by another way. */
async function checkContents(toy: ToyArchive): Promise<void> {
  const rows = await toy.deps.db
    .selectFrom('publication as p')
    .innerJoin('binary_package as b', 'b.id', 'p.binary_package')
    .innerJoin('package_contents as c', 'c.sha256', 'b.sha256')
    .select(['b.name', 'b.component', 'b.architecture', 'c.paths'])
    .where('p.state', '=', 'PUBLISHED')
    .execute();
  for (const component of ['main', 'contrib']) {
    for (const architecture of ['all', 'amd64', 'arm64']) {
      const here = rows.filter((row) => row.component === component && row.architecture === architecture);
      const wanted = new Set(
        here.flatMap(
          ({ name, paths }) =>
          zstdDecompressSync(paths).toString().split('\n').slice(0, -1).map((path) => `${path}\t${name}`), // prettier-ignore
        ),
      );
      const text = contents(toy, `${component}/Contents-${architecture}`);
      const found = [...readContents(Buffer.from(text))].flatMap(({ path, packages }) =>
        packages.map((name) => `${path}\t${name}`),
      );
      assert.deepEqual(found.toSorted(), [...wanted].toSorted());
    }
  }
}

const missing = ['apt-ftparchive', 'dpkg-deb'].find((name) => spawnSync(name, ['--version']).error !== undefined);

test('Contents say what apt-ftparchive says', { skip: missing && `${missing} is not installed` }, async (t) => {
  const toy = await open(t, { components: ['main'], architectures: [parseArchitecture('amd64')] });
  await add(toy, 'alpha', '1', [{ name: 'alpha' }, { name: 'alpha-two', fields: { Section: 'utils' } }]);
  await add(toy, 'beta', '1');
  await publishSuite(toy.deps, 'stable', now);
  const run = spawnSync('apt-ftparchive', ['contents', 'pool'], {
    cwd: join(toy.directory, 'archive/main'),
    encoding: 'utf8',
  });
  assert.equal(run.status, 0, run.stderr);
  const table = (text: string) => text.trimEnd().split('\n').map((line) => line.split(/\s+/)).toSorted(); // prettier-ignore
  // Without an override file it names no sections.
  const ours = contents(toy, 'main/Contents-amd64').replaceAll(/\t[a-z]+\//g, '\t');
  assert.deepEqual(table(ours), table(run.stdout));
});
