import assert from 'node:assert/strict';
import { test } from 'node:test';

import type { PatchedFile } from '../formats/deb/quilt-patch.ts';
import { headerNames, installedPatches, laterPatches } from './headers.ts';

const at = Date.parse('2024-06-01T00:00:00Z') / 1000;
const entry = (version: string, date: string, change: string) =>
  `tls (${version}) stable; urgency=medium\n\n  * ${change}\n\n -- A Person <a@example.org>  ${date}\n`;
const changelog = [
  entry('1.0-2+u2', 'Fri, 15 May 2026 10:00:00 +0000', 'Take back-dated.patch; refresh old-named.'),
  entry('1.0-2+u1', 'Tue, 15 Jul 2025 10:00:00 +0000', 'Fix CVE-2023-52425.'),
  entry('1.0-2', 'Mon, 01 Jan 2024 10:00:00 +0000', 'Add old-named and old.'),
].join('\n');
const patch = (heading: string, ...paths: readonly string[]) =>
  `${heading}\n\n${paths.map((path) => `--- a/${path}\n+++ b/${path}\n@@ -1 +1 @@\n-a\n+b\n`).join('')}`;
const dated = (day: string, ...paths: readonly string[]) => patch(`Date: ${day}`, ...paths);
const files = new Map([
  ['changelog', changelog],
  [
    'patches/series',
    'old.patch\nold-named.patch\nback-dated.patch\ntls-CVE-2023-52425.patch\nnew.patch -p1\nsub/newer.diff\ncode.patch\n',
  ],
  ['patches/old.patch', dated('Mon, 01 Jan 2024 09:00:00 +0000', 'include/tls.h')],
  ['patches/old-named.patch', patch('Author: A Person', 'include/tls.h')],
  ['patches/back-dated.patch', dated('Mon, 01 Jan 2024 09:00:00 +0000', 'include/tls.h')],
  ['patches/tls-CVE-2023-52425.patch', patch('Author: A Person', 'include/tls.h')],
  ['patches/new.patch', dated('Tue, 01 Jul 2025 09:00:00 +0000', 'src/tls.c', 'include/tls.h.in')],
  ['patches/sub/newer.diff', dated('Tue, 01 Jul 2025 09:00:00 +0000', 'include/x509.hpp')],
  ['patches/code.patch', dated('Tue, 01 Jul 2025 09:00:00 +0000', 'src/tls.c')],
]);

test('laterPatches finds those that came later, by their date or by the changelog, the last one first', () => {
  const found = laterPatches(files, at);
  assert.deepEqual(
    found.map(({ patch: name, headers }) => [name, headers.map(({ path }) => path)]),
    [
      ['sub/newer.diff', ['include/x509.hpp']],
      ['new.patch', ['include/tls.h.in']],
      ['tls-CVE-2023-52425.patch', ['include/tls.h']],
      ['back-dated.patch', ['include/tls.h']],
    ],
  );
});

test('laterPatches finds none where nothing came later, or another upstream version did', () => {
  assert.deepEqual(laterPatches(files, Date.parse('2026-06-01') / 1000), []);
  assert.deepEqual(laterPatches(files, 0), []);
  assert.deepEqual(laterPatches(new Map(), at), []);
  const candidate = [
    entry('1.0-rc2-1', 'Fri, 15 May 2026 10:00:00 +0000', 'New.'),
    entry('1.0-rc1-1', 'Mon, 01 Jan 2024 10:00:00 +0000', 'New.'),
  ];
  assert.deepEqual(laterPatches(new Map([...files, ['changelog', candidate.join('\n')]]), at), []);
  const newer = entry('1.1-1', 'Fri, 15 May 2026 11:00:00 +0000', 'New upstream version.');
  assert.deepEqual(laterPatches(new Map([...files, ['changelog', `${newer}\n${changelog}`]]), at), []);
});

const changes = (path: string, ...hunks: readonly string[]) => ({
  path,
  hunks: hunks.map((lines) => `@@ -1,2 +1,3 @@ int main\n${lines}`).join(''),
});

test('installedPatches names what is installed, by as many directories as agree', () => {
  const hunk = '-a\n+b\n';
  const of = (...paths: readonly string[]) => {
    const headers = paths.map((path) => changes(path, hunk));
    return installedPatches([{ patch: 'a', headers }], installed).map(({ text }) => text);
  };
  const paths = ['usr/include/tls/tls.h', 'usr/include/old/tls.h', 'usr/include/x509.h', 'usr/include/a/b/tls.h'];
  const installed = new Map(paths.map((path) => [path, 'b\n']));
  const [tls, x509] = [paths[0]!, paths[2]!].map((path) => `--- ${path}\n+++ ${path}\n${changes(path, hunk).hunks}`);
  assert.deepEqual(of('lib/includes/tls/tls.h.in', 'src/private.h', 'lib/x509.h'), [`${tls}${x509}`]);
  assert.deepEqual(of('src/private.h'), []);
  // Which of three is not known.
  assert.deepEqual(of('lib/tls.h'), []);
  assert.deepEqual(headerNames({ patch: 'a', headers: [changes('a/b.h.in', hunk)] }), ['b.h']);
});

const target = 'usr/include/x86_64-linux-gnu/bits/toy.h';
const takeBack = (text: string, ...patches: readonly (readonly PatchedFile[])[]) =>
  installedPatches(
    patches.map((headers, index) => ({ patch: String(index), headers })),
    new Map([[target, text]]),
  );

test('installedPatches takes of the headers of several architectures the one that is installed', () => {
  const added = (word: string) => ` long one;\n+${word} two;\n int three;\n`;
  const arm = changes('sysdeps/arm/bits/toy.h', added('short'));
  const x86 = changes('sysdeps/x86/bits/toy.h', added('long'), added('int'));
  const of = (text: string) => takeBack(text, [arm, x86])[0]?.text;
  const both = 'long one;\nlong two;\nint three;\n//\nlong one;\nint two;\nint three;\n';
  assert.equal(of(both), `--- ${target}\n+++ ${target}\n${x86.hunks}`);
  assert.equal(of('long one;\nshort two;\nint three;\n'), `--- ${target}\n+++ ${target}\n${arm.hunks}`);
  assert.equal(of('long one;\nlong two;\nint three;\n'), undefined);
  const alone = (text: string) => takeBack(text, [arm]).length;
  assert.equal(alone('long one;\nlong two;\nint three;\n'), 0);
  assert.equal(alone('a long one;\nshort two;\nint three;\n'), 1);
});

test('installedPatches takes back one patch after another, as patch does', () => {
  const lines = ' int three;\n int four;\n int five;\n';
  const newer = changes('bits/toy.h', ` int one;\n-int two;\n+long two;\n${lines}`);
  const older = changes('bits/toy.h', `+int one;\n int two;\n${lines}`);
  const text = `int one;\nlong two;\n${lines.replaceAll(' int', 'int')}`;
  const names = (...patches: readonly PatchedFile[]) =>
    takeBack(text, ...patches.map((each) => [each])).map(({ patch: name }) => name);
  assert.deepEqual(names(newer, older), ['0', '1']);
  assert.deepEqual(names(older), []);
});
