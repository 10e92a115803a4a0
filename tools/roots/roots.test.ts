/** The comparison of roots sees what differs, and the documents explain what may. */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { mkdir, symlink, writeFile, link } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';

import { runChecked } from '../../src/plumbing/process.ts';
import type { Result } from './check-set.ts';
import { compareTrees, wantedContents, type Difference } from './compare.ts';
import { explain, explanations, formatRow } from './explanations.ts';
import { isGood, replaceTable } from './report.ts';
import { readContents, readTree, type TreeEntry } from './tree.ts';

const file = (changes: Partial<TreeEntry> = {}): TreeEntry => ({
  ...{ type: 'file', mode: 0o644, uid: 0, gid: 0, mtime: 1, target: '', content: 'a' },
  ...changes,
});
const side = (entries: Readonly<Record<string, TreeEntry>>, contents: Readonly<Record<string, string>> = {}) => ({
  tree: new Map(Object.entries(entries)),
  contents: new Map(Object.entries(contents).map(([path, text]) => [path, Buffer.from(text)])),
});
const words = (found: readonly Difference[]) =>
  found.map(({ path, aspect, here, there }) => `${path} ${aspect} ${here} ${there}`);

test('compareTrees finds every kind of difference, and none where there is none', () => {
  const here = {
    a: file(),
    b: file(),
    c: file(),
    d: file(),
    e: file(),
    f: file({ type: 'symlink', target: 'x' }),
    g: file(),
  };
  assert.deepEqual(compareTrees(side(here), side(here), new Set(Object.keys(here))), []);
  const there = {
    ...{ a: file({ mode: 0o4755 }), b: file({ uid: 7 }), c: file({ content: 'c' }), d: file({ mtime: 2 }) },
    ...{ e: file({ type: 'directory' }), f: file({ type: 'symlink', target: 'y', mode: 0o777 }), h: file() },
  };
  assert.deepEqual(words(compareTrees(side(here), side(there), new Set(['d']))), [
    'a mode 644 4755',
    'b owner 0:0 7:0',
    'c content a c',
    'd time 1 2',
    'e type file directory',
    'f target x y',
    'g only here file ',
    'h only there  file',
  ]);
  assert.deepEqual(compareTrees(side({ d: file() }), side({ d: file({ mtime: 2 }) }), new Set()), []);
});

test('compareTrees tells owners by their names, and another order from another content', () => {
  const entry = (uid: number, content: string) => ({ 'etc/passwd': file({ uid, content }) });
  const here = side(entry(100, 'x'), { 'etc/passwd': 'a:x:0:0::/:\nm:x:100:100::/:\n' });
  const there = side(entry(101, 'y'), { 'etc/passwd': 'm:x:101:101::/:\na:x:0:0::/:\n' });
  assert.deepEqual(words(compareTrees(here, there, new Set())), [
    'etc/passwd number 100:0 101:0',
    'etc/passwd order x y',
  ]);
  const other = side(entry(101, 'y'), { 'etc/passwd': 'm:x:101:101::/home:\na:x:0:0::/:\n' });
  assert.deepEqual(words(compareTrees(here, other, new Set())).at(-1), 'etc/passwd content x y');
  const preset = 'Name: man-db/auto-update\nValue: false';
  const debconf = (text: string, content: string) =>
    side({ 'var/cache/debconf/config.dat': file({ content }) }, { 'var/cache/debconf/config.dat': text });
  const differ = (a: string, b: string) =>
    compareTrees(debconf(a, '1'), debconf(b, '2'), new Set()).map(({ aspect }) => aspect);
  assert.deepEqual(differ(`Name: a\n\n${preset}\n\nName: b`, 'Name: a\n\nName: b'), ['order']);
  assert.deepEqual(differ(`Name: a\n\n${preset}\n\nName: b`, 'Name: a\n\nName: c'), ['content']);
});

test('readTree gives what lies in an archive of tar, also two names of one file', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'sheaf-roots-test-'));
  try {
    await mkdir(join(directory, 'tree/d'), { recursive: true });
    await writeFile(join(directory, 'tree/d/file'), 'content');
    await link(join(directory, 'tree/d/file'), join(directory, 'tree/d/other'));
    await symlink('file', join(directory, 'tree/d/link'));
    const archive = join(directory, 'tree.tar');
    await runChecked([
      'tar',
      '--create',
      '--sort=name',
      '--file',
      archive,
      '--directory',
      join(directory, 'tree'),
      '.',
    ]);
    const tree = await readTree(archive);
    assert.deepEqual([...tree.keys()], ['', 'd', 'd/file', 'd/link', 'd/other']);
    assert.deepEqual(tree.get('d/other'), tree.get('d/file'));
    assert.equal(tree.get('d/link')!.target, 'file');
    const contents = await readContents(archive, new Set([...wantedContents(tree, new Map()), 'd/other']));
    assert.equal(contents.get('d/file')?.toString(), undefined);
    assert.equal((await readContents(archive, new Set(['d/file', 'd/other']))).get('d/other')!.toString(), 'content');
  } finally {
    rmSync(directory, { recursive: true });
  }
});

test('docs/roots-are-reproducible.md has every explained difference, and no other', () => {
  const document = readFileSync(join(import.meta.dirname, '../../docs/roots-are-reproducible.md'), 'utf8');
  const section = document.slice(document.indexOf('\n## What differs from mmdebstrap'));
  const rows = [...section.slice(0, section.indexOf('\n## ', 1)).matchAll(/^\| .*$/gm)].map(([row]) => row);
  assert.deepEqual(rows.slice(1), explanations.map(formatRow));
  const difference: Difference = { path: 'usr/bin/ls', aspect: 'content', here: 'a', there: 'b' };
  assert.equal(explain(difference), undefined);
  assert.ok(explain({ ...difference, path: 'etc/hostname' }) !== undefined);
});

test('a run is good only when roots were the same twice and every difference is explained', () => {
  const result: Result = {
    ...{ suite: 'trixie', set: 'minbase', date: '2026-11-21', packages: 78, files: 5434, again: [] },
    sha256: ['a', 'a'],
    peer: [{ path: 'etc/hostname', aspect: 'content', here: '', there: '' }],
  };
  assert.deepEqual([isGood([]), isGood([result])], [false, true]);
  assert.equal(isGood([result, { ...result, sha256: ['a', 'b'] }]), false);
  assert.equal(isGood([{ ...result, peer: [{ path: 'bin', aspect: 'target', here: '', there: '' }] }]), false);
});

test('replaceTable replaces the table of its section and nothing else', () => {
  const text = '| a |\n\n## Checked\n\nWords.\n\n| old |\n|---|\n\n## Next\n\n| b |\n';
  assert.equal(replaceTable(text, ['| new |']), '| a |\n\n## Checked\n\nWords.\n\n| new |\n\n## Next\n\n| b |\n');
});
