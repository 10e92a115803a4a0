import assert from 'node:assert/strict';
import { test } from 'node:test';

import { headerNames, installedPatch, laterPatches } from './headers.ts';

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

test('installedPatch names what is installed, by as many directories as agree', () => {
  const hunks = '@@ -1 +1 @@\n-a\n+b\n';
  const of = (...paths: readonly string[]) => ({ patch: 'a', headers: paths.map((path) => ({ path, hunks })) });
  const paths = ['usr/include/tls/tls.h', 'usr/include/old/tls.h', 'usr/include/x509.h', 'usr/include/a/b/tls.h'];
  const installed = new Map(paths.map((path) => [path, 'b\n']));
  assert.equal(
    installedPatch(of('lib/includes/tls/tls.h.in', 'src/private.h', 'lib/x509.h'), installed),
    `--- usr/include/tls/tls.h\n+++ usr/include/tls/tls.h\n${hunks}--- usr/include/x509.h\n+++ usr/include/x509.h\n${hunks}`,
  );
  assert.equal(installedPatch(of('src/private.h'), installed), undefined);
  // Which of three is not known.
  assert.equal(installedPatch(of('lib/tls.h'), installed), undefined);
});

test('installedPatch takes of the headers of several architectures the one that is installed', () => {
  const header = (path: string, ...words: readonly string[]) => {
    const hunks = words.map((word) => `@@ -1,2 +1,3 @@ int main\n long one;\n+${word} two;\n int three;\n`);
    return { path, hunks: hunks.join('') };
  };
  const headers = [header('sysdeps/arm/bits/toy.h', 'short'), header('sysdeps/x86/bits/toy.h', 'long', 'int')];
  const target = 'usr/include/x86_64-linux-gnu/bits/toy.h';
  const of = (text: string) => installedPatch({ patch: 'a', headers }, new Map([[target, text]]));
  const both = 'long one;\nlong two;\nint three;\n//\nlong one;\nint two;\nint three;\n';
  assert.equal(of(both), `--- ${target}\n+++ ${target}\n${headers[1]!.hunks}`);
  assert.equal(of('long one;\nshort two;\nint three;\n'), `--- ${target}\n+++ ${target}\n${headers[0]!.hunks}`);
  assert.equal(of('long one;\nlong two;\nint three;\n'), undefined);
  assert.deepEqual(headerNames({ patch: 'a', headers: [header('a/b.h.in')] }), ['b.h']);
});
