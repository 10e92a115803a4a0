import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

import { compareEntries, groupBySource } from '../../../compare/mod.ts';
import { entry } from '../../../compare/testdata/entry.ts';
import type { PlaceComparison } from '../../../flows/compare-places.ts';
import { missing, run, temporaryDirectory } from '../../../formats/deb/testdata/oracle.ts';
import type { PackageEntry } from '../../../model/index-history.ts';
import { compareNamed } from './compare.ts';
import { formatStanzas } from './stanzas.ts';
import { formatComparison } from './text.ts';

/** What comparePlaces makes of two snapshots, as far as it is printed. */
function comparison(
  left: readonly PackageEntry[],
  right: readonly PackageEntry[],
  more: Partial<PlaceComparison> = {},
): PlaceComparison {
  const { changes, counts } = compareEntries(left, right);
  const sources = groupBySource(changes);
  const place = (snapshotId: string) =>
    ({ kind: 'snapshot', place: `debian/sid@${snapshotId}`, origin: 'debian', suite: 'sid', snapshotId }) as const;
  return {
    ...{ left: place('20260101T000000Z'), right: place('20260102T000000Z'), kinds: ['source', 'binary'] },
    ...{ architectures: ['amd64'], leftOut: [], counts, total: sources.length, sources },
    alarms: changes.filter(({ change }) => change === 'altered'),
    ...more,
  };
}

const of = (source: string, version: string) => ({ source, sourceVersion: version });
const left = [
  entry('hello 2.10-3 source'),
  entry('hello 2.10-3', of('hello', '2.10-3')),
  entry('hello-old 2.10-3', of('hello', '2.10-3')),
  entry('hello-data 1:2.10-3 all', of('hello', '2.10-3')),
  entry('jq 1.7', { sha256: 'aa' }),
  entry('fw 1', { component: 'non-free' }),
  entry('zed 2'),
];
const right = [
  entry('hello 2.12-1 source'),
  entry('hello 2.12-1', of('hello', '2.12-1')),
  entry('hello-doc 2.12-1 all', of('hello', '2.12-1')),
  entry('hello-data 1:2.12-1 amd64', of('hello', '2.12-1')),
  entry('jq 1.7', { sha256: 'bb' }),
  entry('fw 1', { component: 'non-free-firmware' }),
  entry('zed 1'),
];

test('formatComparison tells alarms first, then counts, then each source with what its heading does not say', () => {
  assert.deepEqual(formatComparison(comparison(left, right)), [
    'ALARM: 1 package has other bytes under the same version',
    '  jq 1.7 amd64',
    '    was aa  1 bytes',
    '    is  bb  1 bytes',
    '',
    'debian/sid@20260101T000000Z → debian/sid@20260102T000000Z',
    'sources:   1 upgraded',
    'binaries:  1 added, 1 removed, 2 upgraded, 1 downgraded, 1 altered, 1 moved',
    '',
    'fw 1',
    '  moved      fw (non-free → non-free-firmware)',
    '',
    'hello 2.10-3 → 2.12-1',
    '  added      hello-doc',
    '  removed    hello-old',
    '  upgraded   source, hello, hello-data:all→amd64 (1:2.10-3 → 1:2.12-1)',
    '',
    'jq 1.7',
    '  altered    jq',
    '',
    'zed 2 → 1',
    '  downgraded zed',
  ]);
});

test('formatComparison names the architecture where there are several, and what was left out', () => {
  const lines = formatComparison(
    comparison([entry('a 1'), entry('a 1 arm64')], [entry('a 2'), entry('a 1 arm64')], {
      architectures: ['amd64', 'arm64'],
      leftOut: [{ place: 'debian/sid', what: 'riscv64' }],
    }),
  );
  assert.deepEqual(lines.slice(3), [
    'left out:  riscv64, which only debian/sid has',
    '',
    'a 1 → 2',
    '  upgraded   a:amd64',
  ]);
});

test('formatComparison shows changelogs, and the command that brings those that are not here', () => {
  const plain = comparison([entry('a 1'), entry('b 1')], [entry('a 2'), entry('b 2')]);
  const text =
    'a (2) unstable; urgency=medium\n\n  * A change.\n\n -- A <a@example.org>  Thu, 01 Jan 2026 00:00:00 +0000';
  const [a, b] = plain.sources;
  const found = { state: 'found', from: 'a', entries: [{ version: '2', text }], isCut: true } as const;
  const lines = formatComparison({
    ...plain,
    sources: [
      { ...a!, changelog: found },
      { ...b!, changelog: { state: 'absent' } },
    ],
  });
  assert.deepEqual(lines.slice(lines.indexOf('a 1 → 2')), [
    'a 1 → 2',
    '  upgraded   a',
    '',
    ...text.split('\n').map((line) => (line === '' ? '' : `    ${line}`)),
    '',
    '    … and older entries',
    '',
    'b 1 → 2',
    '  upgraded   b',
    '',
    'The files of 1 source package are not here, so that their changelogs cannot be read.',
    'They are fetched by: sheaf upstream files debian b --suite sid --at 20260102T000000Z --source --fetch',
  ]);
});

test('formatComparison lets nothing from an index reach the terminal as a command', () => {
  const evil = entry('a 1', { source: 'a\u001b[2J', component: '\u001b]0;x\u0007' });
  for (const line of formatComparison(comparison([], [evil]))) assert.doesNotMatch(line, /[\u0000-\u001f\u007f]/);
});

test('formatStanzas gives a stanza for each change, with what is known of both sides', () => {
  const lines = formatStanzas(comparison(left, right));
  assert.deepEqual(lines.slice(lines.indexOf('Package: hello-data'), lines.indexOf('Package: hello-old')), [
    'Package: hello-data',
    'Architecture: amd64',
    'Source: hello',
    'Change: upgraded',
    'Old-Architecture: all',
    'Old-Version: 1:2.10-3',
    'New-Version: 1:2.12-1',
    'Old-Component: main',
    'New-Component: main',
    'Old-Size: 1',
    'New-Size: 1',
    'Old-SHA256: sha of hello-data 1:2.10-3 all',
    'New-SHA256: sha of hello-data 1:2.12-1 amd64',
    '',
    'Package: hello-doc',
    'Architecture: all',
    'Source: hello',
    'Change: added',
    'New-Version: 2.12-1',
    'New-Component: main',
    'New-Size: 1',
    'New-SHA256: sha of hello-doc 2.12-1 all',
    '',
  ]);
});

test('formatStanzas is read by grep-dctrl', { skip: missing('grep-dctrl') }, () => {
  using directory = temporaryDirectory();
  const file = join(directory.path, 'difference');
  writeFileSync(
    file,
    formatStanzas(comparison(left, right))
      .map((line) => `${line}\n`)
      .join(''),
  );
  const names = run('grep-dctrl', ['-n', '-s', 'Package', '-F', 'Change', '-X', 'upgraded', file]).toString();
  assert.deepEqual(names.trim().split('\n'), ['hello', 'hello', 'hello-data']);
});

test('compareNamed takes no lock for an index, and says what compares locks', async () => {
  using directory = temporaryDirectory();
  const [lock, index] = [join(directory.path, 'a.lock'), join(directory.path, 'Packages')];
  writeFileSync(lock, 'Package: sheaf-lock\nVersion: 2\nArchitecture: amd64\n');
  writeFileSync(index, '');
  const command = { optsWithGlobals: () => ({}) };
  for (const places of [
    [lock, index],
    [index, lock],
    [undefined, lock],
  ] as const) {
    await assert.rejects(compareNamed(command, places, {}), {
      code: 'is-lock',
      kind: 'usage',
      hint: /sheaf lock diff /,
    });
  }
});
