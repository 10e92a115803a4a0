import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { gunzipSync, gzipSync, zstdDecompressSync } from 'node:zlib';

import { xz } from '@napi-rs/lzma';
import fc from 'fast-check';

import { SheafError } from '../../kit/error.ts';
import { readTar } from '../container/tar.ts';
import { readDeb, skimDeb, type Decompressors } from './deb.ts';
import { arOf } from './testdata/archive.ts';
import { missing, missingDpkgPerl, refusal, run, temporaryDirectory } from './testdata/oracle.ts';
import { makePackage, packageTools } from './testdata/package.ts';

const decompressors: Decompressors = {
  gunzip: (bytes, limit) => gunzipSync(bytes, { maxOutputLength: limit }),
  unxz: (bytes) => xz.decompressSync(bytes),
  unzstd: (bytes, limit) => zstdDecompressSync(bytes, { maxOutputLength: limit }),
};
const tools = missing(...packageTools) || missingDpkgPerl();

async function* pieces(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

/** Compares everything readDeb and readTar find with what dpkg-deb finds. */
function compareWithDpkg(path: string): void {
  const bytes = readFileSync(path);
  const deb = readDeb(bytes, decompressors, path);
  // `dpkg-deb -f` prints the control file as it stands.
  assert.equal(deb.control.trimEnd(), run('dpkg-deb', ['-f', path]).toString().trimEnd());
  for (const [name, value] of [
    ['Package', deb.name],
    ['Version', deb.version],
    ['Architecture', deb.architecture],
  ] as const) {
    assert.equal(value, run('dpkg-deb', ['-f', path, name]).toString().trim());
  }
  const controlTar = readTar(run('dpkg-deb', ['--ctrl-tarfile', path]), { entries: 1000, bytes: 1e8, path: 4096 });
  assert.deepEqual(deb.controlFiles, controlTar.filter(({ type }) => type === 'file').map((each) => each.path.replace(/^\.\//, ''))); // prettier-ignore

  const member = bytes.subarray(deb.dataMember.offset, deb.dataMember.offset + deb.dataMember.size);
  const decoders = { xz: decompressors.unxz, gz: decompressors.gunzip, zst: decompressors.unzstd };
  const decode = decoders[deb.dataMember.name.slice('data.tar.'.length) as keyof typeof decoders];
  const data = decode === undefined ? member : decode(member, 1e9);
  const entries = readTar(data, { entries: 100_000, bytes: 1e9, path: 4096 });
  // `-rw-r--r-- root/root  1234 2022-12-26 15:30 ./usr/…`, the target of a link behind `->` or `link to`.
  const listed = run('dpkg-deb', ['-c', path], {
    env: { ...process.env, TZ: 'UTC', LC_ALL: 'C.UTF-8', TAR_OPTIONS: '--quoting-style=literal' },
  });
  const letters = { file: '-', directory: 'd', symlink: 'l', hardlink: 'h' } as Record<string, string>;
  const ours = entries.map((each) => {
    const date = new Date(each.mtime * 1000).toISOString().slice(0, 16).replace('T', ' ');
    const behind =
      each.type === 'symlink' ? ` -> ${each.link}` : each.type === 'hardlink' ? ` link to ${each.link}` : '';
    return `${letters[each.type]} ${each.user}/${each.group} ${each.size} ${date} ${each.path}${behind}`;
  });
  const theirs = listed.toString().trimEnd().split('\n').map((line) => `${line[0]} ${line.slice(11).replaceAll(/ +/g, ' ')}`); // prettier-ignore
  assert.deepEqual(ours, theirs);
}

for (const compression of ['xz', 'gzip', 'zstd', 'none']) {
  test(`readDeb reads what dpkg-deb -Z${compression} writes`, { skip: tools }, (t) => {
    using directory = temporaryDirectory();
    if (compression === 'zstd' && !run('dpkg-deb', ['--help']).toString().includes('zstd')) {
      t.skip('this dpkg-deb has no zstd');
      return;
    }
    compareWithDpkg(makePackage(directory.path, compression).debPath);
  });
}

test('readDeb reads the .deb of hello from the mirror', { skip: missing('apt-get', 'dpkg-deb') }, (t) => {
  using directory = temporaryDirectory();
  try {
    run('apt-get', ['-q', 'download', 'hello'], { cwd: directory.path });
  } catch (error) {
    t.skip(`cannot download hello: ${String((error as { stderr?: unknown }).stderr ?? error).slice(0, 200)}`);
    return;
  }
  const [name] = readdirSync(directory.path).filter((each) => each.endsWith('.deb'));
  compareWithDpkg(join(directory.path, name!));
  const deb = readDeb(readFileSync(join(directory.path, name!)), decompressors);
  assert.deepEqual([deb.name, deb.source, deb.sourceVersion], ['hello', 'hello', deb.version]);
});

/** Members and their contents as an ar archive. */
function ar(members: readonly (readonly [string, Uint8Array | string])[]): Buffer {
  const parts = members.flatMap(([name, content]) => {
    const bytes = Buffer.from(content);
    const header = `${name.padEnd(16)}${'0'.padEnd(12)}0     0     100644  ${String(bytes.length).padEnd(10)}\`\n`;
    return [Buffer.from(header), bytes, Buffer.from(bytes.length % 2 === 1 ? '\n' : '')];
  });
  return Buffer.concat([Buffer.from('!<arch>\n'), ...parts]);
}

/** A tar archive of files, in V7's format; a type other than a file's by its name's suffix `@`. */
function tar(files: readonly (readonly [string, string | Uint8Array])[]): Buffer {
  const parts = files.flatMap(([path, content]) => {
    const bytes = Buffer.from(content);
    const header = Buffer.alloc(512);
    header.write(path.replace('@', ''), 0);
    header.write(`${bytes.length.toString(8).padStart(11, '0')}\0`, 124);
    header.write(path.endsWith('@') ? '2' : '0', 156);
    header.write('        ', 148);
    header.write(`${header.reduce((sum, byte) => sum + byte, 0).toString(8).padStart(6, '0')}\0 `, 148); // prettier-ignore
    return [header, bytes, Buffer.alloc(-bytes.length & 511)];
  });
  return Buffer.concat([...parts, Buffer.alloc(1024)]);
}

const control =
  'Package: a0\nVersion: 1:1-1+b1\nArchitecture: amd64\nSource: src (1:1-1)\nMaintainer: A <a@b>\nDescription: x\n';
const binary = ['debian-binary', '2.0\n'] as const;
const controlMember = ['control.tar', tar([['./control', control], ['./md5sums', '']])] as const; // prettier-ignore
const data = ['data.tar.xz', 'anything'] as const;
const withControl = (text: string | Uint8Array) => ar([binary, ['control.tar', tar([['control', text]])], data]);

test('readDeb gives the control file, its members and where the data is', () => {
  const bytes = ar([binary, ['_early', 'x'], controlMember, ['_gpg', 'x'], data, ['later', 'x']]);
  const deb = readDeb(bytes, decompressors);
  assert.equal(deb.control, control);
  assert.deepEqual(
    [deb.name, deb.version, deb.architecture, deb.source, deb.sourceVersion],
    ['a0', '1:1-1+b1', 'amd64', 'src', '1:1-1'],
  );
  assert.deepEqual(deb.controlFiles, ['control', 'md5sums']);
  assert.equal(deb.dataMember.name, 'data.tar.xz');
  assert.equal(
    bytes.toString('latin1', deb.dataMember.offset, deb.dataMember.offset + deb.dataMember.size),
    'anything',
  );
});

test('skimDeb gives the same, however the pieces are cut', async () => {
  const bytes = ar([binary, ['_early', 'x'], controlMember, ['_gpg', 'x'], data, ['later', 'x']]);
  for (const size of [1, 7, 100, 65_536]) {
    assert.deepEqual(await skimDeb(pieces(bytes, size), decompressors), readDeb(bytes, decompressors));
  }
});

test('skimDeb passes over more data than fits into memory', async () => {
  const zeros = Buffer.alloc(2 ** 24);
  const size = 300 * zeros.length;
  async function* huge() {
    yield arOf([binary, controlMember, ['data.tar', '', String(size)]]);
    for (let at = 0; at < size; at += zeros.length) yield zeros;
  }
  const deb = await skimDeb(huge(), decompressors);
  assert.deepEqual([deb.name, deb.dataMember.size], ['a0', size]);
});

const bomb = gzipSync(Buffer.alloc(65 * 2 ** 20));
const invalid: readonly (readonly [string, Uint8Array, string, RegExp])[] = [
  ['an empty file', new Uint8Array(), 'bad-ar', /does not begin/],
  ['no members', ar([]), 'bad-deb', /first member is not "debian-binary"/],
  ['members out of order', ar([controlMember, binary, data]), 'bad-deb', /first member is not/],
  ['another format version', ar([['debian-binary', '3.0\n'], controlMember, data]), 'bad-deb', /"3.0\\n" is not 2.x/],
  ['an empty format version', ar([['debian-binary', ''], controlMember, data]), 'bad-deb', /is not 2.x/],
  ['no control archive', ar([binary, data]), 'bad-deb', /"control.tar" is missing or misplaced/],
  ['no data archive', ar([binary, controlMember]), 'bad-deb', /"data.tar" is missing or misplaced/],
  ['data before control', ar([binary, data, controlMember]), 'bad-deb', /"control.tar" is missing or misplaced/],
  [
    'a second control archive before the data',
    ar([binary, controlMember, controlMember, data]),
    'bad-deb',
    /"data.tar" is missing or misplaced/,
  ],
  [
    'a second control archive behind the data',
    ar([binary, controlMember, data, ['control.tar.gz', 'x']]),
    'bad-deb',
    /second member "control.tar.gz"/,
  ],
  [
    'an unknown compression of control',
    ar([binary, ['control.tar.bz2', 'x'], data]),
    'bad-deb',
    /"control.tar" is missing/,
  ],
  [
    'an unknown compression of data',
    ar([binary, controlMember, ['data.tar.rar', 'x']]),
    'bad-deb',
    /"data.tar" is missing/,
  ],
  ['damaged gzip', ar([binary, ['control.tar.gz', 'x'], data]), 'bad-deb', /does not decompress/],
  ['damaged xz', ar([binary, ['control.tar.xz', 'x'], data]), 'bad-deb', /does not decompress/],
  ['damaged zstd', ar([binary, ['control.tar.zst', 'x'], data]), 'bad-deb', /does not decompress/],
  ['a control archive that swells', ar([binary, ['control.tar.gz', bomb], data]), 'bad-deb', /at most 67108864 bytes/],
  [
    'a damaged control archive',
    ar([binary, ['control.tar', 'x'.repeat(600)], data]),
    'bad-tar',
    /control.tar: the checksum of/,
  ],
  ['no control file', ar([binary, ['control.tar', tar([['x', '']])], data]), 'bad-deb', /one regular file "control"/],
  [
    'two control files',
    ar([
      binary,
      [
        'control.tar',
        tar([
          ['control', control],
          ['./control', control],
        ]),
      ],
      data,
    ]),
    'bad-deb',
    /one regular file "control"/,
  ],
  [
    'a control file that is a link',
    ar([binary, ['control.tar', tar([['control@', '']])], data]),
    'bad-deb',
    /one regular file "control"/,
  ],
  ['a control file of absurd size', withControl(Buffer.alloc(2 ** 22 + 1)), 'bad-deb', /larger than 4194304 bytes/],
  ['a control file that is not UTF-8', withControl(Buffer.from([0xff, 0xfe])), 'bad-deb', /not UTF-8/],
  ['an empty control file', withControl(''), 'bad-control-file', /found 0/],
  ['two stanzas', withControl(`${control}\n${control}`), 'bad-control-file', /found 2/],
  [
    'no name',
    withControl(control.replace('Package', 'X')),
    'missing-field',
    /Cannot read x.deb: control: the field "Package" is missing/,
  ],
  ['no version', withControl(control.replace('Version', 'X')), 'missing-field', /"Version" is missing/],
  ['no architecture', withControl(control.replace('Architecture', 'X')), 'missing-field', /"Architecture" is missing/],
  ['a path for a name', withControl(control.replace('a0', '../../a')), 'bad-field', /not a package name/],
  ['a path for a version', withControl(control.replace('1:1-1+b1', '1/../../x')), 'bad-field', /not a version/],
  ['a path for an architecture', withControl(control.replace('amd64', '../x')), 'bad-field', /not an architecture/],
  ['a path for a source', withControl(control.replace('src', '../src')), 'bad-field', /not a package name/],
  ['a NUL in the control file', withControl(control.replace('src', 's\0c')), 'bad-control-file', /NUL/],
];
for (const [what, bytes, code, message] of invalid) {
  test(`readDeb refuses ${what}`, () => {
    assert.throws(() => readDeb(bytes, decompressors, 'x.deb'), refusal(code, message));
  });
  test(`skimDeb refuses ${what}`, async () => {
    await assert.rejects(skimDeb(pieces(bytes, 4096), decompressors, 'x.deb'), refusal(code, message));
  });
}

test('readDeb refuses what a decompressor gives beyond its limit', () => {
  const bytes = ar([binary, ['control.tar.xz', 'x'], data]);
  const careless = { ...decompressors, unxz: () => new Uint8Array(2 ** 26 + 1) };
  assert.throws(() => readDeb(bytes, careless), refusal('bad-deb', /larger than 67108864/));
});

test('readDeb ends with a package or with a SheafError, whatever the bytes', () => {
  const good = ar([binary, ['control.tar.gz', gzipSync(controlMember[1])], controlMember, data]);
  const plain = ar([binary, controlMember, data]);
  fc.assert(
    fc.property(
      fc.boolean(),
      fc.array(fc.tuple(fc.nat(5000), fc.nat(255)), { minLength: 1, maxLength: 4 }),
      fc.nat(5000),
      (zipped, changes, cut) => {
        const bytes = Buffer.from(zipped ? good : plain);
        for (const [at, value] of changes) bytes[at % bytes.length] = value;
        try {
          const { dataMember } = readDeb(bytes.subarray(0, cut % 4 === 0 ? cut : bytes.length), decompressors);
          assert.ok(dataMember.offset + dataMember.size <= bytes.length);
        } catch (error) {
          assert.ok(error instanceof SheafError, String(error));
        }
      },
    ),
    { numRuns: 2000 },
  );
});
