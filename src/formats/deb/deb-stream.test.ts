import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';

import { openDebFile } from '../../plumbing/deb-file.ts';
import { decompressStream } from '../../plumbing/decompress.ts';
import { parseConffiles, parseMd5sums } from './control-lists.ts';
import { openDeb, type OpenDeb } from './deb-stream.ts';
import { readDeb } from './deb.ts';
import * as compression from '../../plumbing/compression.ts';
import { arOf, debOf, someControl, tarEntry, tarOf } from './testdata/archive.ts';
import { missing, missingDpkgPerl, refusal, run, temporaryDirectory } from './testdata/oracle.ts';
import { makePackage, packageTools } from './testdata/package.ts';

const tools = missing(...packageTools) || missingDpkgPerl();
const limits = { bytes: 2 ** 24, entries: 1000 };

async function* pieces(bytes: Uint8Array, size = 1000): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

const open = (bytes: Uint8Array, size?: number) => openDeb(pieces(bytes, size), decompressStream, limits, 'one.deb');

/** Every entry, with its content as text. */
async function list(deb: OpenDeb): Promise<{ path: string; type: string; link: string; text: string }[]> {
  const entries = [];
  for await (const { path, type, link, content } of deb.entries()) {
    const parts: Uint8Array[] = [];
    for await (const part of content) parts.push(part);
    entries.push({ path, type, link, text: Buffer.concat(parts).toString() });
  }
  return entries;
}

for (const kind of ['xz', 'gzip', 'zstd', 'none']) {
  test(`openDeb reads what dpkg-deb -Z${kind} writes, as readDeb and dpkg-deb do`, { skip: tools }, async (t) => {
    using directory = temporaryDirectory();
    if (kind === 'zstd' && !run('dpkg-deb', ['--help']).toString().includes('zstd')) {
      t.skip('this dpkg-deb has no zstd');
      return;
    }
    const { debPath } = makePackage(directory.path, kind);
    const deb = await openDebFile(debPath);
    const whole = readDeb(readFileSync(debPath), compression, debPath);
    for (const key of ['name', 'version', 'architecture', 'control', 'controlFiles', 'dataMember'] as const) {
      assert.deepEqual(deb[key], whole[key]);
    }
    const sums = new Map(parseMd5sums(deb.md5sums ?? '').map((each) => [each.path, each.md5]));
    const seen = [];
    for await (const entry of deb.entries()) {
      const hash = createHash('md5');
      for await (const part of entry.content) hash.update(part);
      if (entry.type === 'file' && sums.size > 0) assert.equal(hash.digest('hex'), sums.get(entry.path));
      seen.push(
        `${entry.type[0]!.replace('f', '-').replace('s', 'l')} ${entry.user}/${entry.group} ${entry.size} ./${entry.path}`,
      );
    }
    const listed = run('dpkg-deb', ['-c', debPath], {
      env: { ...process.env, TZ: 'UTC', LC_ALL: 'C.UTF-8', TAR_OPTIONS: '--quoting-style=literal' },
    });
    const theirs = listed.toString().trimEnd().split('\n').map((line) => line.replace(/^(.)\S+ (\S+) +(\d+) \S+ \S+ (.*?)\/?( (->|link to) .*)?$/, '$1 $2 $3 $4')); // prettier-ignore
    assert.deepEqual(
      seen.map((line) => line.replace(/\/$/, '')),
      theirs,
    );
  });
}

const data = [
  tarEntry('./', '', { type: '5' }),
  tarEntry('./usr/', '', { type: '5' }),
  tarEntry('./usr/a', 'hello'),
  tarEntry('./usr/b', '', { type: '1', link: './usr/a' }),
  tarEntry('./usr/c', '', { type: '2', link: '/etc/../x' }),
  tarEntry('./usr/d', 'x'.repeat(5000)),
];
const entries = [
  { path: '', type: 'directory', link: '', text: '' },
  { path: 'usr', type: 'directory', link: '', text: '' },
  { path: 'usr/a', type: 'file', link: '', text: 'hello' },
  { path: 'usr/b', type: 'hardlink', link: 'usr/a', text: '' },
  { path: 'usr/c', type: 'symlink', link: '/etc/../x', text: '' },
  { path: 'usr/d', type: 'file', link: '', text: 'x'.repeat(5000) },
];

for (const [dataName, ...argv] of [
  ['data.tar'],
  ['data.tar.gz', 'gzip'],
  ['data.tar.xz', 'xz'],
  ['data.tar.zst', 'zstd'],
  ['data.tar.bz2', 'bzip2'],
  ['data.tar.lzma', 'xz', '--format=lzma'],
] as const) {
  test(`openDeb reads ${dataName}, in pieces of any size`, async () => {
    const [program, ...options] = argv;
    const pack = (bytes: Buffer) => (program === undefined ? bytes : execFileSync(program, options, { input: bytes }));
    const bytes = debOf(data, { dataName, pack });
    for (const size of [1, 7, 512, 10_000]) assert.deepEqual(await list(await open(bytes, size)), entries);
  });
}

test('openDeb gives texts of the control archive, and passes over contents that nobody reads', async () => {
  const control = tarOf(
    tarEntry('./control', someControl),
    tarEntry('./md5sums', 'd41d8cd98f00b204e9800998ecf8427e  usr/a b\n'),
    tarEntry('./conffiles', '/etc/a\nremove-on-upgrade /etc/b\n'),
    tarEntry('./postinst', '#!/bin/sh\n'),
  );
  const deb = await open(arOf([['debian-binary', '2.0\n'], ['control.tar', control], ['_x', ''], ['data.tar', tarOf(...data)], ['_y', 'z']])); // prettier-ignore
  assert.deepEqual(deb.controlFiles, ['control', 'md5sums', 'conffiles', 'postinst']);
  assert.deepEqual(parseMd5sums(deb.md5sums!), [{ path: 'usr/a b', md5: 'd41d8cd98f00b204e9800998ecf8427e' }]);
  assert.deepEqual(parseConffiles(deb.conffiles!), [
    { path: '/etc/a', removed: false },
    { path: '/etc/b', removed: true },
  ]);
  const paths: string[] = [];
  for await (const entry of deb.entries()) {
    paths.push(entry.path);
    // Some of it, and then no more.
    for await (const part of entry.content) if (part.length > 0) break;
  }
  assert.deepEqual(paths, entries.map(({ path }) => path)); // prettier-ignore
});

test('openDeb closes its source when it refuses, when it is left and when it is closed', async () => {
  const bytes = debOf(data);
  let closed = 0;
  async function* source(content: Uint8Array) {
    try {
      yield* pieces(content);
    } finally {
      closed++;
    }
  }
  await assert.rejects(openDeb(source(Buffer.from('no')), decompressStream, limits));
  assert.equal(closed, 1);
  await (await openDeb(source(bytes), decompressStream, limits)).close();
  assert.equal(closed, 2);
  for await (const entry of (await openDeb(source(bytes), decompressStream, limits)).entries()) {
    if (entry.path === 'usr/a') break;
  }
  assert.equal(closed, 3);
  await list(await openDeb(source(bytes), decompressStream, limits));
  assert.equal(closed, 4);
});

test('parseMd5sums and parseConffiles refuse what is none', () => {
  const sum = 'd41d8cd98f00b204e9800998ecf8427e';
  for (const line of ['x  y', `${sum} y`, `${sum}  /y`, `${sum}  `, `${sum}  y\r`, `${sum}  y\0`, '']) {
    assert.throws(() => parseMd5sums(`${sum}  ok\n${line}\n`), refusal('bad-md5sums', /is not/, 2));
  }
  for (const line of ['etc/x', 'remove /etc/x', '/etc\r/x', '/etc/\0', '']) {
    assert.throws(() => parseConffiles(`/etc/ok\n${line}\n`), refusal('bad-conffiles', /is not/, 2));
  }
});
