import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, before, test } from 'node:test';

import { testDatabase, type TestDatabase } from '../../../../test/database.ts';
import { FakeArchive, misbehaviours } from '../../../../test/fake-mirror.ts';
import { fakeUpstream, followWorld, type FollowWorld } from '../../../../test/follow-world.ts';
import { toyBinary, toySource } from '../../../../test/history-world.ts';
import { toyDistribution } from '../../../../test/toy-archive.ts';
import { sha256 } from '../../../kit/digest.ts';
import { SheafError } from '../../../kit/error.ts';
import type { House } from '../../house.ts';
import { formatIndexes, listIndexes, writeIndex } from '../archive/index.ts';
import { compact, formatCompacted } from '../archive/compact.ts';
import { formatArchive, readArchive } from '../archive/show.ts';
import { formatVerified, verify } from '../archive/verify.ts';
import { formatHistory, readHistory } from '../package/history.ts';
import { formatFiles, listFiles } from './files.ts';
import { chooseUpstream, formatImport, importSaved } from './import.ts';
import { formatUpstreams, listUpstreams } from './list.ts';
import { formatUpstream, readUpstream } from './show.ts';
import { formatReports, updateUpstreams } from './update.ts';

const root = mkdtempSync(join(tmpdir(), 'sheaf-upstream-'));
let archive: FakeArchive;
let database: TestDatabase;
let follow: FollowWorld;
let house: House;
let now = new Date('2026-02-01T01:00:00Z');

const deb = (version: string) => Buffer.from(`the package hello ${version}`);
const dsc = (version: string) => Buffer.from(`the source hello ${version}`);

/** Makes a version of the archive, with its files. */
async function publish(day: string, version: string, file = deb(version)): Promise<void> {
  const source = dsc(version);
  const indexes = {
    'main/binary-amd64/Packages':
      toyBinary({ name: 'hello', version, sha256: sha256(file), size: file.length }) + toyBinary({ name: 'stays' }),
    'main/source/Sources': toySource({ name: 'hello', version, sha256: sha256(source), size: source.length }),
  };
  await archive.publish('trixie', indexes, { date: new Date(`${day}T00:00:00Z`), codename: 'trixie' });
  archive.mirror.files.set(`pool/main/h/hello/hello_${version}_amd64.deb`, file);
  archive.mirror.files.set(`pool/main/h/hello/hello_${version}.dsc`, source);
  now = new Date(`${day}T01:00:00Z`);
}

before(async () => {
  [archive, database] = await Promise.all([FakeArchive.start(), testDatabase()]);
  follow = await followWorld(join(root, 'state'), database.db, () => now);
  const upstream = fakeUpstream(archive.mirror.url, archive.keyring);
  const distribution = { ...toyDistribution(root), upstreams: new Map([[upstream.name, upstream]]) };
  house = {
    ...{ distribution, db: database.db, blobs: follow.blobs, follow, compressed: follow, history: follow },
    indexStore: follow.store,
  } as unknown as House;
});
after(async () => {
  await follow.close();
  await database.close();
  await archive.close();
  rmSync(root, { recursive: true });
});

const update = () => updateUpstreams(house, [], { json: true });
const lines = (text: readonly string[]) => text.join('\n');

test('the commands of an upstream tell its way', async (context) => {
  await context.test('list says what was never looked at', async () => {
    assert.match(
      lines(formatUpstreams(await listUpstreams(house))),
      /toy\/trixie +- +0 +0 +0 +- +never looked at: sheaf/,
    );
  });

  await context.test('update takes new versions, and says what changed', async () => {
    await publish('2026-02-01', '1.0-1');
    const [first] = await update();
    assert.deepEqual([first!.upstream, first!.suite, first!.outcome], ['toy', 'trixie', 'new']);
    await publish('2026-02-02', '1.0-2');
    const second = await update();
    assert.match(
      lines(formatReports(second)),
      /toy\/trixie +new +2026-02-02 00:00:00 .* 1 upgraded; sources: 1 upgraded$/,
    );
    assert.deepEqual(
      (await update()).map(({ outcome }) => outcome),
      ['unchanged'],
    );
  });

  await context.test('update says why a mirror is refused', async () => {
    archive.mirror.misbehave(/InRelease$/, misbehaviours.sends('Suite: trixie\n'));
    const reports = await update();
    archive.mirror.behave();
    assert.match(lines(formatReports(reports)), /toy\/trixie +refused .*signature/);
    const listed = await listUpstreams(house);
    assert.deepEqual(
      listed.map(({ outcome, code, snapshots, binaries, sources }) => [outcome, code, snapshots, binaries, sources]),
      [['refused', 'unsigned', 2, 2, 1]],
    );
  });

  await context.test('update refuses names that it does not know', async () => {
    await assert.rejects(updateUpstreams(house, ['nowhere'], { json: true }), { code: 'unknown-upstream' });
    await assert.rejects(updateUpstreams(house, [], { json: true, suite: ['sid'] }), { code: 'unknown-suite' });
  });

  await context.test('show lists snapshots and looks', async () => {
    const text = lines(formatUpstream(await readUpstream(house, 'toy', { limit: 10 })));
    assert.match(text, /20260202T000000Z .* 1 upgraded; sources: 1 upgraded\n20260201T000000Z .* the first\n/);
    assert.match(text, /refused: /);
    await assert.rejects(readUpstream(house, 'toy', { limit: 1, suite: 'sid' }), { code: 'unknown-suite' });
  });

  await context.test('files lists, fetches and puts them into a folder, of any snapshot', async () => {
    const listed = await listFiles(house, 'toy', ['hello'], { json: true });
    assert.deepEqual(
      listed.files.map(({ version, filename, here }) => [version, filename, here]),
      [['1.0-2', 'pool/main/h/hello/hello_1.0-2_amd64.deb', false]],
    );
    const output = join(root, 'files');
    const options = { json: true, fetch: true, output } as const;
    const fetched = await listFiles(house, 'toy', ['h*'], { ...options, at: '2026-02-01' });
    assert.deepEqual([fetched.fetched, fetched.problems], [1, []]);
    assert.deepEqual(readFileSync(join(output, 'hello_1.0-1_amd64.deb')), deb('1.0-1'));
    // It is for people to write to, and what is kept here must not change with it.
    assert.equal(statSync(join(output, 'hello_1.0-1_amd64.deb')).nlink, 1);
    archive.mirror.asked();
    const again = await listFiles(house, 'toy', ['hello'], { ...options, at: 'toy/trixie@20260201T000000Z' });
    assert.deepEqual([again.fetched, again.files[0]!.here, archive.mirror.asked()], [0, true, []]);
    const source = await listFiles(house, 'toy', ['hello'], { ...options, source: true });
    assert.deepEqual(source.problems, []);
    assert.deepEqual(readFileSync(join(output, 'hello_1.0-2.dsc')), dsc('1.0-2'));
    assert.match(
      lines(formatFiles(source)),
      /1 file of toy\/trixie@20260202T000000Z, 22 B; 1 here, 1 of them fetched now/,
    );
  });

  await context.test('files goes on when a file cannot be fetched, and keeps no wrong one', async () => {
    archive.mirror.misbehave(/hello_1\.0-2_amd64\.deb$/, misbehaviours.sends('another package!!!!!'));
    const found = await listFiles(house, 'toy', [], { json: true, fetch: true, output: join(root, 'files') });
    archive.mirror.behave();
    assert.deepEqual(found.problems.map(({ code }) => code).toSorted(), ['file-missing', 'mirror-mismatch']);
    assert.deepEqual(
      found.files.map(({ here }) => here),
      [false, false],
    );
  });

  await context.test('files never replaces a file of the same name', async () => {
    const output = join(root, 'taken');
    mkdirSync(output);
    writeFileSync(join(output, 'hello_1.0-1_amd64.deb'), 'mine');
    const found = await listFiles(house, 'toy', ['hello'], { json: true, at: '2026-02-01', output });
    assert.deepEqual(
      found.problems.map(({ code }) => code),
      ['file-differs'],
    );
    assert.equal(readFileSync(join(output, 'hello_1.0-1_amd64.deb'), 'utf8'), 'mine');
  });

  await context.test('files says what it does not find', async () => {
    await assert.rejects(listFiles(house, 'toy', ['h*', "it's"], { json: true, arch: 'i386' }), {
      code: 'no-such-package',
      message: "Cannot find h* it's in toy/trixie@20260202T000000Z: no package of i386 has such a name",
      hint: "Where it is: sheaf package history 'it'\\''s'",
    });
    await assert.rejects(listFiles(house, 'toy', ['nothing*'], { json: true, source: true }), {
      message: /no source package has such a name$/,
      hint: /^A pattern is of the whole name/,
    });
    await assert.rejects(listFiles(house, 'toy', [], { json: true, at: 'stable@1' }), { code: 'unknown-place' });
    await assert.rejects(listFiles(house, 'toy', [], { json: true, suite: 'sid' }), { code: 'unknown-place' });
  });

  await context.test('archive index gives the bytes that the mirror had, compressed or not', async () => {
    const files = archive.mirror.files;
    const listed = await listIndexes(house, 'toy/trixie');
    assert.match(lines(formatIndexes(listed)), /main\/binary-amd64\/Packages .* 2026-02-02 00:00:00 +now/);
    const path = 'main/source/Sources';
    for (const [wanted, name] of [
      [{ path: 'InRelease' }, 'InRelease'],
      [{ path, compressed: 'xz' }, `${path}.xz`],
      [{ path: `${path}.xz` }, `${path}.xz`],
    ] as const) {
      const { bytes } = await writeIndex(house, { place: 'toy/trixie@2026-02-02', ...wanted });
      assert.deepEqual(Buffer.from(bytes), Buffer.from(files.get(`dists/trixie/${name}`)!), name);
    }
    const output = join(root, 'Sources');
    const old = await writeIndex(house, { place: 'toy/trixie@2026-02-01', path, output });
    assert.match(readFileSync(output, 'utf8'), /Version: 1\.0-1\n/);
    assert.equal(old.sha256, sha256(readFileSync(output)));
    await assert.rejects(writeIndex(house, { place: 'toy/trixie', path: 'nothing' }), { code: 'no-such-index' });
    await assert.rejects(writeIndex(house, { place: 'toy/trixie', path: `${path}.gz` }), { code: 'not-kept' });
  });

  await context.test('import adds what was saved before', async () => {
    const files = new Map(archive.mirror.files);
    await publish('2026-01-31', '0.9-1');
    for (const [name, bytes] of archive.mirror.files) {
      if (!name.startsWith('dists/') || name.includes('by-hash')) continue;
      mkdirSync(dirname(join(root, 'saved', name)), { recursive: true });
      writeFileSync(join(root, 'saved', name), bytes);
    }
    archive.mirror.files.clear();
    for (const [name, bytes] of files) archive.mirror.files.set(name, bytes);
    now = new Date('2026-02-03T00:00:00Z');
    const report = await importSaved(house, 'toy', [join(root, 'saved')], { json: true });
    assert.match(lines(formatImport(report)), /toy\/trixie +20260131T000000Z .*\n\n1 tree: 1 new snapshot, 0 known/);
  });

  await context.test('package history tells where versions were, and when', async () => {
    const found = await readHistory(house, 'hello', { source: true });
    assert.deepEqual(
      found.sightings.map(({ entry, since, until }) => [entry.version, since, until]),
      [
        ['1.0-2', '20260202T000000Z', undefined],
        ['1.0-1', '20260201T000000Z', '20260202T000000Z'],
        ['0.9-1', '20260131T000000Z', '20260201T000000Z'],
      ],
    );
    assert.deepEqual(found.alarms, []);
    assert.match(
      lines(formatHistory(found)),
      /1\.0-1 +source +toy\/trixie +main +2026-02-01 00:00:00 +2026-02-02 00:00:00/,
    );
    await assert.rejects(readHistory(house, 'nothing', {}), { code: 'no-such-package', hint: /sheaf archive show$/ });
    await assert.rejects(readHistory(house, 'hello', { origin: 'toy', arch: 'i386' }), {
      message: 'Cannot find hello i386: no index of toy that is kept ever had it',
      hint: 'All its versions: sheaf package history hello',
    });
    await assert.rejects(readHistory(house, 'hello', { origin: 'tyo' }), {
      code: 'unknown-upstream',
      message: 'Cannot find upstream "tyo": nothing of it is kept; did you mean "toy"?',
      hint: 'There is toy.',
    });
  });

  await context.test('package history and update raise an alarm when a version has other bytes', async () => {
    await publish('2026-02-04', '1.0-1', Buffer.from('not the package that it was'));
    const text = lines(formatReports(await update()));
    assert.match(text, /ALARM: 1 version with other bytes than before:\n {2}hello 1\.0-1 amd64: sheaf package history/);
    const found = await readHistory(house, 'hello', { version: '1.0-1' });
    assert.deepEqual(
      found.alarms.map(({ origin, architecture, sha256: hashes }) => [origin, architecture, hashes.length]),
      [['toy', 'amd64', 2]],
    );
    assert.match(lines(formatHistory(found)), /1\.0-1 amd64 in toy had 2 files:/);
  });

  await context.test('archive show counts all of it', async () => {
    const shown = await readArchive(house);
    assert.equal(shown.snapshots, 4);
    assert.match(lines(formatArchive(shown)), /on the disk: +\S+ \S+/);
  });

  await context.test('archive compact and verify keep and prove all of it', async () => {
    const before = await verify(house, true);
    assert.deepEqual([before.problems, before.compressed], [[], 0]);
    const compacted = await compact(house, true);
    assert.ok(compacted.proved > 0, JSON.stringify(compacted));
    assert.match(lines(formatCompacted(compacted)), /compressed files? of .* can be made again/);
    const after = await verify(house, true);
    assert.deepEqual([after.problems, after.compressed, after.kept], [[], compacted.proved, compacted.kept]);
    assert.match(lines(formatVerified(after)), /All of it is as it was\.$/);
  });
});

test('import names an upstream before its folders, and need not where there is only one', () => {
  const house = (...names: string[]) =>
    ({ distribution: { upstreams: new Map(names.map((name) => [name, {}])) } }) as unknown as House;
  assert.deepEqual(chooseUpstream(house('toy'), ['saved', 'more']), { name: 'toy', directories: ['saved', 'more'] });
  assert.deepEqual(chooseUpstream(house('toy', 'b'), ['toy', 'saved']), { name: 'toy', directories: ['saved'] });
  for (const [names, words] of [
    [['a', 'b'], ['saved']],
    [
      ['a', 'b'],
      ['c', 'saved'],
    ],
    [[], ['saved']],
  ] as const) {
    assert.throws(
      () => chooseUpstream(house(...names), words),
      (error) => error instanceof SheafError && error.code === 'which-upstream',
    );
  }
});
