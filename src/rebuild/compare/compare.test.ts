import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';

import { arOf, debOf, someControl, tarEntry, tarOf } from '../../formats/deb/testdata/archive.ts';
import { decompressStream } from '../../plumbing/decompress.ts';
import { compareDebs, formatComparison } from './mod.ts';
import { compareLimits, type CompareLimits } from './ports.ts';
import type { ContentDetail, DebDifference } from './types.ts';

async function compare(left: Uint8Array, right: Uint8Array, limits: Partial<CompareLimits> = {}) {
  const input = (name: string, bytes: Uint8Array) => ({
    name,
    async *open(from: number, to: number) {
      const range = bytes.subarray(from, to);
      for (let at = 0; at < range.length; at += 1000) yield range.subarray(at, at + 1000);
    },
  });
  const deps = { decompress: decompressStream, limits: { ...compareLimits, ...limits } };
  return compareDebs(input('left.deb', left), input('right.deb', right), deps);
}

async function differencesOf(left: Uint8Array, right: Uint8Array): Promise<readonly DebDifference[]> {
  const { differences, equal, omitted } = await compare(left, right);
  assert.equal(equal, false);
  assert.equal(omitted, 0);
  return differences;
}

/** What the only file in which two packages differ differs in. */
async function detailsOf(
  left: Uint8Array | string,
  right: Uint8Array | string,
  name = 'a',
): Promise<readonly ContentDetail[]> {
  const [found, ...more] = await differencesOf(debOf([tarEntry(name, left)]), debOf([tarEntry(name, right)]));
  assert.ok(found?.kind === 'content');
  assert.deepEqual(more, []);
  return found.details;
}

const file = tarEntry('./usr/a', 'hello\n');
const xz = (bytes: Uint8Array, ...options: string[]) => execFileSync('xz', ['-c', ...options], { input: bytes });

test('compareDebs finds the same bytes equal', async () => {
  const { equal, differences, left } = await compare(debOf([file]), debOf([file]));
  assert.deepEqual({ equal, differences }, { equal: true, differences: [] });
  assert.match(left.sha256, /^[0-9a-f]{64}$/);
});

test('compareDebs tells another compression of the same archive', async () => {
  const left = debOf([file], { dataName: 'data.tar.xz', pack: (bytes) => xz(bytes, '-9') });
  const right = debOf([file], { dataName: 'data.tar.gz', pack: (bytes) => gzipSync(bytes) });
  const [found, ...more] = await differencesOf(left, right);
  assert.deepEqual(more, []);
  assert.ok(found?.kind === 'compression');
  assert.deepEqual([found.part, found.left.method, found.right.method], ['data', 'xz', 'gzip']);
});

test('compareDebs tells another form of the same entries', async () => {
  const padded = Buffer.concat([tarOf(file), Buffer.alloc(10240)]);
  const left = debOf([file]);
  const right = debOf([], { pack: () => padded });
  assert.deepEqual(await differencesOf(left, right), [{ kind: 'archive-form', part: 'data' }]);
});

test('compareDebs tells the members of the outer archive', async () => {
  const control = ['control.tar', tarOf(tarEntry('./control', someControl))] as const;
  const members = (...more: [string, string][]) =>
    arOf([['debian-binary', '2.0\n'], control, ...more, ['data.tar', tarOf(file)]]);
  assert.deepEqual(await differencesOf(members(), members(['_gpgbuilder', 'x'])), [
    {
      kind: 'members',
      left: ['debian-binary', 'control.tar', 'data.tar'],
      right: ['debian-binary', 'control.tar', '_gpgbuilder', 'data.tar'],
    },
  ]);
});

test('compareDebs tells fields, and relations by package', async () => {
  const control = (depends: string, more = '') => ({ control: `${someControl}Depends: ${depends}\n${more}` });
  const left = debOf([file], control('libc6 (>= 2.36), a | b, c'));
  const right = debOf([file], control('libc6 (>= 2.41), a | b (>= 1), d', 'Homepage: http://x\nTags: y,\n z\n'));
  assert.deepEqual(await differencesOf(left, right), [
    { kind: 'relation', field: 'Depends', package: 'libc6', left: 'libc6 (>= 2.36)', right: 'libc6 (>= 2.41)' },
    { kind: 'relation', field: 'Depends', package: 'a | b', left: 'a | b', right: 'a | b (>= 1)' },
    { kind: 'relation', field: 'Depends', package: 'c', left: 'c' },
    { kind: 'relation', field: 'Depends', package: 'd', right: 'd' },
    { kind: 'field', field: 'Homepage', right: 'http://x' },
    { kind: 'field', field: 'Tags', right: 'y, z' },
  ]);
});

test('compareDebs tells entries that only one has, and the order of the others', async () => {
  const entry = (name: string) => tarEntry(name, name);
  const left = debOf(['a', 'b', 'c', 'd'].map(entry));
  const right = debOf(['d', 'b', 'a', 'e'].map(entry));
  assert.deepEqual(await differencesOf(left, right), [
    { part: 'data', path: 'c', kind: 'only', side: 'left', type: 'file', size: 1 },
    { part: 'data', path: 'e', kind: 'only', side: 'right', type: 'file', size: 1 },
    { kind: 'order', part: 'data', path: 'a' },
  ]);
});

test('compareDebs finds contents that lie far apart, though they cannot be held', async () => {
  const entries = (last: string) => [tarEntry('a', 'same'), tarEntry('b', last), tarEntry('c')];
  const { differences } = await compare(debOf(entries('one')), debOf(entries('two').reverse()), { waiting: 0 });
  const [content, order] = differences;
  assert.ok(content?.kind === 'content' && content.path === 'b');
  assert.deepEqual(content.details, []);
  assert.deepEqual([differences.length, order?.kind], [2, 'order']);
});

test('compareDebs tells lines of texts, and when only their order differs', async () => {
  assert.deepEqual(await detailsOf('a\nb\nc\nd\n', 'a\nB\nx\nc\nd\ne\n'), [
    { kind: 'lines', line: { left: 2, right: 2 }, removed: 1, added: 2, left: ['b'], right: ['B', 'x'] },
    { kind: 'lines', line: { left: 5, right: 6 }, removed: 0, added: 1, left: [], right: ['e'] },
  ]);
  assert.deepEqual(await detailsOf('a\nb\nc\n', 'b\na\nc\n'), [{ kind: 'order', of: 'lines', sorted: 'left' }]);
});

test('compareDebs tells the header of gzip from its content', async () => {
  const at = (seconds: number, text: string) => {
    const bytes = gzipSync(text);
    bytes.writeUInt32LE(seconds, 4);
    return bytes;
  };
  assert.deepEqual(await detailsOf(at(0, 'x'), at(86400, 'x')), [
    { kind: 'header', field: 'time', right: '1970-01-02T00:00:00Z' },
  ]);
  const [part] = await detailsOf(at(1, 'x\n'), at(1, 'y\n'), 'usr/changelog.gz');
  assert.deepEqual(part, {
    kind: 'part',
    name: 'changelog',
    details: [{ kind: 'lines', line: { left: 1, right: 1 }, removed: 1, added: 1, left: ['x'], right: ['y'] }],
  });
});

test('compareDebs tells where bytes begin to differ, and the texts among them', async () => {
  const bytes = (text: string) => Buffer.from(`\0\x01\x02${text}\0`);
  assert.deepEqual(await detailsOf(bytes('built 2022'), bytes('built 2026')), [
    { kind: 'bytes', offset: 12, left: '3200', right: '3600' },
    { kind: 'strings', left: ['built 2022'], right: ['built 2026'] },
  ]);
});

test('compareDebs lists no more than asked for, the weightier kinds first', async () => {
  const many = (mode: string) =>
    Array.from({ length: 50 }, (_, index) => tarEntry(`f${String(index).padStart(2, '0')}`, mode));
  const left = [tarEntry('e', '', { type: '2', link: 'x' }), ...many('one')];
  const right = [tarEntry('e', '', { type: '2', link: 'y' }), ...many('two'), tarEntry('new')];
  const { differences, omitted } = await compare(debOf(left), debOf(right), { differences: 4 });
  assert.deepEqual([differences.map(({ kind }) => kind), omitted], [['only', 'link', 'content', 'content'], 48]);
});

test('formatComparison shows nothing of a package that a terminal would obey', async () => {
  const evil = '\u001b]0;x\u0007\u202e';
  const control = (text: string) => ({ control: `${someControl}X-Note: ${text}\n` });
  const left = debOf([tarEntry(`p${evil}`, `a${evil}\n`)], control('a'));
  const right = debOf([tarEntry(`p${evil}`, `b${evil}\n`)], control(`b\u202e`));
  const text = formatComparison(await compare(left, right));
  assert.doesNotMatch(text, /[\u0000-\u0009\u000b-\u001f\u202e]/);
  assert.match(text, /\n {4}- a/);
});
