/** What `sheaf rebuild` refuses, by the command itself: what it says, and its exit code. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';

import { testDatabase, type TestDatabase } from '../../../../test/database.ts';
import { rebuildResult, testRebuilder, type TestRebuilder } from '../../../../test/rebuilds.ts';
import { sha256 } from '../../../kit/digest.ts';
import type { RebuildResult } from '../../../model/rebuild.ts';
import { findRebuilds, signRebuild } from '../../../rebuild/mod.ts';

const checkout = join(import.meta.dirname, '../../../..');
const directory = mkdtempSync(join(tmpdir(), 'sheaf-refusals-'));
let database: TestDatabase;

before(async () => {
  database = await testDatabase();
  assert.equal(sheaf('init', join(directory, 'grove')).status, 0);
});
after(async () => {
  await database.close();
  rmSync(directory, { recursive: true });
});

function sheaf(...words: string[]) {
  return spawnSync(join(checkout, 'sheaf'), words, {
    cwd: directory,
    encoding: 'utf8',
    env: { ...process.env, NO_COLOR: '1', SHEAF_DATABASE_URL: database.url, SHEAF_DIR: join(directory, 'grove') },
  });
}

function addRebuilder({ name, publicKey }: TestRebuilder, more = ''): void {
  const settings = join(directory, 'grove/sheaf.toml');
  const section = `\n[rebuilder.${name}]\nkey = "${publicKey}"\n${more}`;
  writeFileSync(settings, `${readFileSync(settings, 'utf8')}${section}`);
}

/** A file with a signed statement. */
function write(name: string, by: TestRebuilder, result: RebuildResult, invocation = name): string {
  const envelope = signRebuild({ rebuilder: by.name, invocation, result }, by.sign);
  writeFileSync(join(directory, name), envelope);
  return envelope;
}

test('sheaf rebuild accept takes what is good, and says of each other file why not and what to do', async () => {
  const [far, revoked, expired] = ['far', 'revoked', 'expired'].map(testRebuilder) as [TestRebuilder, TestRebuilder, TestRebuilder]; // prettier-ignore
  addRebuilder(far);
  addRebuilder(revoked, 'revoked = true\n');
  addRebuilder(expired, 'valid-before = 2026-01-01T00:00:30Z\n');
  await publish('hello', '2.10-4', sha256('what is published here'));
  const good = write('good.json', far, rebuildResult({ finishedOn: '2026-01-03T00:00:00Z' }));
  write('older.json', far, rebuildResult({ finishedOn: '2026-01-02T00:00:00Z' }));
  write('again.json', far, rebuildResult({ name: 'zlib', finishedOn: '2026-01-04T00:00:00Z' }), 'good.json');
  write('other.json', far, rebuildResult({ version: '2.10-4' }));
  write('revoked.json', revoked, rebuildResult({ name: 'sed' }));
  write('expired.json', expired, rebuildResult({ name: 'sed' }));
  const { payload, ...rest } = JSON.parse(good) as { payload: string };
  const said = Buffer.from(payload, 'base64').toString().replaceAll(sha256('hello 2.10-3'), sha256('sed 2.10-3'));
  writeFileSync(
    join(directory, 'replayed.json'),
    JSON.stringify({ ...rest, payload: Buffer.from(said).toString('base64') }),
  );
  const refused = [
    ['older.json', /has said something newer of hello_2\.10-3_amd64\.deb/],
    ['again.json', /said something else of invocation "good\.json"/],
    [
      'other.json',
      /hello 2\.10-4 amd64 is \w{64} here, and the statement is about \w{64}\n {2}It is a statement about/,
    ],
    ['revoked.json', /sheaf\.toml says that its key is revoked\n {2}If it has a new key.*\[rebuilder\.revoked\]/],
    ['expired.json', /the rebuild ended on 2026-01-01T00:01:00Z, when its key is not valid.*\n {2}See valid-after/],
    ['replayed.json', /no known key signed it\n {2}Keys that are known/],
  ] as const;
  const { status, stdout, stderr } = sheaf('rebuild', 'accept', 'good.json', ...refused.map(([file]) => file));
  assert.equal(status, 1, stderr);
  const answers = stdout.split(/\n(?! )/);
  assert.match(answers[0]!, /^good\.json: rebuild \d+, far says of hello 2\.10-3: reproduced$/);
  for (const [index, [file, why]] of refused.entries()) {
    assert.ok(answers[index + 1]!.startsWith(`${file}: refused: `), answers[index + 1]);
    assert.match(answers[index + 1]!, why);
  }
  assert.equal((await findRebuilds(database.db, {})).length, 1);
});

/** A .buildinfo, and the source that it is of. */
function writeBuild(folder: string, tar: string): void {
  mkdirSync(join(directory, folder));
  const put = (name: string, text: string) => writeFileSync(join(directory, folder, name), text);
  put('toy_1.tar.xz', tar);
  put(
    'toy_1.dsc',
    `Format: 3.0 (native)\nSource: toy\nBinary: toy\nArchitecture: any\nVersion: 1\nMaintainer: T <t@toy.invalid>\nChecksums-Sha256:\n ${sha256('tar')} 3 toy_1.tar.xz\nFiles:\n 0123456789abcdef0123456789abcdef 3 toy_1.tar.xz\n`,
  );
  put(
    'toy_1_amd64.buildinfo',
    `Format: 1.0\nSource: toy\nBinary: toy\nArchitecture: amd64\nVersion: 1\nChecksums-Sha256:\n ${sha256('deb')} 3 toy_1_amd64.deb\nBuild-Architecture: amd64\nBuild-Date: Sun, 15 Feb 2026 10:00:00 +0000\nInstalled-Build-Depends:\n gcc-12 (= 12.2.0-14),\n libc6 (= 2.36-9)\n`,
  );
}

test('sheaf rebuild run says what of a .buildinfo no index that is kept has', async () => {
  writeBuild('build', 'tar');
  const { status, stdout, stderr } = sheaf('rebuild', 'run', 'build/toy_1_amd64.buildinfo', '--json');
  assert.equal(status, 3, stderr);
  const { verdict, reason } = JSON.parse(stdout) as RebuildResult;
  assert.equal(verdict, 'unknown');
  assert.match(reason!, /environment of toy_1_amd64\.buildinfo: the history does not have gcc-12 12\.2\.0-14, libc6 2\.36-9\. /); // prettier-ignore
  assert.match(reason!, /sheaf upstream import/);
  const [recorded] = await findRebuilds(database.db, { name: 'toy' });
  assert.equal(recorded!.result.reason, reason);
});

test('sheaf rebuild run refuses a source whose bytes are not those of its .dsc, as wrong use and not as a difference', () => {
  writeBuild('changed', 'TAR');
  const { status, stderr } = sheaf('rebuild', 'run', 'changed/toy_1_amd64.buildinfo');
  assert.equal(status, 2, stderr);
  assert.match(
    stderr,
    /changed\/toy_1\.tar\.xz, which toy_1\.dsc lists: its SHA-256 is \w{64}, expected \w{64}\nhint: /,
  );
});

test('sheaf rebuild run refuses a folder that it cannot write to before it builds', () => {
  writeFileSync(join(directory, 'file'), '');
  const { status, stderr } = sheaf('rebuild', 'run', 'build/toy_1_amd64.buildinfo', '--output', 'file');
  assert.equal(status, 2, stderr);
  assert.match(stderr, /Cannot write to .*\/file: .*\nhint: Name a folder by --output/);
});

test('sheaf rebuild and sheaf challenge take what cannot be read for wrong use, not for a difference', () => {
  for (const [words, message] of [
    [['rebuild', 'run', 'hello', '--arch', 'Bad_arch'], /expected a Debian architecture/],
    [['challenge', '--status', 'none'], /Cannot read none: there is no such file\n/],
    [['challenge', '--status', '/dev/null'], /it is not a file\n/],
    [['challenge', '--status', 'good.json'], /good\.json:1.*\nhint: /],
  ] as const) {
    const { status, stderr } = sheaf(...words);
    assert.equal(status, 2, stderr);
    assert.match(stderr, message);
  }
});

async function publish(name: string, version: string, digest: string): Promise<void> {
  await database.db
    .insertInto('binary_package')
    .values({
      ...{ repository: 'main', name, version, architecture: 'amd64', source: name, source_version: version },
      ...{ component: 'main', control: '', filename: `${name}_${version}_amd64.deb`, sha256: digest, size: 1 },
      ...{ job: null, attempt: null, accepted_at: new Date(0) },
    })
    .execute();
}
