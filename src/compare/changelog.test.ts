import assert from 'node:assert/strict';
import { test } from 'node:test';

import { changesBetween } from './mod.ts';

const entryOf = (version: string, change = 'A change.') =>
  `hello (${version}) unstable; urgency=medium\n\n  * ${change}\n\n -- A <a@example.org>  Thu, 01 Jan 2026 00:00:00 +0000\n`;
const text = ['2.12-1', '2.10-4', '2.10-3', '2.10-2'].map((version) => entryOf(version)).join('\n');
const versions = (result: ReturnType<typeof changesBetween>) => result.entries.map(({ version }) => version);

test('changesBetween gives the entries after one version until another, as written', () => {
  const found = changesBetween(text, '2.10-3', '2.12-1');
  assert.deepEqual(versions(found), ['2.12-1', '2.10-4']);
  assert.equal(found.entries[1]?.text, entryOf('2.10-4').trimEnd());
  assert.deepEqual(versions(changesBetween(text, '2.10-2', '2.10-3')), ['2.10-3']);
  assert.deepEqual(versions(changesBetween(text, undefined, '2.10-3')), ['2.10-3', '2.10-2']);
  assert.deepEqual(versions(changesBetween(text, '3', '4')), []);
});

test('changesBetween reads over what stands before the first entry and inside of odd ones', () => {
  const odd = `Old notes\n\n${entryOf('1-2').replace('  * A', 'Not indented\n  * A')}\nLocal variables:\nmode: debian-changelog\n`;
  assert.deepEqual(versions(changesBetween(odd, '1-1', '1-2')), ['1-2']);
});

test('changesBetween says that it left entries out', () => {
  const many = Array.from({ length: 300 }, (_, index) => entryOf(`${1000 - index}`)).join('\n');
  const { entries, isCut } = changesBetween(many, '1', '1000');
  assert.deepEqual([entries.length, isCut], [200, true]);
  const large = entryOf('2', 'x'.repeat(300_000)) + entryOf('1');
  assert.deepEqual(changesBetween(large, '0', '2'), { entries: [], isCut: true });
});
