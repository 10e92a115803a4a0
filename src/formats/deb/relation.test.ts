import assert from 'node:assert/strict';
import { test } from 'node:test';

import fc from 'fast-check';

import { field, parseStanzas } from './deb822.ts';
import { formatRelations, parseRelations, type Relation } from './relation.ts';
import { largestPackages, missingDpkgPerl, refusal, run } from './testdata/oracle.ts';

const plain = { qualifier: undefined, version: undefined, architectures: [], profiles: [] };

test('parseRelations keeps versions, qualifiers, architectures and profiles', () => {
  assert.deepEqual(parseRelations('a,\n b:any(>=1:2~rc-1)[!i386  !hurd-any]<!nocheck cross> <stage1> | c [amd64],\n'), [
    [{ ...plain, name: 'a' }],
    [
      {
        name: 'b',
        qualifier: 'any',
        version: { operator: '>=', version: '1:2~rc-1' },
        architectures: [
          { name: 'i386', negated: true },
          { name: 'hurd-any', negated: true },
        ],
        profiles: [
          [
            { name: 'nocheck', negated: true },
            { name: 'cross', negated: false },
          ],
          [{ name: 'stage1', negated: false }],
        ],
      },
      { ...plain, name: 'c', architectures: [{ name: 'amd64', negated: false }] },
    ],
  ]);
});

test('parseRelations passes over empty groups and takes < and > for the closed operators', () => {
  assert.deepEqual(parseRelations(' , ,'), []);
  assert.equal(
    formatRelations(parseRelations('a (< 1), b (> 2),, c (= 3) , d(<<4) , e ( >> 5 ),')),
    'a (<= 1), b (>= 2), c (= 3), d (<< 4), e (>> 5)',
  );
});

for (const bad of [
  'a b',
  'a |',
  '| a',
  'a (1)',
  'a (== 1)',
  'a (>= 1',
  'a (>= )',
  'a []',
  'a <>',
  'a [amd64 !i386]',
  'a [',
  'a <x',
  'a [x] (= 1)',
  '${misc:Depends}',
  '-a',
  'a:',
  'a [A B]',
  'a;b',
  'a (>= 1) (<< 2)',
  '<x>',
  'a\0',
]) {
  test(`parseRelations refuses ${JSON.stringify(bad)}`, () => {
    assert.throws(
      () => parseRelations(`ok, ${bad}`, 'Build-Depends'),
      refusal('bad-relation', /Cannot read Build-Depends: in "/),
    );
  });
}

test('parseRelations is linear on hostile text', () => {
  const start = process.cpuUsage().user;
  for (const text of [
    'a '.repeat(200_000),
    `a ${'<x '.repeat(200_000)}`,
    `a ${'<x>'.repeat(200_000)}!`,
    `a (>= ${'1'.repeat(500_000)}`,
  ]) {
    assert.throws(() => parseRelations(text), refusal('bad-relation', /Cannot read/));
  }
  assert.equal(parseRelations('a,'.repeat(200_000)).length, 200_000);
  assert.ok(process.cpuUsage().user - start < 3e6);
});

const withPrototype = { noNullPrototype: true };
const restriction = fc.record(
  { name: fc.constantFrom('amd64', 'any-i386', 'nocheck'), negated: fc.boolean() },
  withPrototype,
);
const version = fc.record(
  { operator: fc.constantFrom('<<', '<=', '=', '>=', '>>'), version: fc.constantFrom('1', '2:3~rc1-4+b5') },
  withPrototype,
);
const relation: fc.Arbitrary<Relation> = fc.record(
  {
    name: fc.constantFrom('a0', 'libstdc++6', 'python3.11', 'x-y'),
    qualifier: fc.constantFrom(undefined, 'any', 'native', 'arm64'),
    version: fc.option(version, { nil: undefined }),
    architectures: fc
      .tuple(fc.array(restriction, { maxLength: 3 }), fc.boolean())
      .map(([list, negated]) => list.map((each) => ({ ...each, negated }))),
    profiles: fc.array(fc.array(restriction, { minLength: 1, maxLength: 3 }), { maxLength: 3 }),
  },
  withPrototype,
);
const groups = fc.array(fc.array(relation, { minLength: 1, maxLength: 3 }), { maxLength: 4 });

test('formatRelations and parseRelations are inverse', () => {
  fc.assert(
    fc.property(groups, (list) => {
      assert.deepEqual(parseRelations(formatRelations(list)), list);
    }),
    { numRuns: 1000 },
  );
});

/** Lines through Dpkg::Deps, as it writes them; `undefined` for those it cannot read. */
function dpkgRelations(lines: readonly string[]): (string | undefined)[] {
  const script =
    'while (<STDIN>) { chomp; my $d = eval { deps_parse($_, build_dep => 1) }; print defined $d ? "=" . $d->output() : "!", "\\n" }';
  const out = run('perl', ['-MDpkg::Deps', '-e', script], {
    input: lines.map((line) => `${line}\n`).join(''),
  }).toString();
  return out
    .trimEnd()
    .split('\n')
    .map((line) => (line.startsWith('=') ? line.slice(1) : undefined));
}

test('formatRelations writes what Dpkg::Deps reads and writes', { skip: missingDpkgPerl() }, () => {
  const lines = fc
    .sample(groups, { numRuns: 300, seed: 3 })
    .map(formatRelations)
    .filter((line) => line !== '');
  assert.deepEqual(dpkgRelations(lines), lines);
});

const packages = largestPackages();
const skip = packages === undefined && 'no Packages file in /var/lib/apt/lists';

test('parseRelations reads every relation of a Packages file and writes it back as it was', { skip }, () => {
  const names = [
    'Depends',
    'Pre-Depends',
    'Recommends',
    'Suggests',
    'Breaks',
    'Conflicts',
    'Replaces',
    'Provides',
    'Enhances',
  ];
  let count = 0;
  for (const stanza of parseStanzas(packages!, 'Packages').filter((_, i) => i % 4 === 0)) {
    for (const name of names) {
      const value = field(stanza, name);
      if (value === undefined) continue;
      count++;
      assert.equal(formatRelations(parseRelations(value)).replaceAll(/\s/g, ''), value.replaceAll(/\s|,\s*$/g, ''));
    }
  }
  assert.ok(count > 100);
});
