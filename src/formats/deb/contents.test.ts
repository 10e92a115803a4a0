import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

import fc from 'fast-check';

import { compareBytes, indexOfBytes } from '../container/byte-search.ts';
import {
  contentsName,
  findPath,
  isContentsPath,
  lineMentionsPackage,
  pathsOfPackage,
  readContents,
  searchPaths,
} from './contents.ts';
import { missing, refusal, run, temporaryDirectory } from './testdata/oracle.ts';

const bytes = (text: string) => new TextEncoder().encode(text);
const read = (text: string) => [...readContents(bytes(text), 'Contents-amd64')];

const table = [
  'bin/bash                                                shells/bash',
  'etc/with space  and two\tadmin/one,non-free/utils/two',
  'usr/bin/hello\tdevel/hello',
  'usr/share/doc/hello/copyright hello-traditional,devel/hello',
  'usr/share/ü/Ünïcode	x/one',
  '',
].join('\n');
const header =
  'This file maps each file available in a suite\nto the package from which it originates.\n\nFILE         LOCATION\n';

for (const [what, text] of [
  ['a table', table],
  ['free text and a table', header + table],
] as const) {
  test(`readContents gives every line of ${what}`, () => {
    assert.deepEqual(read(text), [
      { path: 'bin/bash', packages: ['bash'] },
      { path: 'etc/with space  and two', packages: ['one', 'two'] },
      { path: 'usr/bin/hello', packages: ['hello'] },
      { path: 'usr/share/doc/hello/copyright', packages: ['hello-traditional', 'hello'] },
      { path: 'usr/share/ü/Ünïcode', packages: ['one'] },
    ]);
    assert.deepEqual(read(text.trimEnd()), read(text));
  });

  test(`findPath finds every path of ${what}, and no other`, () => {
    const all = bytes(text);
    for (const entry of read(text)) {
      assert.deepEqual(findPath(all, entry.path), entry);
      assert.equal(findPath(all, entry.path.slice(0, -1)), undefined);
      assert.equal(findPath(all, `${entry.path}x`), undefined);
    }
    assert.equal(findPath(all, ''), undefined);
    assert.equal(findPath(all, 'zzz'), undefined);
  });

  test(`searchPaths and pathsOfPackage look through ${what}`, () => {
    const all = bytes(text);
    const paths = (substring: string) => [...searchPaths(all, substring)].map(({ path }) => path);
    assert.deepEqual(paths('hello'), ['usr/bin/hello', 'usr/share/doc/hello/copyright']);
    assert.deepEqual(paths('ï'), ['usr/share/ü/Ünïcode']);
    assert.deepEqual(paths('shells'), []);
    assert.deepEqual(paths('LOCATION'), []);
    assert.equal(paths('').length, 5);
    assert.deepEqual([...pathsOfPackage(all, 'hello')], ['usr/bin/hello', 'usr/share/doc/hello/copyright']);
    assert.deepEqual([...pathsOfPackage(all, 'one')], ['etc/with space  and two', 'usr/share/ü/Ünïcode']);
    assert.deepEqual([...pathsOfPackage(all, 'devel')], []);
    assert.deepEqual([...pathsOfPackage(all, '')], []);
  });
}

test('isContentsPath takes what readContents gives back, whatever the path', () => {
  const unit = fc.constantFrom('a', '/', ' ', '\t', '\n', '\0', '\x7f', 'é', '\u00a0', ',');
  let taken = 0;
  fc.assert(
    fc.property(fc.string({ unit, maxLength: 6 }), (path) => {
      if (!isContentsPath(path)) return;
      taken++;
      assert.deepEqual(read(`${path}\tx/one\n`), [{ path, packages: ['one'] }]);
    }),
    { numRuns: 1000 },
  );
  assert.ok(taken > 10);
  for (const path of ['', 'a\nb', 'a\tb', ' a', 'a ', '/a', 'a\0', 'x'.repeat(5000)]) assert.ok(!isContentsPath(path));
});

test('contentsName leaves a section out that could not stand in a line', () => {
  assert.equal(contentsName('non-free/utils', 'a'), 'non-free/utils/a');
  for (const section of [undefined, '', 'a b', 'a,b', 'a\nb', 'ü', 'x'.repeat(200)])
    assert.equal(contentsName(section, 'a'), 'a');
});

test('lineMentionsPackage looks at whole names in the list only', () => {
  const line = bytes('hello/a hello-doc,devel/hello,x/y/libhello\n');
  for (const name of ['hello', 'hello-doc', 'libhello']) assert.ok(lineMentionsPackage(line, name), name);
  for (const name of ['a', 'devel', 'hell', 'ello', 'doc', 'y', '']) assert.ok(!lineMentionsPackage(line, name), name);
});

const first = 'a\tx/one\n';
for (const [what, line, message] of [
  ['a line of one word', 'word\n', /not a path, white space/],
  ['an empty line', '\n', /not a path/],
  ['a line without packages', 'b   \n', /not the name of a package/],
  ['an empty name', 'b x/one,,two\n', /"" is not the name/],
  ['a name with a strange character', 'b x/on%e\n', /not the name/],
  ['CR LF', 'b x/one\r\n', /not the name/],
  ['a NUL byte', 'b\0 x/one\n', /NUL/],
  ['an absolute path', '/b x/one\n', /slash/],
  ['a path that leaves the root', 'b/../../c x/one\n', /leaves the root/],
] as const) {
  test(`readContents refuses ${what}`, () => {
    assert.throws(
      () => read(`${first}${line}b x/one\n`),
      (error) => {
        assert.deepEqual((error as { place: unknown }).place, { file: 'Contents-amd64', offset: first.length });
        return refusal('bad-contents', message)(error);
      },
    );
  });
}

test('readContents refuses a line that is longer than any path', () => {
  assert.throws(() => read(`${first}${'x'.repeat(2 ** 21)} x/one\n`), refusal('bad-contents', /longer than/));
  assert.throws(() => read(`${first}${'x'.repeat(2 ** 19)} x/one\n`), refusal('bad-contents', /longer than/));
});

test('readContents, findPath and pathsOfPackage agree on any table', () => {
  const path = fc.string({ unit: fc.constantFrom('a', 'b', '/', ' ', 'é', '𝄞', '~'), minLength: 1, maxLength: 8 })
    .filter((text) => text.trim() === text && !text.startsWith('/')); // prettier-ignore
  const names = fc.array(fc.constantFrom('one', 'two', 'one-two', 'x'), { minLength: 1, maxLength: 3 });
  fc.assert(
    fc.property(fc.uniqueArray(fc.tuple(path, names), { selector: ([each]) => each, maxLength: 30 }), (pairs) => {
      const sorted = pairs.toSorted(([a], [b]) => compareBytes(bytes(a), bytes(b)));
      const text = sorted
        .map(([each, packages]) => `${each}  \t${packages.map((name) => `x/${name}`).join(',')}\n`)
        .join('');
      const wanted = sorted.map(([each, packages]) => ({ path: each, packages }));
      assert.deepEqual(read(text), wanted);
      for (const entry of wanted) assert.deepEqual(findPath(bytes(text), entry.path), entry);
      for (const name of ['one', 'two', 'x', 'on']) {
        const paths = wanted.filter(({ packages }) => (packages as string[]).includes(name)).map((entry) => entry.path);
        assert.deepEqual([...pathsOfPackage(bytes(text), name)], paths);
      }
    }),
  );
});

test('indexOfBytes finds what indexOf of Buffer finds', () => {
  const few = fc.uint8Array({ max: 3, maxLength: 40 });
  fc.assert(
    fc.property(few, fc.uint8Array({ max: 3, maxLength: 4 }), fc.nat(5), (haystack, needle, from) => {
      if (from > haystack.length) return;
      assert.equal(indexOfBytes(haystack, needle, from), Buffer.from(haystack).indexOf(needle, from));
    }),
    { numRuns: 2000 },
  );
});

test('readContents reads what apt-ftparchive writes', { skip: missing('apt-ftparchive', 'dpkg-deb') }, () => {
  using directory = temporaryDirectory();
  const files: Record<string, string[]> = { one: ['usr/bin/a b', 'etc/x'], two: ['usr/share/ü'] };
  for (const [name, paths] of Object.entries(files)) {
    const root = join(directory.path, name);
    mkdirSync(join(root, 'DEBIAN'), { recursive: true });
    const control = `Package: ${name}\nVersion: 1\nArchitecture: all\nSection: non-free/utils\nMaintainer: A <a@b>\nDescription: x\n`;
    writeFileSync(join(root, 'DEBIAN/control'), control);
    for (const path of paths) {
      mkdirSync(join(root, path, '..'), { recursive: true });
      writeFileSync(join(root, path), 'x');
    }
    run('dpkg-deb', ['-b', root, `${name}.deb`], { cwd: directory.path });
  }
  const text = run('apt-ftparchive', ['contents', '.'], { cwd: directory.path });
  const found = new Map(read(text.toString()).map(({ path, packages }) => [path, packages]));
  for (const [name, paths] of Object.entries(files))
    for (const path of paths) assert.deepEqual(found.get(path), [name]);
});
