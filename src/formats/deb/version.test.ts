import assert from 'node:assert/strict';
import { test } from 'node:test';

import fc from 'fast-check';

import { missing, missingDpkgPerl, refusal, run } from './testdata/oracle.ts';
import { compareVersions, splitVersion, withoutEpoch, withoutRevision } from './version.ts';

/** Every pair of these goes through dpkg too. */
const samples = [
  '0', '00', '1', '01', '1.0', '1.00', '1.0-0', '1.0-1', '1.0-1+b1', '1.0-10', '1.0~', '1.0~~', '1.0~~a', '1.0~rc1-1', '1.0a', '1.0+',
  '1.0+dfsg-1', '1.0.1', '1:0', '0:1.0', '1:1.0', '2.10-3', '9999999999999999999999999', '10000000000000000000000000', '1.a', '1.A', '1-a-b', '1.2-',
].filter((version) => !version.endsWith('-')); // prettier-ignore

const version = fc
  .tuple(
    fc.option(fc.integer({ min: 0, max: 3 })),
    fc.string({ unit: fc.constantFrom('0', '1', '9', 'a', 'Z', '.', '+', '~', '-'), maxLength: 6 }),
    fc.option(fc.string({ unit: fc.constantFrom('0', '2', '10', 'b', '.', '+', '~'), minLength: 1, maxLength: 4 })),
  )
  .map(([epoch, upstream, revision]) => {
    const rest = `1${upstream}${revision === null ? '' : `-${revision}`}`;
    return (epoch === null ? '' : `${epoch}:`) + (rest.endsWith('-') ? `${rest}0` : rest);
  });

test('splitVersion takes the epoch before the first colon and the revision behind the last hyphen', () => {
  assert.deepEqual(splitVersion('1:2.3-4-5'), { epoch: 1, upstream: '2.3-4', revision: '5' });
  assert.deepEqual(splitVersion('2.10'), { epoch: 0, upstream: '2.10', revision: undefined });
  assert.deepEqual(splitVersion('0:1:2'), { epoch: 0, upstream: '1:2', revision: undefined });
});

test('splitVersion refuses empty parts and epochs that dpkg cannot hold', () => {
  for (const bad of [
    '',
    ':1',
    '1:',
    '1-',
    '-1',
    'a:1',
    '-1:1',
    '2147483648:1',
    '99999999999999999999:1',
    '1e3:1',
    ' 1:1',
  ]) {
    assert.throws(() => splitVersion(bad), refusal('bad-version', /Cannot read version/), bad);
  }
  assert.equal(splitVersion('2147483647:1').epoch, 2_147_483_647);
});

test('withoutEpoch and withoutRevision give the parts that file names carry', () => {
  assert.equal(withoutEpoch('1:2.3-4'), '2.3-4');
  assert.equal(withoutEpoch('2.3-4'), '2.3-4');
  assert.equal(withoutRevision('1:2.3-4'), '2.3');
  assert.equal(withoutRevision('1:2.3-beta-4'), '2.3-beta');
  assert.equal(withoutRevision('2.3'), '2.3');
});

test('compareVersions is a total preorder', () => {
  fc.assert(
    fc.property(version, version, version, (a, b, c) => {
      assert.equal(compareVersions(a, a), 0);
      assert.equal(Math.sign(compareVersions(a, b)), -Math.sign(compareVersions(b, a)) + 0);
      if (compareVersions(a, b) <= 0 && compareVersions(b, c) <= 0) assert.ok(compareVersions(a, c) <= 0);
    }),
    { numRuns: 2000 },
  );
});

test('compareVersions takes numbers longer than any integer type', () => {
  const nines = '9'.repeat(10_000);
  assert.equal(compareVersions(`1.${nines}`, `1.1${'0'.repeat(10_000)}`), -1);
  assert.equal(compareVersions(`1.${'0'.repeat(10_000)}1`, '1.1'), 0);
});

test('compareVersions orders as dpkg --compare-versions does', { skip: missing('dpkg', 'sh') }, () => {
  const random = fc.sample(fc.tuple(version, version), { numRuns: 250, seed: 20_261_121 });
  const pairs = [
    ...samples.flatMap((a, i) => [
      [a, samples[(i * 7 + 3) % samples.length]!],
      [a, samples[i + 1] ?? '1'],
    ]),
    ...random,
  ];
  const script =
    'while read -r a b; do if dpkg --compare-versions "$a" lt "$b"; then echo -1; elif dpkg --compare-versions "$a" eq "$b"; then echo 0; else echo 1; fi; done';
  const input = pairs.map(([a, b]) => `${a} ${b}\n`).join('');
  const expected = run('sh', ['-c', script], { input }).toString().trim().split('\n').map(Number);
  assert.equal(expected.length, pairs.length);
  pairs.forEach(([a, b], i) => assert.equal(compareVersions(a!, b!), expected[i], `${a} <=> ${b}`));
});

test('compareVersions orders 20,000 random pairs as Dpkg::Version does', { skip: missingDpkgPerl() }, () => {
  const pairs = fc.sample(fc.tuple(version, version), { numRuns: 20_000, seed: 7 });
  const script = 'while (<STDIN>) { chomp; my ($a, $b) = split / /; print version_compare($a, $b), "\n" }';
  const input = pairs.map(([a, b]) => `${a} ${b}\n`).join('');
  const expected = run('perl', ['-MDpkg::Version', '-e', script], { input }).toString().trim().split('\n').map(Number);
  assert.equal(expected.length, pairs.length);
  pairs.forEach(([a, b], i) => assert.equal(compareVersions(a, b), expected[i], `${a} <=> ${b}`));
});
