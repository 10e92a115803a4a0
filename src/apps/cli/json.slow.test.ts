/** What --json prints is what docs/json.md says. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';

import { debOf, tarEntry } from '../../formats/deb/testdata/archive.ts';
import { testDatabase, type TestDatabase } from '../../../test/database.ts';
import { amd64, noNotifiers } from '../../../test/jobs.ts';
import { rebuildResult, recordResults, testRebuilder } from '../../../test/rebuilds.ts';
import { seedTranscripts } from '../../../test/transcript-seed.ts';
import { assertDocumented } from './testing/documented.ts';
import { sha256 } from '../../kit/digest.ts';
import { parsePackageName, parseVersion } from '../../model/names.ts';
import { addTasks, signRebuild } from '../../rebuild/mod.ts';

const checkout = join(import.meta.dirname, '../../..');
const directory = mkdtempSync(join(tmpdir(), 'sheaf-json-'));
let database: TestDatabase;

before(async () => {
  database = await testDatabase();
  await seedTranscripts(database.db);
  sheaf('init', join(directory, 'grove'));
  const settings = join(directory, 'grove/sheaf.toml');
  const stanza = `Package: hello\nVersion: 1\nArchitecture: amd64\nSize: 1\nSHA256: ${'0'.repeat(64)}\nURL: http://h/h.deb\n`;
  writeFileSync(join(directory, 'hello.lock'), `Package: sheaf-lock\nVersion: 2\nArchitecture: amd64\n\n${stanza}`);
  writeFileSync(settings, `${readFileSync(settings, 'utf8')}[person.ada]\n[repository.apps]\n`);
  writeLocks();
  for (const name of ['old', 'new']) writeFileSync(join(directory, `${name}.deb`), debOf([tarEntry('a', name)]));
  const blobs = { putBytes: async (text: string) => ({ sha256: sha256(text) }) };
  await recordResults({ db: database.db, blobs, now: () => new Date() }, testRebuilder('far'), [
    rebuildResult({ verdict: 'differs', causes: [{ kind: 'clock', detail: '', confirmed: true }] }),
  ]);
  const task = { source: parsePackageName('toy'), version: parseVersion('1'), architecture: amd64, suite: 'stable' };
  const how = {
    place: 'stable@20261121T100000Z',
    dependencies: [],
    nocheck: false,
    plain: false,
    experiments: 4,
    priority: 0,
  };
  await addTasks({ db: database.db, distribution: noNotifiers, now: () => new Date() }, [{ ...task, ...how }], 'ann');
  const said = { rebuilder: 'far', invocation: '1', result: rebuildResult() };
  writeFileSync(join(directory, 'statement.json'), signRebuild(said, testRebuilder('far').sign));
});
after(async () => {
  await database.close();
  rmSync(directory, { recursive: true });
});

/** Two locks that differ, what a build wrote, and a system; none of their packages was ever in an index here. */
function writeLocks(): void {
  const hello = (version: string) =>
    `Package: hello\nVersion: ${version}\nArchitecture: amd64\nSize: 1\nSHA256: ${'a'.repeat(64)}\nURL: http://h/x.deb\n`;
  for (const [name, version] of [
    ['old', '1'],
    ['new', '2'],
  ] as const) {
    const head = 'Package: sheaf-lock\nVersion: 2\nArchitecture: amd64\nInstall: hello\nRecommends: no\n';
    writeFileSync(join(directory, `${name}.lock`), `${head}\n${hello(version)}Depends: libc6\n`);
  }
  const build = `Format: 1.0\nSource: toy\nArchitecture: amd64\nVersion: 1\nChecksums-Sha256:\n ${'a'.repeat(64)} 1 toy.deb\n`;
  writeFileSync(
    join(directory, 'toy.buildinfo'),
    `${build}Build-Architecture: amd64\nInstalled-Build-Depends:\n hello (= 1)\n`,
  );
  mkdirSync(join(directory, 'system/var/lib/dpkg'), { recursive: true });
  writeFileSync(join(directory, 'system/var/lib/dpkg/status'), `${hello('1')}Status: install ok installed\n`);
}

function sheaf(...args: string[]): { stdout: string; stderr: string; status: number | null } {
  return spawnSync(join(checkout, 'sheaf'), args, {
    cwd: directory,
    encoding: 'utf8',
    env: { ...process.env, SHEAF_DATABASE_URL: database.url, SHEAF_DIR: join(directory, 'grove') },
  });
}

const commands: readonly (readonly string[])[] = [
  ['worker', 'token'],
  ['worker', 'list'],
  ['worker', 'approve', 'sapling'],
  ['worker', 'disable', 'sapling'],
  ['intake', 'tag', 'https://git.example.org/hello', 'debian/9', '--suite', 'stable', '--no-wait'],
  ['job', 'list'],
  ['job', 'show', '1'],
  ['job', 'log', '2'],
  ['job', 'retry', '2'],
  ['job', 'cancel', '2'],
  ['package', 'show', 'hello'],
  ['suite', 'list'],
  ['suite', 'show', 'stable'],
  ['suite', 'publish', 'stable'],
  ['suite', 'publish', 'stable'],
  ['upstream', 'add', 'other', 'http://127.0.0.1:1', '--suite', 'sid', '--every', '6h'],
  ['upstream', 'list'],
  ['upstream', 'show', 'debian'],
  ['archive', 'show'],
  ['archive', 'verify'],
  ['archive', 'compact'],
  ['archive', 'export', 'exported'],
  ['mirror', 'add', 'copy', '--folder', 'mirror-copy', '--repository', 'main'],
  ['mirror', 'list'],
  ['mirror', 'push'],
  ['mirror', 'status'],
  ['storage', 'status'],
  ['suite', 'freeze', 'stable', '--reason', 'a test'],
  ['suite', 'thaw', 'stable'],
  ['new', 'list'],
  ['web', 'sign-in', 'ada'],
  ['web', 'token', 'ada'],
  ['web', 'sessions'],
  ['web', 'sign-out', 'ada'],
  ['manifest'],
  ['lock', 'show', 'hello.lock'],
  ['lock', 'verify', 'hello.lock'],
  ['lock', 'diff', 'old.lock', 'new.lock'],
  ['lock', 'explain', 'old.lock', 'hello'],
  ['lock', 'from-buildinfo', 'toy.buildinfo'],
  ['lock', 'from-system', '--root', 'system'],
  ['rebuild', 'compare', 'old.deb', 'new.deb'],
  ['rebuild', 'list'],
  ['rebuild', 'list', '--waiting'],
  ['rebuild', 'show', 'hello'],
  ['rebuild', 'report'],
  ['rebuild', 'accept', 'statement.json'],
  ['rebuild', 'key'],
  ['rebuild', 'tidy'],
  ['rebuild', 'cancel', '1'],
  ['challenge', '--root', 'system'],
  ['key', 'list'],
  ['key', 'list', '--people'],
  ['key', 'export', 'main'],
  ['key', 'create', 'apps'],
  ['status'],
  ['doctor'],
  ['completion', 'bash'],
];

for (const words of commands) {
  test(`sheaf ${words.join(' ')} --json prints one documented document`, () => {
    const { stdout, stderr } = sheaf(...words, '--json');
    const document = JSON.parse(stdout) as Record<string, unknown>;
    assert.ok(Object.keys(document).length > 0, stderr);
    assertDocumented(words, document);
  });
}
