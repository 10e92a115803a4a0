import assert from 'node:assert/strict';
import { test } from 'node:test';

import { parsePackageName, parseVersion } from '../model/names.ts';
import { guessCompilers } from './compilers.ts';
import { halves, joinConditions, planExperiments, type Known } from './experiments.ts';

const known: Known = {
  builtAt: 1_672_068_600,
  tree: 'hello-2.10',
  compilers: ['Debian 12.2.0-10'],
  sources: [],
  older: [],
  headers: [],
};
const restored = (...of: Parameters<typeof planExperiments>) =>
  planExperiments(...of).map((group) => group.map((each) => each.restored).join(', '));

test('planExperiments tries what the hints name, then other versions; without hints what most often matters', () => {
  const hints = [
    { kind: 'locale', detail: 'sorted' },
    { kind: 'clock', detail: 'a year' },
  ] as const;
  assert.deepEqual(restored(hints, {}, known), [
    'locale POSIX',
    'locale en_US.UTF-8',
    'clock 2022-12-26T15:30:00.000Z',
    'gcc called Debian 12.2.0-10',
  ]);
  assert.deepEqual(restored([], {}, known).slice(0, 2), [
    'gcc called Debian 12.2.0-10',
    'clock 2022-12-26T15:30:00.000Z',
  ]);
});

test('planExperiments takes the compiler first where only build-ids differ, and debhelper by its signature', () => {
  const ids = [{ kind: 'build-path', detail: 'bin/hello: only the build-id, which covers what was stripped' }] as const;
  assert.equal(restored(ids, {}, known)[0], 'gcc called Debian 12.2.0-10');
  const signed = [{ kind: 'dependency', detail: 'postinst: added by dh_systemd/13.9.1 → dh_systemd/13.11.4' }] as const;
  assert.equal(restored(signed, {}, known)[0], 'debhelper called 13.9.1');
});

test('planExperiments has changelogs left whole where a published one is', () => {
  const detail =
    'usr/share/doc/a/changelog.Debian.gz: changelog.Debian: whole left, trimmed right, as by debhelper from 13.10 on, unless DEB_BUILD_OPTIONS has notrimdch';
  const [[first] = []] = planExperiments(
    [{ kind: 'dependency', detail }],
    { environment: { DEB_BUILD_OPTIONS: 'nocheck' } },
    known,
  );
  assert.equal(first!.restored, 'debhelper with notrimdch');
  assert.deepEqual(first!.conditions, { environment: { DEB_BUILD_OPTIONS: 'nocheck notrimdch' } });
  const uploaded = { changelogEntry: 'a (1+b1) sid; urgency=low, binary-only=yes' };
  assert.equal(restored([{ kind: 'dependency', detail }], uploaded, known)[0], 'debhelper called 13.9.1');
  const shorter =
    'usr/share/doc/a/changelog.gz: old entries only right, as by debhelper 13.10.1, which left none of them';
  assert.equal(restored([{ kind: 'dependency', detail: shorter }], {}, known)[0], 'debhelper called 13.10.1');
  const other = detail.replace('whole left, trimmed right', 'whole right, trimmed left');
  assert.equal(restored([{ kind: 'dependency', detail: other }], {}, known)[0], 'gcc called Debian 12.2.0-10');
});

test('planExperiments does not try what the rebuild had', () => {
  const buildPath = '/build/reproducible-path/hello-2.10';
  assert.ok(restored([], {}, known).includes(`build-path ${buildPath}`));
  assert.ok(!restored([], { buildPath }, known).includes(`build-path ${buildPath}`));
  const tools = { compiler: 'Debian 12.2.0-10', debhelper: '13' };
  assert.ok(!restored([], { tools }, known).includes('gcc called Debian 12.2.0-10'));
});

test('planExperiments tries the C library of another time, then all that is older, before names of compilers', () => {
  const older = ['perl', 'glibc'].map((source) => {
    return { source, version: '1', packages: [{ name: parsePackageName(source), version: parseVersion('1') }] };
  });
  const names = restored([], {}, { ...known, older });
  const compiler = 'gcc called Debian 12.2.0-10';
  const two = { ...known, older, compilers: ['Debian 1', 'Debian 2'] };
  const both = ['gcc called Debian 1, glibc 1', 'gcc called Debian 2, glibc 1', 'gcc called Debian 1'];
  assert.deepEqual(restored([], {}, two).slice(2, 5), both);
  assert.deepEqual(names.slice(0, 4), ['glibc 1', 'perl 1, glibc 1', `${compiler}, glibc 1`, compiler]);
  const ids = [{ kind: 'build-path', detail: 'bin/hello: only the build-id, which covers what was stripped' }] as const;
  assert.deepEqual(restored(ids, {}, { ...known, older }).slice(0, 4), [names[0], names[2], names[3], names[1]]);
  const tools = { compiler: 'Debian 12.2.0-10' };
  assert.deepEqual(restored([], { tools }, { ...known, older }).slice(1, 3), ['perl 1, glibc 1', names[4]]);
  assert.ok(!restored([], {}, { ...known, older: older.slice(1) }).includes('perl 1, glibc 1'));
});

test('planExperiments takes back what changed in headers with the C library of that time, each name of the compiler with and without', () => {
  const older = [{ source: 'glibc', version: '1', packages: [] }];
  const patch = (source: string, name: string) => ({ source, version: '1-2', patch: name, text: '' });
  const headers = [patch('tls', 'b'), patch('tls', 'a'), patch('xml', 'c')];
  const taken = 'headers of tls without b and a, headers of xml without c';
  const ids = [{ kind: 'build-path', detail: 'bin/hello: only the build-id, which covers what was stripped' }] as const;
  const compilers = ['Debian 2', 'Debian 1'];
  assert.deepEqual(restored(ids, {}, { ...known, older, headers, compilers }).slice(0, 9), [
    ...[`glibc 1, ${taken}`, 'glibc 1'],
    ...[`gcc called Debian 2, glibc 1, ${taken}`, 'gcc called Debian 2, glibc 1'],
    ...[`gcc called Debian 1, glibc 1, ${taken}`, 'gcc called Debian 1, glibc 1'],
    ...['gcc called Debian 2', 'gcc called Debian 1', taken],
  ]);
  assert.deepEqual(restored(ids, {}, { ...known, headers }).slice(0, 3), [
    ...[taken, `gcc called Debian 12.2.0-10, ${taken}`, 'gcc called Debian 12.2.0-10'],
  ]);
  const [group] = planExperiments([], {}, { ...known, headers });
  const found = halves(group![0]!).map((half) => [half.restored, half.conditions.headers]);
  assert.deepEqual(found, [
    ['headers of tls without b and a', headers.slice(0, 2)],
    ['headers of xml without c', headers.slice(2)],
  ]);
  assert.deepEqual(halves(planExperiments([], {}, { ...known, headers: headers.slice(2) })[0]![0]!), []);
});

test('planExperiments has libraries call themselves as in the published program, all at once', () => {
  const sources = [
    { source: 'libbpf', version: '1:1.1.2-0+deb12u1', packages: ['libbpf-dev', 'libbpf1'] },
    { source: 'expat', version: '2.5.0+dfsg-1', packages: ['libexpat1-dev'] },
    { source: 'bison', version: '2:3.8.2+dfsg-1', packages: ['bison'] },
  ];
  const hintsOf = (...details: string[]) => details.map((detail) => ({ kind: 'dependency', detail }) as const);
  const one = hintsOf('bin/ip-2.5.0 in .text: 1.1.0 → 1.1.2 (and 1 more)');
  const [[first] = []] = planExperiments(one, {}, { ...known, sources });
  assert.equal(first!.restored, 'libbpf called 1.1.0');
  const libbpf = { source: 'libbpf', packages: ['libbpf-dev'], version: '1.1.2', called: '1.1.0' };
  assert.deepEqual(first!.conditions, { libraries: [libbpf] });
  const two = hintsOf(
    'a: libbpf 1.1.0, expat 2.5.0 → libbpf 1.1.2, expat 2.5.0',
    'b, line 3: expat 2.4.9 → expat 2.5.0',
  );
  const all = { ...known, sources };
  assert.equal(restored(two, {}, all)[0], 'libbpf called 1.1.0, expat called 2.4.9');
  const conditions = joinConditions(planExperiments(two, {}, all)[0]!.map((each) => each.conditions));
  assert.deepEqual(
    conditions.libraries!.map(({ called }) => called),
    ['1.1.0', '2.4.9'],
  );
  // A program is not built with the headers of one.
  assert.equal(restored(hintsOf('a: bison 3.8.1 → bison 3.8.2'), {}, all)[0], 'gcc called Debian 12.2.0-10');
  assert.equal(restored(hintsOf('a: 1.1.0 → 1.1.3'), {}, all)[0], 'gcc called Debian 12.2.0-10');
});

test('planExperiments has Java call itself as in the published manifest, unless it is another release', () => {
  const hint = (left: string, right: string) => {
    const detail = `a.jar: META-INF/MANIFEST.MF, line 2: Created-By: ${left} (Debian)\r → Created-By: ${right} (Debian)\r`;
    return { kind: 'dependency', detail } as const;
  };
  assert.equal(restored([hint('17.0.6', '17.0.19')], {}, known)[0], 'java called 17.0.6');
  assert.equal(restored([hint('17', '17.0.19')], {}, known)[0], 'java called 17');
  assert.equal(restored([hint('11.0.2', '17.0.19')], {}, known)[0], 'gcc called Debian 12.2.0-10');
  const maven = 'a.jar: META-INF/MANIFEST.MF, line 3: Build-Jdk: 11.0.15\r → Build-Jdk: 11.0.24\r (and 8 more)';
  assert.equal(restored([{ kind: 'dependency', detail: maven }], {}, known)[0], 'java called 11.0.15');
});

test('joinConditions keeps the names of several tools', () => {
  const joined = joinConditions([
    { tools: { compiler: 'a' }, locale: 'C' },
    { tools: { debhelper: 'b' } },
    { clock: 1 },
  ]);
  assert.deepEqual(joined, { tools: { compiler: 'a', debhelper: 'b' }, locale: 'C', clock: 1 });
  assert.deepEqual(joinConditions([{}]), {});
});

const entry = (version: string, date: string, suite = 'unstable') =>
  `gcc-12 (${version}) ${suite}; urgency=medium\n\n  * A change.\n\n -- A Person <a@example.org>  ${date}\n`;
const changelog = [
  entry('12.2.0-14+deb12u1', 'Mon, 07 Apr 2025 13:26:17 +0200', 'bookworm'),
  entry('12.2.0-14', 'Sun, 08 Jan 2023 10:12:42 +0100'),
  entry('12.2.0-11', 'Mon, 26 Dec 2022 16:39:09 +0100'),
  entry('12.2.0-10', 'Sun, 11 Dec 2022 18:52:56 +0100'),
  entry('12.2.0-8', 'Mon, 31 Oct 2022 10:31:17 +0100', 'experimental'),
  entry('12.2.0-9', 'Thu, 03 Nov 2022 09:40:42 +0100'),
  entry('12.1.0-8', 'Tue, 09 Aug 2022 21:22:04 +0200'),
].join('\n');

test('guessCompilers finds the version of a day, then its neighbours, but none of long after', () => {
  const at = (day: string) => guessCompilers(changelog, Date.parse(day) / 1000);
  const revisions = (day: string) => at(day).map((name) => name.replace('Debian 12.2.0-', ''));
  assert.deepEqual(revisions('2022-12-26T15:30:00Z'), ['10', '11', '14', '9']);
  assert.deepEqual(at('2026-05-01T00:00:00Z'), ['Debian 12.2.0-14+deb12u1', 'Debian 12.2.0-14']);
});

test('guessCompilers tells the day of a compiler that was made of a branch', () => {
  const entry = (version: string, day: string, change: string) =>
    `gcc-10 (${version}) unstable; urgency=medium\n\n  * ${change}\n\n -- A Person <a@example.org>  ${day} 10:00:00 +0000\n`;
  const branch = [
    entry('10.2.1-6', 'Sun, 10 Jan 2021', 'Update to git 20210110 from the gcc-10 branch.'),
    entry('10.2.1-4', 'Sat, 26 Dec 2020', 'Build again.'),
    entry('10.2.1-3', 'Thu, 24 Dec 2020', 'Update to git 20201224 from the gcc-10 branch.'),
    entry('10.2.0-23', 'Thu, 03 Dec 2020', 'Update to git 20201203 from the gcc-10 branch.'),
    entry('10.1.0-6', 'Tue, 14 Jul 2020', 'Update to git 20200714 from the gcc-10 branch.'),
  ].join('\n');
  const at = (day: string) => guessCompilers(branch, Date.parse(day) / 1000).slice(0, 2);
  assert.deepEqual(at('2020-12-29'), ['Debian 10.2.1-4 (10.2.1 20201224)', 'Debian 10.2.1-6 (10.2.1 20210110)']);
  assert.deepEqual(at('2020-12-06'), ['Debian 10.2.0-23 (10.2.0)']);
  assert.deepEqual(at('2020-12-12'), ['Debian 10.2.0-23 (10.2.0)', 'Debian 10.2.1-3 (10.2.1 20201224)']);
  assert.deepEqual(at('2020-08-01'), []);
});

test('guessCompilers guesses nothing for a day of another release, or from another text', () => {
  assert.deepEqual(guessCompilers(changelog, Date.parse('2021-01-01') / 1000), []);
  assert.deepEqual(guessCompilers('no changelog', 0), []);
});
