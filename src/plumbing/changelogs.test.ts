import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';

import { missing, run } from '../formats/deb/testdata/oracle.ts';
import { sha256 } from '../kit/digest.ts';
import { Blobs } from './blobs.ts';
import { changelogReader } from './changelogs.ts';

const directory = mkdtempSync(join(tmpdir(), 'sheaf-changelogs-'));
after(() => rmSync(directory, { recursive: true }));
const blobs = new Blobs(join(directory, 'blobs'));
const read = changelogReader(blobs);

const text =
  'toy (1.0-2) sid; urgency=medium\n\n  * A change.\n\n -- A <a@example.org>  Thu, 01 Jan 2026 00:00:00 +0000\n';
const rebuild = text.replace('1.0-2', '1.0-2+b1').replace('A change', 'Rebuilt');
const absent = { state: 'absent' };
const none = { state: 'none' };
const found = (changelog: string) => ({ state: 'found', text: changelog });

/** A folder below that of these tests, with files. */
function tree(name: string, files: Readonly<Record<string, string | Buffer>>): string {
  for (const [path, content] of Object.entries(files)) {
    const file = join(directory, name, path);
    mkdirSync(join(file, '..'), { recursive: true });
    writeFileSync(file, content);
  }
  return join(directory, name);
}

const gz = (content: string) => run('gzip', ['-9nc'], { input: content });

/** The hash of a .deb made by dpkg-deb. */
async function makeDeb(
  name: string,
  files: Readonly<Record<string, string | Buffer>>,
  compression = 'xz',
): Promise<string> {
  const control = 'Package: toy\nVersion: 1.0-2\nArchitecture: all\nMaintainer: A <a@example.org>\nDescription: toy\n';
  const folder = tree(name, { 'DEBIAN/control': control, ...files });
  run('dpkg-deb', ['--root-owner-group', `-Z${compression}`, '-b', folder, `${folder}.deb`]);
  return (await blobs.putBytes(readFileSync(`${folder}.deb`))).sha256;
}

/** The hash of the .dsc of a source package made by dpkg-source, whose other files are kept unless told. */
async function makeSource(format: string, keep = true): Promise<string> {
  const name = format.replaceAll(/\W+/g, '-');
  const native = format.includes('native');
  const work = tree(`source-${name}-${keep}`, {
    'toy-1.0/debian/changelog': native ? text.replace('1.0-2', '1.0') : text,
    'toy-1.0/debian/control':
      'Source: toy\nMaintainer: A <a@example.org>\n\nPackage: toy\nArchitecture: all\nDescription: toy\n',
    'toy-1.0/debian/source/format': `${format}\n`,
    'toy-1.0/hello.c': 'int main;\n',
  });
  if (!native) run('tar', ['-C', work, '--exclude=debian', '-czf', join(work, 'toy_1.0.orig.tar.gz'), 'toy-1.0']);
  run('dpkg-source', ['-b', 'toy-1.0'], { cwd: work });
  let dsc = '';
  for (const file of readdirSync(work, { withFileTypes: true }).filter((each) => each.isFile())) {
    const bytes = readFileSync(join(work, file.name));
    if (keep || file.name.endsWith('.dsc')) await blobs.putBytes(bytes);
    if (file.name.endsWith('.dsc')) dsc = sha256(bytes);
  }
  return dsc;
}

const binary = (hash: string, name = 'toy') => read({ kind: 'binary', name, sha256: hash });
const source = (hash: string) => read({ kind: 'source', name: 'toy', sha256: hash });
const skip = missing('dpkg-deb', 'dpkg-source', 'gzip', 'tar');

for (const compression of ['xz', 'gzip', 'zstd', 'none']) {
  test(`changelogReader reads a .deb whose data is packed by ${compression}`, { skip }, async () => {
    const files = {
      'usr/share/doc/toy/changelog.Debian.gz': gz(text),
      'usr/share/doc/toy/changelog.gz': gz('upstream'),
    };
    assert.deepEqual(await binary(await makeDeb(`deb-${compression}`, files, compression)), found(text));
  });
}

test(
  'changelogReader reads the changelog of a native package, and of a build that was made again',
  { skip },
  async () => {
    const native = await makeDeb('native', {
      'usr/share/doc/toy/changelog.gz': gz(text),
      'usr/bin/toy': 'x'.repeat(100_000),
    });
    assert.deepEqual(await binary(native), found(text));
    const again = {
      'usr/share/doc/toy/changelog.Debian.gz': gz(text),
      'usr/share/doc/toy/changelog.Debian.amd64.gz': gz(rebuild),
    };
    assert.deepEqual(await binary(await makeDeb('again', again)), found(`${rebuild}\n${text}`));
  },
);

test('changelogReader says none of a package without one, or with a broken one', { skip }, async () => {
  assert.deepEqual(await binary(await makeDeb('bare', { 'usr/bin/toy': 'x' })), none);
  assert.deepEqual(await binary(await makeDeb('broken', { 'usr/share/doc/toy/changelog.gz': 'not gzip' })), none);
  const good = readFileSync(join(directory, 'native.deb'));
  for (const bytes of [
    good.subarray(0, good.length - 500),
    good.subarray(0, 100),
    Buffer.from('!<arch>\n'),
    Buffer.alloc(0),
  ]) {
    assert.deepEqual(await binary((await blobs.putBytes(bytes)).sha256), none);
  }
});

for (const format of ['3.0 (quilt)', '3.0 (native)', '1.0']) {
  test(`changelogReader reads a source package of format ${format}`, { skip }, async () => {
    const expected = format.includes('native') ? text.replace('1.0-2', '1.0') : text;
    assert.deepEqual(await source(await makeSource(format)), found(expected));
  });
}

test('changelogReader says absent of what is not kept, whole or in part', { skip }, async () => {
  assert.deepEqual(await binary('a'.repeat(64)), absent);
  assert.deepEqual(await binary(''), absent);
  const elsewhere = changelogReader(new Blobs(join(directory, 'other')));
  assert.deepEqual(await elsewhere({ kind: 'source', name: 'toy', sha256: 'b'.repeat(64) }), absent);
  const other = new Blobs(join(directory, 'some'));
  const dsc = await makeSource('3.0 (quilt)', false);
  await other.putBytes(await blobs.read(dsc as never));
  assert.deepEqual(await changelogReader(other)({ kind: 'source', name: 'toy', sha256: dsc }), absent);
});
