import assert from 'node:assert/strict';
import test from 'node:test';
import { gunzipSync } from 'node:zlib';

import fc from 'fast-check';

import { splitGzipMembers, type GzipMember } from '../formats/container/gzip-members.ts';
import { sha256 } from '../kit/digest.ts';
import { changeContents, type ContentsFile } from './contents-blocks.ts';
import { ContentsChanges } from './contents-changes.ts';

type Table = ReadonlyMap<string, ReadonlySet<string>>;

const bytesOf = ({ members }: ContentsFile) => Buffer.concat(members.map(({ bytes }) => bytes));

/** As the archive reads it again. */
const again = (file: ContentsFile) => splitGzipMembers(bytesOf(file)).filter((member) => member.uncompressedSize > 0);

function changes(before: Table, after: Table): ContentsChanges {
  const found = new ContentsChanges();
  for (const [name, paths] of before) found.add(lines([...paths].filter((path) => !after.get(name)?.has(path))), name, false); // prettier-ignore
  for (const [name, paths] of after) found.add(lines([...paths].filter((path) => !before.get(name)?.has(path))), name, true); // prettier-ignore
  return found;
}

const lines = (paths: readonly string[]) => paths.map((path) => `${path}\n`).join('');

/** What should be in it, by another way: as `sort` and hand would do it. */
function expected(table: Table): string {
  const byPath = new Map<string, string[]>();
  for (const [name, paths] of table) for (const path of paths) byPath.set(path, [...(byPath.get(path) ?? []), name]);
  return [...byPath]
    .toSorted(([a], [b]) => Buffer.compare(Buffer.from(a, 'latin1'), Buffer.from(b, 'latin1')))
    .map(([path, names]) => `${path}\t${names.toSorted().join(',')}\n`)
    .join('');
}

// Blocks begin at every 700th path or so: with some thousands of paths there are a few.
const everything = Array.from({ length: 4000 }, (_, number) => `usr/share/${(number * 7919) % 97}/é ${number}`.slice(0, 40)); // prettier-ignore
const paths = fc
  .tuple(fc.nat(everything.length), fc.constantFrom(0, 1, 1, 3, 40, 900))
  .map(([from, count]) => everything.slice(from, from + count).map((path) => Buffer.from(path).toString('latin1')));
const table: fc.Arbitrary<Table> = fc
  .array(fc.tuple(fc.constantFrom('admin/a', 'admin/ab', 'b', 'utils/c', 'x/y/z'), paths))
  .map((pairs) => new Map(pairs.map(([name, list]) => [name, new Set(list)])));
// Most of it stays, so that there are blocks to take over, and at times nothing does.
const all: Table = new Map([['z/all', new Set(everything.map((path) => Buffer.from(path).toString('latin1')))]]);
const step = fc.tuple(fc.constantFrom(true, true, true, false), table).map(([full, some]) => new Map([...(full ? all : []), ...some])); // prettier-ignore

test('changeContents gives the same file as writing it anew, through random histories', async () => {
  let changed = 0;
  let kept = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 8 }), async (history) => {
      let before: Table = new Map();
      let blocks: readonly GzipMember[] = [];
      for (const after of history) {
        const next = await changeContents(blocks, changes(before, after).sorted());
        const whole = await changeContents([], changes(new Map(), after).sorted());
        assert.equal(gunzipSync(bytesOf(whole)).toString('latin1'), expected(after));
        assert.ok(bytesOf(next).equals(bytesOf(whole)));
        for (const { sha256: digest, size } of [next, whole]) {
          assert.deepEqual([digest, size], [sha256(gunzipSync(bytesOf(whole))), expected(after).length]);
        }
        kept += next.members.filter((member) => blocks.includes(member)).length;
        changed++;
        [before, blocks] = [after, again(next)];
      }
    }),
    { numRuns: 20 },
  );
  assert.ok(changed > 20 && kept > 0);
});

test('changeContents takes blocks over as they are where no path has changed', async () => {
  const old: Table = new Map([['admin/a', new Set(everything.map((path) => Buffer.from(path).toString('latin1')))]]);
  const blocks = again(await changeContents([], changes(new Map(), old).sorted()));
  assert.ok(blocks.length > 3);
  const after: Table = new Map([...old, ['b', new Set(['usr/share/50/new'])]]);
  const next = await changeContents(blocks, changes(old, after).sorted());
  assert.equal(next.members.filter((member) => !blocks.includes(member)).length, 1);
  assert.equal(gunzipSync(bytesOf(next)).toString('latin1'), expected(after));
});

test('ContentsChanges sorts more than it holds at a time', () => {
  const found = new ContentsChanges();
  const names = Array.from({ length: 60 }, (_, number) => `utils/package-${number}`);
  for (const name of names) found.add(lines(everything), name, true);
  let count = 0;
  let last = '';
  for (const { path, name, listed } of found.sorted()) {
    const key = `${path}\t${name}`;
    assert.ok(listed && last < key);
    last = key;
    count++;
  }
  assert.equal(count, names.length * new Set(everything).size);
});
