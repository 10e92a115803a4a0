import assert from 'node:assert/strict';
import { test } from 'node:test';

import { findSavedSuites, nameIndexes, suiteOf } from './import-tree.ts';

const shown = (paths: readonly string[]) =>
  findSavedSuites(paths).map(({ base, folder, files }) => [base, folder, Object.fromEntries(files)]);

test('findSavedSuites finds the suites of a tree by their Release files', () => {
  assert.deepEqual(
    shown([
      'dists/trixie/InRelease',
      'dists/trixie/main/binary-amd64/Packages.xz',
      'dists/trixie/main/binary-amd64/Release',
      'dists/trixie/main/Contents-amd64.gz',
      'dists/bookworm/updates/Release',
      'dists/bookworm/updates/Release.gpg',
      'dists/bookworm/updates/main/source/Sources',
    ]),
    [
      [
        'dists/bookworm/updates/',
        'bookworm/updates',
        {
          Release: 'dists/bookworm/updates/Release',
          'Release.gpg': 'dists/bookworm/updates/Release.gpg',
          'main/source/Sources': 'dists/bookworm/updates/main/source/Sources',
        },
      ],
      [
        'dists/trixie/',
        'trixie',
        {
          InRelease: 'dists/trixie/InRelease',
          'main/binary-amd64/Packages.xz': 'dists/trixie/main/binary-amd64/Packages.xz',
          'main/binary-amd64/Release': 'dists/trixie/main/binary-amd64/Release',
          'main/Contents-amd64.gz': 'dists/trixie/main/Contents-amd64.gz',
        },
      ],
    ],
  );
});

test('findSavedSuites finds suites without Release files by the names of their indexes', () => {
  assert.deepEqual(
    shown([
      'sid/main/binary-amd64/Packages.gz',
      'sid/main/debian-installer/binary-amd64/Packages.gz',
      'sid/main/source/Sources',
      'sid/main/i18n/Translation-en.bz2',
      'sid/main/Contents-amd64.gz',
    ]),
    [
      [
        'sid/',
        undefined,
        {
          'main/binary-amd64/Packages.gz': 'sid/main/binary-amd64/Packages.gz',
          'main/source/Sources': 'sid/main/source/Sources',
          'main/i18n/Translation-en.bz2': 'sid/main/i18n/Translation-en.bz2',
          'main/debian-installer/binary-amd64/Packages.gz': 'sid/main/debian-installer/binary-amd64/Packages.gz',
          'main/Contents-amd64.gz': 'sid/main/Contents-amd64.gz',
        },
      ],
    ],
  );
  assert.deepEqual(shown(['Packages', 'Sources.xz']), [
    ['', undefined, { Packages: 'Packages', 'Sources.xz': 'Sources.xz' }],
  ]);
  assert.deepEqual(shown([]), []);
});

test("findSavedSuites reads the names of apt's own lists", () => {
  const prefix = 'lists/deb.debian.org_debian_dists_bookworm-updates';
  assert.deepEqual(shown([`${prefix}_InRelease`, `${prefix}_non-free%5ffirmware_binary-amd64_Packages`]), [
    [
      'dists/bookworm-updates/',
      'bookworm-updates',
      {
        InRelease: `${prefix}_InRelease`,
        'non-free_firmware/binary-amd64/Packages': `${prefix}_non-free%5ffirmware_binary-amd64_Packages`,
      },
    ],
  ]);
});

for (const [what, base, release, wanted, expected] of [
  ['by its folder', 'dists/trixie/', { suite: 'testing', codename: 'trixie' }, ['trixie', 'sid'], 'trixie'],
  ['by its codename', 'dists/stable/', { suite: 'stable', codename: 'bookworm' }, ['bookworm'], 'bookworm'],
  ['by its suite', '', { suite: 'unstable', codename: 'sid' }, ['bookworm', 'unstable'], 'unstable'],
  [
    'not by a codename that is that of another',
    'dists/noble-updates/',
    { suite: 'noble-updates', codename: 'noble' },
    ['noble'],
    'other noble-updates',
  ],
  ['as another', 'dists/buster/', { suite: 'oldstable', codename: 'buster' }, ['bookworm'], 'other buster'],
  [
    'as a contradiction',
    'dists/trixie/',
    { suite: 'unstable', codename: 'sid' },
    ['trixie'],
    'contradiction unstable, codename sid',
  ],
  [
    'with a part for updates',
    'dists/buster/updates/',
    { suite: undefined, codename: 'buster' },
    ['buster/updates'],
    'buster/updates',
  ],
  ['by the folder around it', 'x/sid/', {}, ['bookworm', 'sid'], 'sid'],
  ['as the only one', '', {}, ['sid'], 'sid'],
  ['not at all', '', {}, ['bookworm', 'sid'], 'unknown'],
] as const) {
  test(`suiteOf tells a suite ${what}`, () => {
    const folder = /^dists\/(.+)\/$/.exec(base)?.[1];
    const names = { suite: undefined, codename: undefined, ...release };
    const answer = suiteOf({ base, folder }, names, wanted);
    const told =
      answer.kind === 'suite'
        ? answer.suite
        : answer.kind === 'other'
          ? `other ${answer.suite}`
          : answer.kind === 'contradiction'
            ? `contradiction ${answer.told}`
            : answer.kind;
    assert.equal(told, expected);
  });
}

test('nameIndexes takes what is followed, each with all of its files', () => {
  const upstream = {
    components: ['main', 'contrib'],
    architectures: ['amd64', 'arm64'] as never,
    ...{ sources: true, contents: true, translations: ['en'] },
  };
  const names = [
    ...['main/binary-amd64/Packages.xz', 'main/binary-amd64/Packages', 'main/binary-all/Packages.gz'],
    ...['main/binary-riscv64/Packages', 'non-free/binary-amd64/Packages', 'contrib/source/Sources.zst', 'Packages'],
    ...['main/i18n/Translation-en.bz2', 'main/i18n/Translation-de', 'Contents-arm64.gz', 'main/Contents-riscv64'],
    'main/debian-installer/binary-amd64/Packages',
  ];
  const found = nameIndexes(new Map(names.map((name) => [name, `saved/${name}`])), upstream);
  assert.deepEqual(
    found.map(({ name, files }) => [name.path, name.kind, name.component, name.architecture, ...files]),
    [
      ['Contents-arm64', 'contents', '', 'arm64', 'saved/Contents-arm64.gz'],
      ['contrib/source/Sources', 'sources', 'contrib', 'source', 'saved/contrib/source/Sources.zst'],
      ['main/binary-all/Packages', 'packages', 'main', 'all', 'saved/main/binary-all/Packages.gz'],
      [
        ...['main/binary-amd64/Packages', 'packages', 'main', 'amd64'],
        ...['saved/main/binary-amd64/Packages', 'saved/main/binary-amd64/Packages.xz'],
      ],
      ['main/i18n/Translation-en', 'translation', 'main', '', 'saved/main/i18n/Translation-en.bz2'],
    ],
  );
});

test('nameIndexes takes a lone file where only one index can be meant', () => {
  const files = new Map([
    ['Packages.gz', 'Packages.gz'],
    ['Sources', 'Sources'],
  ]);
  const one = {
    components: ['main'],
    architectures: ['amd64'] as never,
    sources: true,
    contents: false,
    translations: [],
  };
  const paths = (upstream: typeof one) => nameIndexes(files, upstream).map(({ name }) => name.path);
  assert.deepEqual(paths(one), ['main/binary-amd64/Packages', 'main/source/Sources']);
  assert.deepEqual(paths({ ...one, architectures: ['amd64', 'arm64'] as never }), ['main/source/Sources']);
  assert.deepEqual(paths({ ...one, components: ['main', 'contrib'] }), []);
});
