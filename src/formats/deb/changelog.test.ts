import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { gunzipSync } from 'node:zlib';

import { parseChangelog } from './changelog.ts';
import { field, parseStanza } from './deb822.ts';
import { missing, refusal, run, temporaryDirectory } from './testdata/oracle.ts';

const entry = `hello (1:2.10-3) unstable experimental; urgency=HIGH, binary-only=yes

  * First.

    - More.

 -- A. Person <a@example.org>  Sat, 21 Nov 2026 03:04:05 +0130

hello (2.10-2) unstable; urgency=low

  * Older.

 -- broken
`;

test('parseChangelog reads the topmost entry and nothing behind it', () => {
  assert.deepEqual(parseChangelog(`\n# comment\n${entry}`), {
    source: 'hello',
    version: '1:2.10-3',
    distributions: ['unstable', 'experimental'],
    urgency: 'high',
    changes: '  * First.\n\n    - More.',
    maintainer: 'A. Person <a@example.org>',
    date: new Date('2026-11-21T01:34:05Z'),
  });
});

test('parseChangelog says unknown where an entry has no urgency', () => {
  assert.equal(parseChangelog(entry.replace('urgency=HIGH, ', '')).urgency, 'unknown');
});

const invalid: readonly (readonly [string, string, RegExp, number])[] = [
  ['an empty file', '\n\n', /no entry/, 2],
  ['no heading', 'hello\n', /expected "source \(version\)/, 1],
  ['a heading without a distribution', 'hello (1); urgency=low\n', /expected "source/, 1],
  ['a heading without a semicolon', 'hello (1) unstable\n', /expected "source/, 1],
  ['an option for a name', '--help (1) unstable; urgency=low\n', /expected "source/, 1],
  ['a path for a name', '../x (1) unstable; urgency=low\n', /expected "source/, 1],
  ['a version with a space', 'hello (1 2) unstable; urgency=low\n', /expected "source/, 1],
  ['no trailer', 'hello (1) unstable; urgency=low\n\n  * x\n', /ends without/, 3],
  [
    'a trailer without an address',
    'hello (1) unstable; urgency=low\n -- me  Sat, 21 Nov 2026 03:04:05 +0000\n',
    /expected " -- name/,
    2,
  ],
  ['a second heading before the trailer', `hello (1) unstable; urgency=low\n\n${entry}`, /second entry/, 3],
  ['a line of changes without its indent', 'hello (1) unstable; urgency=low\n\nx\n', /less than two spaces/, 3],
  ['a NUL', 'hello (1) unstable; urgency=low\n  * \0\n', /NUL/, 2],
  ...[
    '31 Feb 2026 00:00:00 +0000',
    '0 Jan 2026 00:00:00 +0000',
    '1 Foo 2026 00:00:00 +0000',
    '1 Jan 2026 24:00:00 +0000',
    '1 Jan 0026 00:00:00 +0000',
    '1 Jan 2026 00:00:00 UTC',
    '1 Jan 2026 00:00:00',
    'yesterday',
  ].map((date) => [`the date ${date}`, `a0 (1) u; urgency=low\n -- A <a@b>  ${date}\n`, /expected a date/, 2] as const),
];
for (const [what, text, message, line] of invalid) {
  test(`parseChangelog refuses ${what}`, () => {
    assert.throws(() => parseChangelog(text, 'debian/changelog'), refusal('bad-changelog', message, line));
  });
}

test('parseChangelog is quick on a hostile entry of a few megabytes', () => {
  const start = process.cpuUsage().user;
  assert.throws(() => parseChangelog(`hello (1)${' a'.repeat(2_000_000)}`), refusal('bad-changelog', /expected/));
  assert.throws(
    () => parseChangelog(`a0 (1) u; x\n${'  * x\n'.repeat(2_000_000)}`),
    refusal('bad-changelog', /ends without/),
  );
  assert.throws(
    () => parseChangelog(`a0 (1) u; x\n -- ${' <'.repeat(100_000)}\n`),
    refusal('bad-changelog', /expected/),
  );
  assert.ok(process.cpuUsage().user - start < 4e6);
});

const documents = '/usr/share/doc';
const changelogs = (existsSync(documents) ? readdirSync(documents) : [])
  .map((name) => `${documents}/${name}/changelog.Debian.gz`)
  .filter((path) => existsSync(path));
const skip = missing('dpkg-parsechangelog') || (changelogs.length === 0 && `no changelog in ${documents}`);

test('parseChangelog gives what dpkg-parsechangelog gives for changelogs of installed packages', { skip }, () => {
  using directory = temporaryDirectory();
  const plain = join(directory.path, 'changelog');
  const step = Math.max(1, Math.floor(changelogs.length / 20));
  for (const path of changelogs.filter((_, i) => i % step === 0)) {
    const text = gunzipSync(readFileSync(path)).toString('utf8');
    // From a pipe dpkg 1.22 takes the first entry and closes it.
    writeFileSync(plain, text);
    const expected = parseStanza(run('dpkg-parsechangelog', ['-l', plain]).toString());
    const ours = parseChangelog(text, path);
    assert.equal(ours.source, field(expected, 'Source'));
    assert.equal(ours.version, field(expected, 'Version'));
    assert.equal(ours.distributions.join(' '), field(expected, 'Distribution'));
    assert.equal(ours.urgency, field(expected, 'Urgency'));
    assert.equal(ours.maintainer, field(expected, 'Maintainer'));
    assert.equal(ours.date.getTime() / 1000, Number(field(expected, 'Timestamp')));
    const changes = field(expected, 'Changes')!.replace(/^.*\n\n*/, '');
    assert.equal(ours.changes, changes, path);
  }
});

test('parseChangelog reads every changelog of the installed packages', { skip }, () => {
  const failed: string[] = [];
  for (const path of changelogs) {
    const text = gunzipSync(readFileSync(path)).toString('utf8');
    try {
      parseChangelog(text, path);
    } catch (error) {
      failed.push(`${path}: ${String(error)}`);
    }
  }
  assert.deepEqual(failed, []);
});
