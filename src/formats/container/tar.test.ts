import assert from 'node:assert/strict';
import { linkSync, mkdirSync, readFileSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

import fc from 'fast-check';

import { SheafError } from '../../kit/error.ts';
import { missing, refusal, run, temporaryDirectory } from '../deb/testdata/oracle.ts';
import type { TarEntry } from './tar-header.ts';
import { isContainedPath, readTar, streamTar } from './tar.ts';

const limits = { entries: 100, bytes: 1_000_000, path: 4096 };

type Fields = {
  readonly type?: string;
  readonly size?: string;
  readonly content?: string;
  readonly link?: string;
  readonly prefix?: string;
};

/** One header with a right checksum, and its content. */
function entry(path: string, { type = '0', content = '', size, link = '', prefix = '' }: Fields = {}): Buffer {
  const bytes = Buffer.from(content, 'utf8');
  const header = Buffer.alloc(512);
  header.write(path, 0, 100);
  header.write('0000644\0', 100);
  header.write('0001750\0', 108);
  header.write('0001750\0', 116);
  header.write(size ?? `${bytes.length.toString(8).padStart(11, '0')}\0`, 124, 12, 'latin1');
  header.write('00000000001\0', 136);
  header.write(type, 156, 1, 'latin1');
  header.write(link, 157, 100);
  header.write('ustar\x0000', 257);
  header.write('user', 265);
  header.write(prefix, 345, 155);
  return Buffer.concat([checked(header), bytes, Buffer.alloc(-bytes.length & 511)]);
}

function checked(header: Buffer): Buffer {
  header.write('        ', 148);
  const sum = header.subarray(0, 512).reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
  return header;
}

const end = Buffer.alloc(1024);
const tar = (...parts: readonly Buffer[]) => Buffer.concat([...parts, end]);
const record = (text: string) => {
  let length = text.length + 2;
  while (`${length} ${text}\n`.length !== length) length++;
  return `${length} ${text}\n`;
};
const pax = (...records: readonly string[]) => entry('pax', { type: 'x', content: records.map(record).join('') });
const only = (bytes: Uint8Array): TarEntry => {
  const entries = readTar(bytes, limits);
  assert.equal(entries.length, 1);
  return entries[0]!;
};

test('readTar gives every field of an entry', () => {
  const bytes = tar(entry('name', { content: 'hello', prefix: 'some/where' }));
  assert.deepEqual(only(bytes), {
    path: 'some/where/name', type: 'file', size: 5, offset: 512, mode: 0o644, uid: 1000, gid: 1000, user: 'user', group: '', mtime: 1, link: '',
  }); // prettier-ignore
  assert.equal(bytes.toString('utf8', 512, 517), 'hello');
});

test('readTar takes paths, links and sizes from extended headers, for one entry only', () => {
  const long = `${'d/'.repeat(200)}f`;
  assert.equal(only(tar(pax(`path=${long}`, 'mtime=-1.5', 'uid=3000000'), entry('x'))).path, long);
  assert.equal(only(tar(pax('mtime=-1.5'), entry('x'))).mtime, -2);
  assert.equal(only(tar(entry('l', { type: 'L', content: `${long}\0` }), entry('x'))).path, long);
  assert.equal(
    only(tar(entry('l', { type: 'K', content: `${long}\0` }), entry('x', { type: '2', link: 'y' }))).link,
    long,
  );
  assert.equal(only(tar(pax('size=3'), entry('x', { content: 'abc', size: '00000000000\0' }))).size, 3);
  const paths = readTar(tar(pax('path=a'), entry('x'), entry('y')), limits).map(({ path }) => path);
  assert.deepEqual(paths, ['a', 'y']);
  const users = readTar(
    tar(entry('g', { type: 'g', content: record('uname=u') + record('comment=c') }), entry('x'), entry('y')),
    limits,
  );
  assert.deepEqual(users.map(({ user }) => user), ['u', 'u']); // prettier-ignore
});

test('readTar takes a name from before the header where the header cuts it inside a character', () => {
  const long = `${'a'.repeat(99)}é`;
  const cut = Buffer.from(entry('a'.repeat(99)));
  cut[99] = 0xc3;
  const name = Buffer.from(entry('a'.repeat(99), { type: 'L', content: long }));
  name[99] = 0xc3;
  assert.equal(only(tar(checked(name), checked(cut))).path, long);
  assert.throws(() => readTar(tar(checked(cut)), limits), /not UTF-8/);
});

test('readTar passes over extended attributes, whose values are no text', () => {
  const text = record('SCHILY.xattr.system.posix_acl_access=??');
  const content = Buffer.from(entry('pax', { type: 'x', content: text }));
  content.fill(0xff, content.indexOf('??'), content.indexOf('??') + 2);
  assert.equal(only(tar(content, entry('a'))).path, 'a');
});

test('readTar reads nothing behind the first block of zeroes and needs none', () => {
  assert.equal(readTar(Buffer.concat([entry('a'), end, entry('b')]), limits).length, 1);
  assert.equal(readTar(entry('a'), limits).length, 1);
  assert.deepEqual(readTar(new Uint8Array(), limits), []);
});

const spoilt = entry('a');
spoilt[0] = 0x62;
const invalid: readonly (readonly [string, Uint8Array, RegExp])[] = [
  ['a truncated header', entry('a').subarray(0, 511), /ends inside a header/],
  ['a truncated content', entry('a', { content: 'x'.repeat(600) }).subarray(0, 1024), /says 600 bytes, but only 512/],
  ['a size beyond the file', tar(entry('a', { size: '77777777777\0' })), /says 8589934591 bytes/],
  [
    'a size in base 256 beyond all files',
    tar(entry('a', { size: `\x80${'\xff'.repeat(11)}` })),
    /size of an entry is not a number/,
  ],
  ['a negative size in base 256', tar(entry('a', { size: '\xff'.repeat(12) })), /size of an entry is not a number/],
  ['a size that is not octal', tar(entry('a', { size: '00000000008\0' })), /size of an entry is not a number/],
  ['a wrong checksum', tar(spoilt), /checksum/],
  ['no path', tar(entry('')), /no path/],
  ['an unknown type', tar(entry('a', { type: 'Z' })), /unknown type "Z"/],
  ['a sparse file of old GNU tar', tar(entry('a', { type: 'S' })), /unknown type "S"/],
  ['a sparse file of pax', tar(pax('GNU.sparse.major=1'), entry('a')), /sparse/],
  ['a directory with a content', tar(entry('a', { type: '5', content: 'x' })), /no file says it has a content/],
  ['a link with a content', tar(entry('a', { type: '2', link: 'b', content: 'x' })), /no file says it has a content/],
  ['a record with a wrong length', tar(entry('p', { type: 'x', content: '99 path=a\n' }), entry('a')), /wrong length/],
  [
    'a record that swallows the next',
    tar(entry('p', { type: 'x', content: '8 path=a\n' }), entry('a')),
    /wrong length/,
  ],
  ['a record without a key', tar(entry('p', { type: 'x', content: '6 =a \n' }), entry('a')), /not key=value/],
  ['a record of no length', tar(entry('p', { type: 'x', content: '0 path=a\n' }), entry('a')), /wrong length/],
  ['a path with a NUL in a record', tar(pax('path=a\0b'), entry('a')), /holds a NUL/],
  ['a size in a record that is not a number', tar(pax('size=-1'), entry('a')), /size of an entry is not a number/],
  ['a size in a record beyond the file', tar(pax('size=999999999999999'), entry('a')), /says 999999999999999 bytes/],
  [
    'a global header that names every entry',
    tar(entry('g', { type: 'g', content: record('path=a') }), entry('a')),
    /global header/,
  ],
  ['an extended header of absurd size', tar(entry('p', { type: 'x', size: '00010000000\0' })), /extended header says/],
  ['a name that is not UTF-8', tar(checked(Buffer.from(entry('a').fill(0xff, 0, 1)))), /not UTF-8/],
  ['a path over the limit', tar(pax(`path=${'a'.repeat(4097)}`), entry('a')), /longer than 4096/],
  ['too many entries', tar(...Array.from({ length: 101 }, () => entry('a'))), /more than 100 entries/],
  [
    'too many headers without an entry',
    tar(...Array.from({ length: 401 }, () => pax('uid=1'))),
    /more than 100 entries/,
  ],
];
for (const [what, bytes, message] of invalid) {
  test(`readTar refuses ${what}, naming file and byte`, () => {
    assert.throws(() => readTar(bytes, limits, 'x.tar'), refusal('bad-tar', message));
    assert.throws(
      () => readTar(bytes, limits, 'x.tar'),
      (error: SheafError) => error.place?.file === 'x.tar' && error.place.offset! <= bytes.length,
    );
  });
}

test('readTar refuses contents that are together over the limit', () => {
  const bytes = tar(entry('a', { content: 'x'.repeat(60) }), entry('b', { content: 'x'.repeat(60) }));
  assert.equal(readTar(bytes, { ...limits, bytes: 120 }).length, 2);
  assert.throws(() => readTar(bytes, { ...limits, bytes: 119 }), refusal('bad-tar', /more than 119 bytes/));
});

test('readTar ends with entries inside the bytes or with bad-tar, whatever the bytes', () => {
  const good = tar(pax('path=long', 'size=3'), entry('a', { content: 'abc' }), entry('b', { type: '2', link: 'a' }));
  const change = fc.tuple(fc.nat(good.length - 1), fc.nat(255), fc.boolean());
  fc.assert(
    fc.property(fc.array(change, { minLength: 1, maxLength: 4 }), fc.nat(good.length), (changes, cut) => {
      const bytes = Buffer.from(good.subarray(0, cut % 5 === 0 ? cut : good.length));
      for (const [at, value, repair] of changes) {
        if (at < bytes.length) bytes[at] = value;
        // With a right checksum, so that what lies behind it is met too.
        const header = at - (at % 512);
        if (repair && header + 512 <= bytes.length) checked(bytes.subarray(header, header + 512));
      }
      try {
        for (const { offset, size } of readTar(bytes, limits)) assert.ok(size >= 0 && offset + size <= bytes.length);
      } catch (error) {
        assert.ok(error instanceof SheafError && error.code === 'bad-tar', String(error));
      }
    }),
    { numRuns: 5000 },
  );
});

test('isContainedPath holds paths below their directory', () => {
  for (const path of ['a', './a/b', 'a/..b', 'a//b', '...', './']) assert.ok(isContainedPath(path), path);
  for (const path of ['', '/', '/a', '..', '../a', 'a/../b', 'a/..', './../x', 'a\0b'])
    assert.ok(!isContainedPath(path), path);
});

for (const format of ['v7', 'oldgnu', 'gnu', 'ustar', 'pax', 'posix']) {
  test(`readTar reads what tar --format=${format} writes`, { skip: missing('tar', 'mkfifo') }, () => {
    using directory = temporaryDirectory();
    const root = join(directory.path, 'root');
    const deep = format === 'v7' ? 'd' : `${'deep-directory-'.repeat(6)}/${'more-'.repeat(8)}`;
    const longest = format === 'v7' || format === 'ustar' ? `${'n'.repeat(80)}` : `größe-${'n'.repeat(200)}`;
    mkdirSync(join(root, deep), { recursive: true });
    writeFileSync(join(root, 'empty'), '');
    writeFileSync(join(root, 'big'), 'x'.repeat(1025));
    writeFileSync(join(root, format === 'v7' ? 'd/f' : `${deep}/${longest}`), 'content');
    symlinkSync(format === 'v7' || format === 'ustar' ? 'target' : 't'.repeat(300), join(root, 'symlink'));
    linkSync(join(root, 'big'), join(root, 'zlink'));
    if (format !== 'v7') run('mkfifo', [join(root, 'fifo')]);
    utimesSync(join(root, 'big'), 1e9, 1e9);
    run(
      'tar',
      [`--format=${format}`, '--sort=name', '--owner=alice:70000', '--group=bob:7', '-C', root, '-cf', '../a.tar', '.'],
      {
        cwd: root,
      },
    );
    const bytes = readFileSync(join(directory.path, 'a.tar'));
    const entries = readTar(bytes, limits);
    const listed = run('tar', ['--quoting-style=literal', '-tf', join(directory.path, 'a.tar')])
      .toString()
      .trimEnd()
      .split('\n');
    assert.deepEqual(entries.map(({ path }) => path), listed); // prettier-ignore
    const by = new Map(entries.map((each) => [each.path, each]));
    assert.equal(by.get('./')?.type, 'directory');
    assert.equal(by.get('./empty')?.size, 0);
    assert.equal(by.get('./fifo')?.type, format === 'v7' ? undefined : 'fifo');
    assert.equal(by.get('./symlink')?.type, 'symlink');
    assert.equal(
      by.get('./symlink')?.link,
      run('readlink', [join(root, 'symlink')])
        .toString()
        .trimEnd(),
    );
    assert.deepEqual([by.get('./zlink')?.type, by.get('./zlink')?.link], ['hardlink', './big']);
    const big = by.get('./big')!;
    assert.deepEqual([big.type, big.size, big.mtime, big.uid, big.gid], ['file', 1025, 1e9, 70000, 7]);
    assert.equal(big.user, format === 'v7' ? '' : 'alice');
    assert.equal(bytes.toString('utf8', big.offset, big.offset + 1025), 'x'.repeat(1025));
    const content = entries.find(({ size }) => size === 7)!;
    assert.equal(bytes.toString('utf8', content.offset, content.offset + 7), 'content');
  });
}

async function* pieces(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

/** A whole archive is refused for its size before its limit, a stream after it. */
const roomy = { ...limits, bytes: 2 ** 50 };

/** The entries with their contents, or the refusal. */
async function streamed(bytes: Uint8Array, size: number): Promise<unknown> {
  const found: unknown[] = [];
  try {
    for await (const { content, ...fields } of streamTar(pieces(bytes, size), roomy, 'x.tar')) {
      const parts: Uint8Array[] = [];
      for await (const part of content) parts.push(part);
      found.push({ ...fields, text: Buffer.concat(parts).toString('latin1') });
    }
    return found;
  } catch (error) {
    assert.ok(error instanceof SheafError, String((error as Error).stack));
    return { code: error.code, message: error.message, place: error.place };
  }
}

function whole(bytes: Uint8Array): unknown {
  try {
    return readTar(bytes, roomy, 'x.tar').map((each) => ({
      ...each,
      text: Buffer.from(bytes.subarray(each.offset, each.offset + each.size)).toString('latin1'),
    }));
  } catch (error) {
    assert.ok(error instanceof SheafError, String((error as Error).stack));
    return { code: error.code, message: error.message, place: error.place };
  }
}

test('streamTar gives what readTar gives, or refuses it with the same words, whatever is changed', async () => {
  const good = tar(
    entry('d/', { type: '5' }),
    pax('path=d/long', 'size=700'),
    entry('x', { content: 'y'.repeat(700), size: '00000000000\0' }),
    entry('l', { type: 'L', content: 'd/other\0' }),
    entry('x', { content: 'z' }),
    entry('s', { type: '2', link: 'd/long' }),
  );
  assert.equal((whole(good) as unknown[]).length, 4);
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(fc.nat(good.length), fc.nat(255)), { maxLength: 3 }),
      fc.nat(4 * good.length),
      fc.constantFrom(1, 100, 512, 4096),
      async (changes, cut, size) => {
        const bytes = Buffer.from(good.subarray(0, cut));
        if (bytes.length > 0) for (const [at, value] of changes) bytes[at % bytes.length] = value;
        assert.deepEqual(await streamed(bytes, size), whole(bytes));
      },
    ),
    { numRuns: 300 },
  );
});

test('streamTar and readTar refuse an archive that ends behind an extended header', async () => {
  for (const bytes of [tar(pax('path=a')), pax('path=a'), tar(entry('l', { type: 'L', content: 'a\0' }))]) {
    assert.throws(() => readTar(bytes, limits), refusal('bad-tar', /before its entry/));
    assert.match(((await streamed(bytes, 100)) as { message: string }).message, /before its entry/);
  }
});
