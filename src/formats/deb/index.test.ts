/** packages.ts, sources.ts and release.ts: what apt reads of an archive. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

import { formatDate, formatReleaseDate, parseDate } from './date.ts';
import { field, parseStanza, parseStanzas, type Stanza } from './deb822.ts';
import { parseDsc } from './dsc.ts';
import { formatPackagesStanza } from './packages.ts';
import { formatRelease, parseRelease } from './release.ts';
import { formatSourcesStanza } from './sources.ts';
import { missing, missingDpkgPerl, refusal, run, temporaryDirectory } from './testdata/oracle.ts';
import { makePackage, packageTools } from './testdata/package.ts';

const sha256 = (bytes: Uint8Array | string) => createHash('sha256').update(bytes).digest('hex');
const skip = missing('apt-ftparchive', ...packageTools) || missingDpkgPerl();

/** Fields by lower-case name, without those of weak or further hashes. */
function comparable(stanza: Stanza, without: readonly string[]): Record<string, string> {
  const kept = stanza.fields.filter((each) => !without.includes(each.name.toLowerCase()));
  return Object.fromEntries(kept.map((each) => [each.name.toLowerCase(), each.value.trim()]));
}

test('formatPackagesStanza puts the file before the description and takes nothing of it from the package', () => {
  const control =
    'Package: a0\nStatus: install ok installed\nFilename: /etc/shadow\nsha256: 0\nVersion: 1\nDescription: x\n long\n .\n more\nX: y\n';
  assert.equal(
    formatPackagesStanza(control, { filename: 'pool/a0.deb', size: 7, sha256: 'abc' }),
    'Package: a0\nVersion: 1\nFilename: pool/a0.deb\nSize: 7\nSHA256: abc\nDescription: x\n long\n .\n more\nX: y\n',
  );
});

test('formatPackagesStanza refuses a control file that is not one stanza', () => {
  assert.throws(
    () => formatPackagesStanza('A: b\n\nA: b\n', { filename: 'x', size: 1, sha256: '' }),
    refusal('bad-control-file', /found 2/),
  );
});

test('formatPackagesStanza and formatSourcesStanza give what apt-ftparchive gives', { skip }, () => {
  using directory = temporaryDirectory();
  const made = makePackage(directory.path);
  const weak = [
    'md5sum',
    'sha1',
    'sha512',
    'files',
    'checksums-sha1',
    'checksums-sha512',
    'section',
    'priority',
    'directory',
  ];
  const expected = parseStanza(run('apt-ftparchive', ['packages', '.'], { cwd: directory.path }).toString());
  const control = run('dpkg-deb', ['-f', made.debPath]).toString();
  const ours = formatPackagesStanza(control, {
    filename: field(expected, 'Filename')!,
    size: made.deb.length,
    sha256: sha256(made.deb),
  });
  assert.deepEqual(comparable(parseStanza(ours), weak), comparable(expected, weak));

  const sources = parseStanza(run('apt-ftparchive', ['sources', '.'], { cwd: directory.path }).toString());
  const dsc = parseDsc(made.dsc);
  const self = { name: 'sheaf-probe_1.0~rc1.dsc', size: made.dsc.length, sha256: sha256(made.dsc) };
  const ourSources = parseStanza(formatSourcesStanza(dsc.stanza, { directory: 'pool/x', files: [self, ...dsc.files] }));
  const sorted = (stanza: Stanza) => {
    const fields = comparable(stanza, weak);
    return { ...fields, 'checksums-sha256': fields['checksums-sha256']!.split('\n').toSorted() };
  };
  assert.deepEqual(sorted(ourSources), sorted(sources));
  assert.equal(ourSources.fields[0]!.name, 'Package');
  assert.equal(field(ourSources, 'Directory'), 'pool/x');
  for (const name of ['Files', 'Checksums-Sha1', 'Source']) assert.equal(field(ourSources, name), undefined, name);
});

const release = {
  origin: 'Example',
  suite: 'stable',
  codename: 'one',
  date: new Date('2026-11-21T03:04:05.678Z'),
  validUntil: new Date('2026-11-28T03:04:05Z'),
  architectures: ['all', 'amd64'],
  components: ['main'],
  acquireByHash: true,
  files: [
    { path: 'main/source/Sources', size: 10, sha256: 'b'.repeat(64) },
    { path: 'main/binary-amd64/Packages', size: 1234, sha256: 'a'.repeat(64) },
  ],
};

test('formatRelease writes the fields in order and the files sorted and aligned', () => {
  assert.equal(
    formatRelease(release),
    `Origin: Example
Suite: stable
Codename: one
Date: Sat, 21 Nov 2026 03:04:05 UTC
Valid-Until: Sat, 28 Nov 2026 03:04:05 UTC
Acquire-By-Hash: yes
Architectures: all amd64
Components: main
SHA256:
 ${'a'.repeat(64)} 1234 main/binary-amd64/Packages
 ${'b'.repeat(64)}   10 main/source/Sources
`,
  );
});

test('parseRelease reads what formatRelease writes', () => {
  const { stanza: _, ...read } = parseRelease(formatRelease(release));
  assert.deepEqual(read, {
    ...release,
    date: new Date('2026-11-21T03:04:05Z'),
    label: undefined,
    version: undefined,
    description: undefined,
    snapshots: undefined,
    files: release.files.toReversed(),
  });
});

test('parseRelease refuses hostile files', () => {
  const text = formatRelease(release);
  for (const [from, to, code, message] of [
    [/^SHA256:[^]*/m, '', 'missing-field', /no SHA256/],
    ['SHA256:', 'MD5Sum:', 'missing-field', /no SHA256/],
    ['Date: Sat', 'Date: x y', 'bad-field', /not a date/],
    [/^Date:.*\n/m, '', 'missing-field', /"Date" is missing/],
    ['Valid-Until: Sat, 28', 'Valid-Until: Sat, 31', 'bad-field', /not a date/],
    ['main/source/Sources', '../../../etc/passwd', 'bad-field', /leaves the directory/],
    ['main/source/Sources', '/etc/passwd', 'bad-field', /leaves the directory/],
    ['main/source/Sources', 'main/./x', 'bad-field', /leaves the directory/],
    ['main/source/Sources', 'main/binary-amd64/Packages', 'bad-field', /listed twice/],
    ['  10 main', ' ten main', 'bad-field', /not "hash size path"/],
    ['bbb', 'BBB', 'bad-field', /not "hash size path"/],
  ] as const) {
    assert.throws(() => parseRelease(text.replace(from, to)), refusal(code, message), String(to));
  }
});

test('parseRelease reads what apt-ftparchive release writes', { skip }, () => {
  using directory = temporaryDirectory();
  makePackage(directory.path);
  const read = parseRelease(
    run('apt-ftparchive', ['-o', 'APT::FTPArchive::Release::Suite=x', 'release', '.'], {
      cwd: directory.path,
    }).toString(),
  );
  assert.equal(read.suite, 'x');
  assert.ok(
    Math.abs(read.date.getTime() - 1_700_000_000_000) < 1000 || Math.abs(read.date.getTime() - Date.now()) < 60_000,
  );
});

const lists = '/var/lib/apt/lists';
const inRelease = (existsSync(lists) ? readdirSync(lists) : []).filter((name) => name.endsWith('_InRelease'));

test(
  'parseRelease reads the InRelease files of this machine, whose hashes fit the files beside them',
  { skip: inRelease.length === 0 && `no InRelease in ${lists}` },
  () => {
    let compared = 0;
    for (const name of inRelease) {
      const read = parseRelease(readFileSync(join(lists, name), 'utf8'), name);
      assert.ok(read.files.length > 10);
      assert.ok(read.date.getTime() > Date.parse('2020-01-01'));
      const base = name.slice(0, -'InRelease'.length);
      for (const listed of read.files.filter((each) => each.path.endsWith('/Packages'))) {
        const local = readdirSync(lists).find((each) => each.startsWith(base + listed.path.replaceAll('/', '_')));
        if (local === undefined) continue;
        const bytes = run('/usr/lib/apt/apt-helper', ['cat-file', join(lists, local)]);
        assert.deepEqual([bytes.length, sha256(bytes)], [listed.size, listed.sha256]);
        parseStanzas(bytes.toString('utf8'), local);
        compared++;
      }
    }
    assert.ok(compared > 0, 'no Packages file was found for any InRelease');
  },
);

test('formatDate and formatReleaseDate write what parseDate reads', () => {
  const date = new Date('2024-02-29T23:59:59Z');
  assert.equal(formatDate(date), 'Thu, 29 Feb 2024 23:59:59 +0000');
  assert.equal(formatReleaseDate(date), 'Thu, 29 Feb 2024 23:59:59 UTC');
  assert.deepEqual(parseDate(formatDate(date)), date);
  assert.deepEqual(parseDate(formatReleaseDate(date)), date);
  assert.deepEqual(parseDate('1 Jan 2026 00:30:00 -0130 (CET)'), new Date('2026-01-01T02:00:00Z'));
  for (const bad of [
    '',
    '29 Feb 2023 00:00:00 UTC',
    '1 Jan 2026 00:60:00 UTC',
    '1 Jan 2026 00:00:00 +2400',
    '2026-01-01T00:00:00Z',
  ]) {
    assert.equal(parseDate(bad), undefined, bad);
  }
});
