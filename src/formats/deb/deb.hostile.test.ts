/** Packages that lie: each is refused with the file, a place in it and the reason; none takes more than it is given. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';

import fc from 'fast-check';

import { SheafError } from '../../kit/error.ts';
import * as compression from '../../plumbing/compression.ts';
import { decompressStream } from '../../plumbing/decompress.ts';
import { openDeb } from './deb-stream.ts';
import { readDeb } from './deb.ts';
import { arOf, debOf, paxOf, someControl, tarEnd, tarEntry, tarOf } from './testdata/archive.ts';

const limits = { bytes: 2 ** 22, entries: 100 };

async function* pieces(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

/** Reads all of it; gives the paths. */
async function readAll(bytes: Uint8Array, size = 4096): Promise<string[]> {
  const deb = await openDeb(pieces(bytes, size), decompressStream, limits, 'x.deb');
  const paths: string[] = [];
  for await (const entry of deb.entries()) {
    paths.push(entry.path);
    for await (const part of entry.content) assert.ok(part.length <= limits.bytes);
  }
  return paths;
}

/** The refusal of `openDeb`, which must name the file and a place. */
async function refusalOf(bytes: Uint8Array): Promise<SheafError> {
  const error = await readAll(bytes).then(
    () => assert.fail('it was read'),
    (reason: unknown) => reason,
  );
  assert.ok(error instanceof SheafError, String((error as Error).stack));
  assert.match(error.place?.file ?? '', /^x\.deb/);
  assert.ok(error.place?.offset !== undefined || error.place?.line !== undefined, error.message);
  assert.match(error.message, /^Cannot read x\.deb.*: .+/);
  return error;
}

const file = tarEntry('./usr/a', 'hello');
const plain = debOf([file]);
const binary = ['debian-binary', '2.0\n'] as const;
const control = ['control.tar', tarOf(tarEntry('./control', someControl))] as const;
const data = ['data.tar', tarOf(file)] as const;
const pack = (argv: readonly [string, ...string[]], bytes: Uint8Array) =>
  execFileSync(argv[0], argv.slice(1), { input: bytes, maxBuffer: 2 ** 28 });

const base256 = (first: number, rest: readonly number[]) =>
  Buffer.from([first, ...Array(11 - rest.length).fill(first === 0xff ? 0xff : 0), ...rest]);

const lies: readonly (readonly [what: string, bytes: Uint8Array, code: string, message: RegExp])[] = [
  // ar
  ['no bytes', Buffer.alloc(0), 'bad-ar', /does not begin as an ar archive/],
  ['a thin archive', Buffer.from('!<thin>\n'), 'bad-ar', /does not begin/],
  ['a member larger than the file', arOf([binary, control, ['data.tar', data[1], '99999999']]), 'bad-ar', /says 99999999 bytes, but only \d+ are left/],
  ['a control member larger than the file', arOf([binary, ['control.tar', control[1], '9999999999']]), 'bad-ar', /says 9999999999 bytes/],
  ['a negative size', arOf([binary, ['control.tar', 'x', '-1'], data]), 'bad-ar', /size of "control.tar" is not a number/],
  ['a size in hexadecimal', arOf([binary, ['control.tar', 'x', '0x10'], data]), 'bad-ar', /is not a number/],
  ['a size with an exponent', arOf([binary, ['control.tar', 'x', '1e3'], data]), 'bad-ar', /is not a number/],
  ['no size', arOf([binary, ['control.tar', 'x', ''], data]), 'bad-ar', /is not a number/],
  ['a size that is too small', arOf([binary, ['control.tar', control[1], '512'], data]), 'bad-tar', /size|only|ends|left/],
  ['a path for a member', arOf([binary, ['../control.tar', 'x'], data]), 'bad-ar', /not a plain file name/],
  ['a table of long names', arOf([binary, ['//', 'control.tar/\n'], data]), 'bad-ar', /not a plain file name/],
  ['very many members', arOf([binary, control, data, ...Array.from({ length: 1000 }, () => ['_x', ''] as const)]), 'bad-ar', /more than 1000 members/],
  ['a second data archive', arOf([binary, control, data, ['data.tar.xz', 'x']]), 'bad-deb', /second member "data.tar.xz"/],
  ['no data archive', arOf([binary, control]), 'bad-deb', /"data.tar" is missing/],
  ['only its format', arOf([binary]), 'bad-deb', /"control.tar" is missing/],
  ['data before control', arOf([binary, data, control]), 'bad-deb', /"control.tar" is missing or misplaced/],
  // The control archive.
  ['no control file', arOf([binary, ['control.tar', tarOf(tarEntry('x'))], data]), 'bad-deb', /one regular file "control"/],
  ['two control files', arOf([binary, ['control.tar', tarOf(tarEntry('control', someControl), tarEntry('./control', someControl))], data]), 'bad-deb', /one regular file/],
  ['a control file that is a link', arOf([binary, ['control.tar', tarOf(tarEntry('control', '', { type: '2', link: '/etc/passwd' }))], data]), 'bad-deb', /one regular file/],
  ['sums that are a link', arOf([binary, ['control.tar', tarOf(tarEntry('control', someControl), tarEntry('md5sums', '', { type: '1', link: 'control' }))], data]), 'bad-deb', /one regular file "md5sums"/],
  ['an absurd control file', debOf([file], { control: Buffer.alloc(2 ** 22 + 1, 'x') }), 'bad-deb', /larger than 4194304/],
  ['a control file that is not UTF-8', debOf([file], { control: Buffer.from([0xc0, 0x80]) }), 'bad-deb', /not UTF-8/],
  ['a control file with a NUL', debOf([file], { control: `${someControl}X: \0\n` }), 'bad-control-file', /NUL/],
  ['a control file with CR LF', debOf([file], { control: someControl.replaceAll('\n', '\r\n') }), 'bad-control-file', /carriage return/],
  ['a field twice', debOf([file], { control: `${someControl}package: two\n` }), 'bad-control-file', /twice/],
  ['a field missing', debOf([file], { control: someControl.replace('Version', 'X-Version') }), 'missing-field', /Version/],
  ['a path for a name', debOf([file], { control: someControl.replace('one', '../../one') }), 'bad-field', /package name/],
  // Compression.
  ['gzip under the name of xz', debOf([file], { dataName: 'data.tar.xz', pack: (bytes) => pack(['gzip'], bytes) }), 'bad-deb', /data.tar.xz.*xz/],
  ['no compression under the name of zstd', debOf([file], { dataName: 'data.tar.zst' }), 'bad-deb', /data.tar.zst/],
  ['no compression under the name of bzip2', debOf([file], { dataName: 'data.tar.bz2' }), 'bad-deb', /data.tar.bz2/],
  // tar
  ['a wrong checksum', debOf([tarEntry('a', '', { checksum: '0000001\0' })]), 'bad-tar', /checksum/],
  ['a checksum of words', debOf([tarEntry('a', '', { checksum: 'checksum' })]), 'bad-tar', /checksum of an entry is not a number/],
  ['an entry larger than the archive', debOf([tarEntry('a', 'x', { size: '77777777\0' })]), 'bad-tar', /contents are more than|says 16777215/],
  ['an entry a little larger than the archive', debOf([tarEntry('a', 'x', { size: '0000010000\0' })]), 'bad-tar', /says 4096 bytes, but only \d+ are left/],
  ['a size of words', debOf([tarEntry('a', 'x', { size: 'many bytes\0' })]), 'bad-tar', /size of an entry is not a number/],
  ['a negative octal size', debOf([tarEntry('a', 'x', { size: '-0000000001\0' })]), 'bad-tar', /size of an entry is not a number/],
  ['a negative base-256 size', debOf([tarEntry('a', 'x', { size: base256(0xff, [0xff]) })]), 'bad-tar', /size of an entry is not a number/],
  ['an enormous base-256 size', debOf([tarEntry('a', 'x', { size: Buffer.from([0x80, ...Array(11).fill(0xff)]) })]), 'bad-tar', /size of an entry is not a number/],
  ['a large base-256 size', debOf([tarEntry('a', 'x', { size: base256(0x80, [0x10, 0, 0, 0, 0]) })]), 'bad-tar', /contents are more than/],
  ['a size of pax beyond the archive', debOf([paxOf('size=999999'), tarEntry('a', 'x')]), 'bad-tar', /says 999999 bytes/],
  ['a negative size of pax', debOf([paxOf('size=-1'), tarEntry('a', 'x')]), 'bad-tar', /size of an entry is not a number/],
  ['a size of pax for a folder', debOf([paxOf('size=512'), tarEntry('a/', '', { type: '5' }), tarEntry('b')]), 'bad-tar', /no file says it has a content/],
  ['an absolute path of pax', debOf([paxOf('path=/etc/passwd'), tarEntry('a', 'x')]), 'bad-deb', /"\/etc\/passwd" is not a path below the root/],
  ['a path of pax that leaves the root', debOf([paxOf('path=usr/../../x'), tarEntry('a', 'x')]), 'bad-deb', /not a path below the root/],
  ['a path of pax with a NUL', debOf([paxOf('path=a\0b'), tarEntry('a', 'x')]), 'bad-tar', /NUL/],
  ['a path of pax for all', debOf([tarEntry('pax', '9 path=a\n', { type: 'g' }), tarEntry('b')]), 'bad-tar', /global header|wrong length/],
  ['a record of pax of a wrong length', debOf([tarEntry('pax', '99 path=a\n', { type: 'x' }), tarEntry('b')]), 'bad-tar', /wrong length/],
  ['a record of pax without an end', debOf([tarEntry('pax', '9 path=aX', { type: 'x' }), tarEntry('b')]), 'bad-tar', /wrong length/],
  ['an enormous extended header', debOf([tarEntry('pax', '', { type: 'x', size: '77777777777\0' })]), 'bad-tar', /extended header says/],
  ['an extended header without an entry', debOf([paxOf('path=a')]), 'bad-tar', /before its entry/],
  ['a long name without an entry', debOf([tarEntry('././@LongLink', 'usr/b\0', { type: 'L' })]), 'bad-tar', /before its entry/],
  ['a long name larger than the archive', arOf([binary, control, ['data.tar', tarEntry('././@LongLink', 'usr/b', { type: 'L', size: '00000010000\0' })]]), 'bad-tar', /extended header says 4096/],
  ['a long name that leaves the root', debOf([tarEntry('././@LongLink', '../x\0', { type: 'L' }), tarEntry('a')]), 'bad-deb', /not a path below/],
  ['a path beyond all bounds', debOf([tarEntry('././@LongLink', 'x/'.repeat(4000), { type: 'L' }), tarEntry('a')]), 'bad-tar', /longer than 4096/],
  ['a path of very many folders', debOf([tarEntry('././@LongLink', `${'x/'.repeat(200)}y`, { type: 'L' }), tarEntry('a')]), 'bad-deb', /deeper than 128/],
  ['a sparse file', debOf([paxOf('GNU.sparse.major=1'), tarEntry('a')]), 'bad-tar', /sparse/],
  ['an unknown type', debOf([tarEntry('a', '', { type: 'S' })]), 'bad-tar', /unknown type "S"/],
  ['an entry without a path', debOf([tarEntry('')]), 'bad-tar', /no path/],
  ['a path that is not UTF-8', debOf([tarEntry(Buffer.from([0x61, 0xff]))]), 'bad-tar', /not UTF-8/],
  ['very many entries', debOf(Array.from({ length: 101 }, (_, i) => tarEntry(`f${i}`))), 'bad-tar', /more than 100 entries/],
  ['very many extended headers', debOf(Array.from({ length: 401 }, () => paxOf('mtime=1'))), 'bad-tar', /more than 100 entries/],
  ['contents of absurd size', debOf(Array.from({ length: 5 }, (_, i) => tarEntry(`f${i}`, Buffer.alloc(2 ** 20)))), 'bad-deb', /more than 4194304 bytes/],
  // What would be unpacked elsewhere, or over something else.
  ['an absolute path', debOf([tarEntry('/etc/passwd')]), 'bad-deb', /not a path below the root/],
  ['a path that leaves the root', debOf([tarEntry('./usr/../../x')]), 'bad-deb', /not a path below the root/],
  ['a path of dots', debOf([tarEntry('..')]), 'bad-deb', /not a path below the root/],
  ['the root as a link', debOf([tarEntry('./', '', { type: '2', link: '/tmp' })]), 'bad-deb', /root is a symlink/],
  ['the root as a file', debOf([tarEntry('.', 'x')]), 'bad-deb', /root is a file/],
  ['a path through a symbolic link', debOf([tarEntry('a', '', { type: '2', link: '/etc' }), tarEntry('a/passwd', 'x')]), 'bad-deb', /goes through a symlink/],
  ['a path through a file', debOf([file, tarEntry('usr/a/b', 'x')]), 'bad-deb', /goes through a file/],
  ['a path twice', debOf([file, tarEntry('usr/a', 'other')]), 'bad-deb', /is there twice/],
  ['a file where a folder is', debOf([tarEntry('usr/', '', { type: '5' }), tarEntry('usr', 'x')]), 'bad-deb', /is there twice/],
  ['a link where a folder is', debOf([tarEntry('usr/', '', { type: '5' }), tarEntry('./usr', '', { type: '2', link: '/etc' })]), 'bad-deb', /is there twice/],
  ['a hard link out of the root', debOf([tarEntry('a', '', { type: '1', link: '../../etc/shadow' })]), 'bad-deb', /hard link "a" leads to/],
  ['an absolute hard link', debOf([tarEntry('a', '', { type: '1', link: '/etc/shadow' })]), 'bad-deb', /hard link "a" leads to/],
  ['a hard link to what is not there', debOf([tarEntry('a', '', { type: '1', link: './usr/b' }), file]), 'bad-deb', /no file before it/],
  ['a hard link to itself', debOf([tarEntry('a', '', { type: '1', link: './a' })]), 'bad-deb', /no file before it/],
  ['a hard link to a symbolic one', debOf([tarEntry('a', '', { type: '2', link: '/etc/shadow' }), tarEntry('b', '', { type: '1', link: 'a' })]), 'bad-deb', /no file before it/],
  ['a hard link with a content', debOf([file, tarEntry('b', 'x', { type: '1', link: 'usr/a' })]), 'bad-tar', /no file says it has a content/],
  ['a character device', debOf([tarEntry('dev/null', '', { type: '3' })]), 'bad-deb', /is a character-device/],
  ['a block device', debOf([tarEntry('dev/sda', '', { type: '4' })]), 'bad-deb', /is a block-device/],
  ['a pipe', debOf([tarEntry('p', '', { type: '6' })]), 'bad-deb', /is a fifo/],
]; // prettier-ignore

for (const [what, bytes, code, message] of lies) {
  test(`openDeb refuses ${what}`, async () => {
    const error = await refusalOf(bytes);
    assert.equal(error.code, code, error.message);
    assert.match(error.message, message);
  });
}

test('the package that the lies are made from is read', async () => {
  assert.deepEqual(await readAll(plain), ['usr/a']);
});

const packed = [
  ['data.tar', plain],
  ['data.tar.gz', debOf([file], { dataName: 'data.tar.gz', pack: (bytes) => pack(['gzip', '-n'], bytes) })],
  ['data.tar.xz', debOf([file], { dataName: 'data.tar.xz', pack: (bytes) => pack(['xz'], bytes) })],
  ['data.tar.zst', debOf([file], { dataName: 'data.tar.zst', pack: (bytes) => pack(['zstd'], bytes) })],
] as const;

for (const [name, bytes] of packed) {
  test(`openDeb refuses a package with ${name} that is cut short anywhere`, async () => {
    const step = bytes.length > 1500 ? 61 : 7;
    for (let cut = 0; cut < bytes.length - 1; cut += step) {
      const error = await refusalOf(bytes.subarray(0, cut));
      assert.match(error.code, /^bad-(?:ar|tar|deb)$/, `cut at ${cut}`);
    }
  });
}

for (const argv of [['gzip'], ['xz'], ['zstd'], ['bzip2']] as const) {
  const ending = { gzip: 'gz', xz: 'xz', zstd: 'zst', bzip2: 'bz2' }[argv[0]];
  test(`openDeb stops at its limit in a bomb of ${argv[0]}`, async () => {
    // A file of zeros, behind a header that says so; and zeros behind the archive's end.
    const inside = pack(argv, tarOf(tarEntry('zeros', Buffer.alloc(2 ** 24))));
    const behind = pack(argv, Buffer.concat([file, tarEnd, Buffer.alloc(2 ** 24)]));
    for (const bytes of [inside, behind]) {
      const bomb = arOf([binary, control, [`data.tar.${ending}`, bytes]]);
      assert.ok(bomb.length < 2 ** 18);
      assert.match((await refusalOf(bomb)).message, /more than 4194304 bytes/);
    }
    if (argv[0] === 'bzip2') return;
    const swollen = pack(argv, tarOf(tarEntry('control', someControl), tarEntry('x', Buffer.alloc(2 ** 26 + 1))));
    const error = await refusalOf(arOf([binary, [`control.tar.${ending}`, swollen], data]));
    assert.match(error.message, /more than 67108864 bytes/);
  });
}

test('openDeb and readDeb end with a package or with a SheafError, whatever is changed', async () => {
  const bytes = packed.map(([, each]) => each);
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...bytes),
      fc.array(fc.tuple(fc.nat(20_000), fc.nat(255)), { minLength: 1, maxLength: 4 }),
      fc.nat(20_000),
      fc.constantFrom(1, 100, 5000),
      async (good, changes, cut, size) => {
        const bad = Buffer.from(good);
        for (const [at, value] of changes) bad[at % bad.length] = value;
        const short = bad.subarray(0, cut % 4 === 0 ? cut : bad.length);
        for (const read of [() => readAll(short, size), async () => readDeb(short, compression, 'x.deb')]) {
          try {
            await read();
          } catch (error) {
            assert.ok(error instanceof SheafError, String((error as Error).stack));
            assert.match(error.place?.file ?? '', /^x\.deb/);
          }
        }
      },
    ),
    { numRuns: 200 },
  );
});
