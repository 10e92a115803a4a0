import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, test } from 'node:test';

import { missing, refusal } from '../formats/deb/testdata/oracle.ts';
import { indexFiles } from './index-files.ts';

const directory = mkdtempSync(join(tmpdir(), 'sheaf-index-files-'));
after(() => rmSync(directory, { recursive: true }));

const sha = (digit: string) => digit.repeat(64);
const binary = (name: string, more: { version?: string; architecture?: string; pool?: string } = {}) =>
  `Package: ${name}\nVersion: ${more.version ?? '1.0-1'}\nArchitecture: ${more.architecture ?? 'amd64'}\nSource: src-${name} (1.0)\n` +
  `Filename: ${more.pool ?? 'pool/main'}/h/${name}.deb\nSize: 42\nSHA256: ${sha('a')}\nDescription: a test\n`;
const source = (name: string) =>
  `Package: ${name}\nBinary: ${name}\nVersion: 1.0-1\nArchitecture: any\nFormat: 3.0 (quilt)\nDirectory: pool/contrib/h/${name}\n` +
  `Files:\n ${'1'.repeat(32)} 7 ${name}_1.0-1.dsc\nChecksums-Sha256:\n ${sha('b')} 7 ${name}_1.0-1.dsc\n`;
const join2 = (...stanzas: string[]) => stanzas.join('\n');

/** A file below the folder of these tests. */
function write(path: string, content: string | Uint8Array): string {
  const file = join(directory, path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, content);
  return file;
}

async function readAll(path: string) {
  const found = await indexFiles.find(path);
  assert.ok(found !== undefined, path);
  const lists = await Promise.all(found.map((index) => index.read()));
  return { indexes: found, entries: lists.flat() };
}

const told = ({ entries }: Awaited<ReturnType<typeof readAll>>) =>
  entries.map(({ kind, name, architecture, component }) => `${kind} ${name} ${architecture} ${component}`).sort();

test('find reads a Packages file, with everything that an entry has', async () => {
  const { indexes, entries } = await readAll(
    write('one/Packages', join2(binary('hello'), binary('data', { architecture: 'all' }))),
  );
  assert.deepEqual(indexes[0]?.architectures, ['all', 'amd64']);
  assert.deepEqual(entries[0], {
    ...{ kind: 'binary', name: 'hello', version: '1.0-1', architecture: 'amd64', component: 'main' },
    ...{ source: 'src-hello', sourceVersion: '1.0', sha256: sha('a'), size: 42 },
  });
});

test('find tells Sources by what they say, whatever the file is called', async () => {
  const { indexes, entries } = await readAll(write('odd name.txt', source('hello')));
  assert.equal(indexes[0]?.kind, 'source');
  assert.deepEqual(entries, [
    {
      ...{ kind: 'source', name: 'hello', version: '1.0-1', architecture: 'source', component: 'contrib' },
      ...{ source: 'hello', sourceVersion: '1.0-1', sha256: sha('b'), size: 7 },
    },
  ]);
});

for (const [program, suffix] of [
  ['xz', 'xz'],
  ['gzip', 'gz'],
  ['zstd', 'zst'],
  ['bzip2', 'bz2'],
] as const) {
  test(`find reads what ${program} compressed`, { skip: missing(program) }, async () => {
    const text = join2(binary('hello'));
    const path = write(`packed/${program}/Packages.${suffix}`, execFileSync(program, ['-c'], { input: text }));
    assert.deepEqual(told(await readAll(path)), ['binary hello amd64 main']);
  });
}

test('find takes a folder of index files, each once, as apt keeps them or under their plain names', async () => {
  const prefix = 'deb.example.org_dists_stable';
  write(`lists/${prefix}_main_binary-amd64_Packages`, binary('hello'));
  write(`lists/${prefix}_main_binary-amd64_Packages.xz`, 'not looked at');
  write(`lists/${prefix}_contrib_source_Sources`, source('world'));
  write(`lists/${prefix}_InRelease`, 'not an index');
  assert.deepEqual(told(await readAll(join(directory, 'lists'))), [
    'binary hello amd64 main',
    'source world source contrib',
  ]);
});

test('find takes a suite of a dists tree, its components by their folders, and nothing for the installer', async () => {
  const suite = 'mirror/dists/trixie';
  write(`${suite}/main/binary-amd64/Packages`, binary('hello', { pool: 'elsewhere' }));
  write(`${suite}/main/binary-arm64/Packages`, binary('hello', { architecture: 'arm64' }));
  write(`${suite}/main/source/Sources`, source('hello'));
  write(`${suite}/updates/non-free/binary-amd64/Packages`, binary('firmware'));
  write(`${suite}/main/debian-installer/binary-amd64/Packages`, binary('udeb'));
  write(`${suite}/main/binary-amd64/by-hash/SHA256/Packages`, binary('old'));
  symlinkSync('trixie', join(directory, 'mirror/dists/testing'));
  const expected = [
    'binary firmware amd64 updates/non-free',
    'binary hello amd64 main',
    'binary hello arm64 main',
    'source hello source main',
  ];
  for (const path of ['mirror', 'mirror/dists/trixie', 'mirror/dists/testing/']) {
    assert.deepEqual(told(await readAll(join(directory, path))), expected, path);
  }
});

test('find asks which suite of a tree with several', async () => {
  write('two/dists/a/main/binary-amd64/Packages', binary('hello'));
  write('two/dists/b/main/binary-amd64/Packages', binary('hello'));
  await assert.rejects(indexFiles.find(join(directory, 'two')), refusal('which-suite', /tree of 2 suites/));
});

test('find and has know nothing of what is not there, or holds no index', async () => {
  write('plain/notes.txt', 'nothing');
  for (const path of [
    'plain',
    'nowhere',
    'plain/notes.txt/deeper',
    'debian/trixie@2026-09-12',
    'a\0b',
    'x'.repeat(5000),
  ]) {
    assert.equal(await indexFiles.find(join(directory, path)), undefined);
    assert.equal(await indexFiles.has(join(directory, path)), false);
  }
});

test('instead tells what is at a path that has no index', async () => {
  mkdirSync(join(directory, 'bare'), { recursive: true });
  assert.equal(await indexFiles.instead(join(directory, 'bare')), 'the folder there holds no Packages or Sources');
  assert.equal(await indexFiles.instead('/dev/null'), 'what is there is neither a file nor a folder');
  assert.equal(await indexFiles.instead(join(directory, 'nothing')), undefined);
});

test('find reads an empty file as an empty index of the kind that its name says', async () => {
  const { indexes, entries } = await readAll(write('empty/Sources', ''));
  assert.deepEqual([indexes[0]?.kind, entries], ['source', []]);
});

test('find refuses what is no index, with file and line', async () => {
  const path = write('broken/Packages', `${join2(binary('hello'), binary('world'))}\nPackage: third\nno field\n`);
  await assert.rejects(indexFiles.find(path), (error: unknown) => {
    refusal('bad-control-file', /broken\/Packages/, 20)(error);
    return true;
  });
  await assert.rejects(
    indexFiles.find(write('prose', 'Dear reader,\nthis is a letter.\n')),
    refusal('bad-control-file', /prose/, 1),
  );
});

test('find refuses a file that unpacks to more than an index can be', { skip: missing('zstd') }, async () => {
  const zeroes = execFileSync('sh', ['-c', 'head -c 600M /dev/zero | zstd -1 -c'], { maxBuffer: 2 ** 26 });
  await assert.rejects(indexFiles.find(write('bomb/Packages.zst', zeroes)), refusal('over-limit', /Packages\.zst/));
});
