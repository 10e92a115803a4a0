import assert from 'node:assert/strict';
import test from 'node:test';

import {
  store,
  toyArchive,
  toyChanges,
  toyDeb,
  toyPackage,
  toyResults,
  toySource,
  type ToyArchive,
} from '../../test/toy-archive.ts';
import type { Sha256 } from '../kit/digest.ts';
import { acceptBinaries, acceptSource, suiteContent, type Acceptance } from './mod.ts';

const now = new Date('2026-11-21T03:00:00Z');
const toy: ToyArchive = await toyArchive({ components: ['main', 'contrib'] });
test.after(toy.close);
const { deps } = toy;
const { blobs } = deps;

function reasonsOf(acceptance: Acceptance): string {
  assert.equal(acceptance.kind, 'refused');
  return acceptance.reasons.join('\n');
}

async function accept(request: Parameters<typeof acceptSource>[1], kind: 'source' | 'binaries') {
  const acceptance = await (kind === 'source' ? acceptSource : acceptBinaries)(deps, request, now);
  assert.equal(acceptance.kind, 'accepted', JSON.stringify(acceptance));
  return acceptance;
}

async function counts() {
  const { rows } = await toy.database.pool.query(
    `select (select count(*) from source_package) s, (select count(*) from binary_package) b,
       (select count(*) from pool_file) f, (select count(*) from publication) p, (select count(*) from event) e`,
  );
  return rows[0];
}

test.before(async () => {
  await acceptSource(
    deps,
    { suite: 'stable', files: await toySource(blobs, 'base', '1.0', [{ name: 'base' }, { name: 'base-extra' }]) },
    now,
  );
});

test('acceptSource and acceptBinaries put a package into the suite as PENDING, with events', async () => {
  const { source, binaries } = await toyPackage(blobs, 'alpha', '1.0-1', [
    { name: 'alpha' },
    { name: 'alpha-doc', architecture: 'all' },
  ]);
  assert.deepEqual(await accept(source, 'source'), {
    kind: 'accepted',
    source: 'alpha',
    version: '1.0-1',
    packages: [],
    already: false,
  });
  const accepted = await accept(binaries, 'binaries');
  assert.deepEqual(accepted.kind === 'accepted' && accepted.packages, ['alpha_1.0-1_amd64', 'alpha-doc_1.0-1_all']);
  const content = await suiteContent(deps.db, 'stable' as never);
  assert.deepEqual(
    content.binaries.map((each) => [each.filename, each.state]),
    [
      ['pool/main/a/alpha/alpha_1.0-1_amd64.deb', 'PENDING'],
      ['pool/main/a/alpha/alpha-doc_1.0-1_all.deb', 'PENDING'],
    ],
  );
  assert.deepEqual(
    content.sources.slice(-1).map((each) => [each.directory, each.files.map((file) => file.name)]),
    [['pool/main/a/alpha', ['alpha_1.0-1.dsc', 'alpha_1.0-1.tar.xz']]],
  );
  const { rows } = await toy.database.pool.query(`select message from event where source = 'alpha' order by id`);
  assert.deepEqual(
    rows.map((row) => row.message),
    ['Source alpha 1.0-1 accepted into stable', 'alpha (amd64), alpha-doc (all) of alpha 1.0-1 accepted into stable'],
  );
});

test('accepting the same bytes again changes nothing', async () => {
  const { source, binaries } = await toyPackage(blobs, 'again', '1.0');
  await accept(source, 'source');
  await accept(binaries, 'binaries');
  const before = await counts();
  assert.equal((await accept(source, 'source')).already, true);
  assert.equal((await accept(binaries, 'binaries')).already, true);
  assert.deepEqual(await counts(), before);
});

test('accepting in many processes at once accepts once', async () => {
  const { source, binaries } = await toyPackage(blobs, 'race', '1.0');
  const sources = await Promise.all(Array.from({ length: 6 }, () => accept(source, 'source')));
  assert.equal(sources.filter((each) => !each.already).length, 1);
  const results = await Promise.all(Array.from({ length: 6 }, () => accept(binaries, 'binaries')));
  assert.equal(results.filter((each) => !each.already).length, 1);
});

test('a version once accepted means these bytes for ever', async () => {
  const { source, binaries } = await toyPackage(blobs, 'fixed', '1.0');
  await accept(source, 'source');
  await accept(binaries, 'binaries');
  const before = await counts();
  const otherSource = await toySource(blobs, 'fixed', '1.0', [{ name: 'fixed' }], { salt: 'changed' });
  assert.match(
    reasonsOf(await acceptSource(deps, { suite: 'stable', files: otherSource }, now)),
    /fixed_1\.0\.tar\.xz: it was accepted before with other bytes/,
  );
  const otherBinary = await toyResults(blobs, 'fixed', '1.0', [{ name: 'fixed', content: 'changed' }]);
  assert.match(
    reasonsOf(await acceptBinaries(deps, { suite: 'stable', files: otherBinary }, now)),
    /fixed_1\.0_amd64\.deb: it was accepted before with other bytes/,
  );
  assert.deepEqual(await counts(), before);
});

test('an upstream tarball keeps its bytes in all later versions', async () => {
  const binaries = [{ name: 'orig' }];
  const first = await toySource(blobs, 'orig', '2.0-1', binaries, { orig: 'upstream 2.0' });
  await accept({ suite: 'stable', files: first }, 'source');
  const same = await toySource(blobs, 'orig', '2.0-2', binaries, { orig: 'upstream 2.0' });
  await accept({ suite: 'stable', files: same }, 'source');
  const other = await toySource(blobs, 'orig', '2.0-3', binaries, { orig: 'upstream 2.0, repacked' });
  assert.match(
    reasonsOf(await acceptSource(deps, { suite: 'stable', files: other }, now)),
    /orig_2\.0\.orig\.tar\.xz: it was accepted before/,
  );
});

test('versions that differ only in their epoch cannot share a file name', async () => {
  const { source, binaries } = await toyPackage(blobs, 'epoch', '1.0');
  await accept(source, 'source');
  await accept(binaries, 'binaries');
  const next = await toySource(blobs, 'epoch', '1:1.0', [{ name: 'epoch' }]);
  assert.match(
    reasonsOf(await acceptSource(deps, { suite: 'stable', files: next }, now)),
    /epoch_1\.0\.dsc: it was accepted before/,
  );
});

test('lib packages are spread by their fourth letter, and contrib has a pool of its own', async () => {
  const { source, binaries } = await toyPackage(blobs, 'libtoy', '1.0', [
    { name: 'libtoy1', fields: { Section: 'contrib/libs' } },
  ]);
  await accept(source, 'source');
  await accept(binaries, 'binaries');
  const content = await suiteContent(deps.db, 'stable' as never);
  assert.equal(content.sources.find((each) => each.name === 'libtoy')?.directory, 'pool/contrib/libt/libtoy');
  assert.equal(
    content.binaries.find((each) => each.name === 'libtoy1')?.filename,
    'pool/contrib/libt/libtoy/libtoy1_1.0_amd64.deb',
  );
});

const refusedSources: readonly [string, RegExp, () => Promise<AcceptFiles>][] = [
  [
    'two descriptions',
    /one \.dsc: 2 were given/,
    async () => [
      ...(await toySource(blobs, 'two', '1', [{ name: 'two' }])),
      ...(await toySource(blobs, 'two', '2', [{ name: 'two' }])),
    ],
  ],
  ['no description', /one \.dsc: 0 were given/, async () => [await store(blobs, 'x_1.tar.xz', 'x')]],
  [
    'a missing file',
    /missing_1\.tar\.xz: the \.dsc names it, but it was not given/,
    async () => (await toySource(blobs, 'missing', '1', [{ name: 'missing' }])).slice(0, 1),
  ],
  [
    'a file that nobody named',
    /extra_1\.tar\.gz: the \.dsc does not name it/,
    async () => [
      ...(await toySource(blobs, 'extra', '1', [{ name: 'extra' }])),
      await store(blobs, 'extra_1.tar.gz', 'more'),
    ],
  ],
  [
    'bytes that never came',
    /never received/,
    async () =>
      (await toySource(blobs, 'gone', '1', [{ name: 'gone' }])).map((file) => ({
        ...file,
        sha256: 'f'.repeat(64) as Sha256,
      })),
  ],
  [
    'another size',
    /bytes, 1 were announced/,
    async () => (await toySource(blobs, 'size', '1', [{ name: 'size' }])).map((file) => ({ ...file, size: 1 })),
  ],
  [
    'other bytes under a listed name',
    /swap_1\.tar\.xz: its size or SHA-256 is not that in the \.dsc/,
    async () => [
      (await toySource(blobs, 'swap', '1', [{ name: 'swap' }]))[0]!,
      await store(blobs, 'swap_1.tar.xz', 'other'),
    ],
  ],
  [
    'a wrong name',
    /is called name_1\.dsc/,
    async () => {
      const [dsc, tar] = await toySource(blobs, 'name', '1', [{ name: 'name' }]);
      return [{ ...dsc!, name: 'other_1.dsc' }, tar!];
    },
  ],
  [
    'a file that is called by more than file systems take',
    /\.dsc: it is called by 220 characters, more than 214\n.*\.tar\.xz: it is called by 223 characters/,
    async () => toySource(blobs, 'long', `1.0+${'9'.repeat(207)}`, [{ name: 'long' }]),
  ],
  ['a description that cannot be read', /broken_1\.dsc/, async () => [await store(blobs, 'broken_1.dsc', 'no field')]],
  [
    'a description that is not UTF-8',
    /broken_2\.dsc: it is not UTF-8/,
    async () => [await store(blobs, 'broken_2.dsc', Buffer.from([0x53, 0xff, 0x0a]))],
  ],
  [
    'a component that the suite does not have',
    /component "non-free" is not one of suite "stable" \(main, contrib\)/,
    async () => toySource(blobs, 'nonfree', '1', [{ name: 'nonfree', fields: { Section: 'non-free/misc' } }]),
  ],
];
type AcceptFiles = Parameters<typeof acceptSource>[1]['files'];

for (const [what, reason, files] of refusedSources) {
  test(`acceptSource refuses ${what}`, async () => {
    const before = await counts();
    assert.match(reasonsOf(await acceptSource(deps, { suite: 'stable', files: await files() }, now)), reason);
    assert.deepEqual(await counts(), before);
  });
}

const one =
  (binary: Parameters<typeof toyDeb>[3], source = 'base', version = '1.0') =>
  async () => {
    const deb = await toyDeb(blobs, source, version, binary);
    return [deb, await toyChanges(blobs, 'base', '1.0', [deb])];
  };

const refusedBinaries: readonly [string, RegExp, () => Promise<AcceptFiles>][] = [
  [
    'a package of another source',
    /it is of source glibc 2\.36, asked for was base 1\.0/,
    one({ name: 'base' }, 'glibc', '2.36'),
  ],
  ['a package that its source does not build', /does not build a package "libc6"/, one({ name: 'libc6' })],
  [
    'debug symbols of a package that its source does not build',
    /does not build a package "libc6"/,
    one({ name: 'libc6-dbgsym', fields: { 'Auto-Built-Package': 'debug-symbols' } }),
  ],
  [
    'an architecture outside the suite',
    /architecture riscv64 is not one of suite "stable"/,
    one({ name: 'base', architecture: 'riscv64' }),
  ],
  [
    'a source that was not accepted',
    /Source none 1\.0 was not accepted into repository "main"/,
    async () => toyResults(blobs, 'none', '1.0', [{ name: 'none' }]),
  ],
  ['no .changes', /one \.changes: 0 were given/, async () => [await toyDeb(blobs, 'base', '1.0', { name: 'base' })]],
  [
    'a file that the .changes does not list',
    /base-extra_1\.0_amd64\.deb: the \.changes does not list it/,
    async () => [...(await one({ name: 'base' })()), await toyDeb(blobs, 'base', '1.0', { name: 'base-extra' })],
  ],
  [
    'a listed file that did not come',
    /base_1\.0_amd64\.deb: the \.changes lists it, but it was not given/,
    async () => [(await one({ name: 'base' })())[1]!],
  ],
  [
    'a .deb under another name',
    /is called base_1\.0_amd64\.deb/,
    async () => {
      const deb = { ...(await toyDeb(blobs, 'base', '1.0', { name: 'base' })), name: 'base_1.0-1_amd64.deb' };
      return [deb, await toyChanges(blobs, 'base', '1.0', [deb])];
    },
  ],
  [
    'a package whose file would be called by more than file systems take',
    /with its version it is called by 227 characters, more than 214/,
    one({ name: 'base', version: `1.0+${'9'.repeat(208)}` }),
  ],
  [
    'what is no .deb',
    /base_1\.0_amd64\.deb/,
    async () => {
      const deb = await store(blobs, 'base_1.0_amd64.deb', 'not an archive');
      return [deb, await toyChanges(blobs, 'base', '1.0', [deb])];
    },
  ],
  [
    'a component that the suite does not have',
    /component "non-free"/,
    one({ name: 'base', fields: { Section: 'non-free/x' } }),
  ],
  [
    'files of other kinds',
    /only \.deb, \.changes and \.buildinfo files are taken/,
    async () => {
      const image = await store(blobs, 'base_1.0_image.tar.gz', 'x');
      return [image, await toyChanges(blobs, 'base', '1.0', [image])];
    },
  ],
  ['nothing at all', /hold no \.deb/, async () => [await toyChanges(blobs, 'base', '1.0', [])]],
];

for (const [what, reason, files] of refusedBinaries) {
  test(`acceptBinaries refuses ${what}`, async () => {
    const before = await counts();
    assert.match(reasonsOf(await acceptBinaries(deps, { suite: 'stable', files: await files() }, now)), reason);
    assert.deepEqual(await counts(), before);
  });
}

test('acceptBinaries takes debug symbols of what the source builds', async () => {
  const files = await one({ name: 'base-dbgsym', fields: { 'Auto-Built-Package': 'debug-symbols' } })();
  await accept({ suite: 'stable', files }, 'binaries');
});

test('acceptBinaries holds results to the tag build and to the job', async () => {
  const { rows } = await toy.database.pool.query(
    `insert into tag_build (repository, tag, suite, origin, received_at, state, source, version)
       values ('r', 't', 'stable', 'cli', now(), 'ACCEPTED', 'asked', '1.0'), ('r', 'u', 'other', 'cli', now(), 'ACCEPTED', 'asked', '1.0')
       returning id`,
  );
  const [tagBuild, elsewhere] = rows.map((row) => row.id as number);
  const binaries = [{ name: 'asked' }, { name: 'asked-data', architecture: 'all' }];
  const source = { suite: 'stable', files: await toySource(blobs, 'asked', '1.0', binaries), tagBuild };
  const other = await toySource(blobs, 'unasked', '1.0', [{ name: 'unasked' }]);
  assert.match(reasonsOf(await acceptSource(deps, { ...source, files: other }, now)), /asked for asked 1\.0/);
  assert.match(reasonsOf(await acceptSource(deps, { ...source, tagBuild: elsewhere }, now)), /for suite "other"/);
  await accept(source, 'source');
  const job = await toy.database.pool.query(
    `insert into job (tag_build, kind, architecture, builds, state, spec, max_attempts, created_at)
       values ($1, 'binary', 'amd64', 'any', 'Built', '{}', 1, now()) returning id`,
    [tagBuild],
  );
  const request = { suite: 'stable', tagBuild, job: job.rows[0].id as number, attempt: 1 };
  const both = await toyResults(blobs, 'asked', '1.0', binaries);
  assert.match(
    reasonsOf(await acceptBinaries(deps, { ...request, files: both }, now)),
    /asked-data_1\.0_all\.deb: the job was to build any for amd64/,
  );
  const asked = await toyResults(blobs, 'asked', '1.0', [{ name: 'asked' }]);
  await accept({ ...request, files: asked }, 'binaries');
  await assert.rejects(acceptBinaries(deps, { ...request, tagBuild: elsewhere, files: asked }, now), {
    code: 'wrong-job',
  });
});

test('acceptBinaries takes nothing that a rebuild has built', async () => {
  const { rows } = await toy.database.pool.query(
    `with task as (
       insert into rebuild_task (suite, place, source, version, architecture, dependencies, nocheck, plain, experiments,
         priority, reason, invocation, asked_by, asked_at)
       values ('stable', 'stable@1', 'base', '1.0', 'amd64', '{}', false, false, 0, 0, '', 'one', 'ann', now()) returning id)
     insert into job (rebuild_task, rebuild_key, kind, architecture, builds, state, spec, max_attempts, created_at)
     select id, 'key', 'binary', 'amd64', 'any', 'Built', '{}', 1, now() from task returning id`,
  );
  const files = await toyResults(blobs, 'base', '1.0', [{ name: 'base' }]);
  const before = await counts();
  await assert.rejects(acceptBinaries(deps, { suite: 'stable', job: rows[0].id as number, attempt: 1, files }, now), {
    code: 'wrong-job',
  });
  assert.deepEqual(await counts(), before);
});

test('acceptSource gives all reasons at once', async () => {
  const files = [
    ...(await toySource(blobs, 'many', '1', [{ name: 'many', fields: { Section: 'non-free/x' } }])).slice(0, 1),
    await store(blobs, 'stray', 'x'),
  ];
  const reasons = reasonsOf(await acceptSource(deps, { suite: 'stable', files }, now)).split('\n');
  assert.equal(reasons.length, 3);
});

test('acceptSource says which suites there are when it does not know one', async () => {
  await assert.rejects(acceptSource(deps, { suite: 'unstable', files: [] }, now), {
    code: 'unknown-suite',
    message: /sheaf\.toml has stable/,
  });
});
