import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';

import { parseQuiltPatch, parseSeries } from './quilt-patch.ts';

const directory = mkdtempSync(join(tmpdir(), 'sheaf-patch-'));
after(() => rmSync(directory, { recursive: true }));

const git = `From 5cc003b96 Mon Sep 17 00:00:00 2001
From: A Person <a@example.org>
Date: Fri, 13 Mar 2026 17:41:33 +0100
Subject: [PATCH] a change

---
 include/a.h | 1 +
 1 file changed, 1 insertion(+)

diff --git a/include/a.h b/include/a.h
index 1..2 100644
--- a/include/a.h
+++ b/include/a.h
@@ -1,2 +1,3 @@ struct x
 one
--- two
+-- two
+three
@@ -10 +11 @@
-ten
+TEN
\\ No newline at end of file
--- a/src/b.c\t2026-01-01
+++ b/src/b.c\t2026-01-02
@@ -0,0 +1,2 @@
+x

-- 
2.47.3

`;

test('parseQuiltPatch gives the date and the hunks of each file, whatever comes before and after', () => {
  const { date, files } = parseQuiltPatch(git);
  assert.equal(date?.toISOString(), '2026-03-13T16:41:33.000Z');
  assert.deepEqual(
    files.map(({ path }) => path),
    ['include/a.h', 'src/b.c'],
  );
  assert.match(files[0]!.hunks, /^@@ -1,2 \+1,3 @@ struct x\n[^]*\n\+TEN\n\\ No newline at end of file\n$/);
  assert.equal(files[1]!.hunks, '@@ -0,0 +1,2 @@\n+x\n\n');
});

test('parseQuiltPatch reads the dates of DEP-3, and knows none where none is said', () => {
  const dated = (line: string) => parseQuiltPatch(`Description: x\n${line}\n\n--- a/b\n+++ b/b\n@@ -1 +1 @@\n-a\n+b\n`);
  assert.equal(dated('Last-Update: 2024-03-01').date?.toISOString(), '2024-03-01T00:00:00.000Z');
  assert.equal(dated('Date: Tue Feb 13 13:52:28 2024 +0100').date?.toISOString(), '2024-02-13T12:52:28.000Z');
  assert.equal(dated('Last-Update: soon').date, undefined);
  assert.equal(dated('Author: x').date, undefined);
  assert.equal(dated('Author: x').files.length, 1);
  assert.deepEqual(parseQuiltPatch('no patch'), { date: undefined, files: [] });
});

test('parseSeries leaves out comments and options', () => {
  assert.deepEqual(parseSeries('# first\na.patch\n\nsub/b.diff -p1 # why\n#c.patch\n'), ['a.patch', 'sub/b.diff']);
});

test('what parseQuiltPatch gives of one file, patch(1) applies and takes back', () => {
  const texts = Array.from({ length: 40 }, (_, index) => `line ${index}\n`);
  mkdirSync(join(directory, 'a'));
  mkdirSync(join(directory, 'b'));
  for (const name of ['one.h', 'two.h']) {
    writeFileSync(join(directory, 'a', name), texts.join(''));
    const changed = texts.toSpliced(30, 2, '-- new\n').toSpliced(3, 0, `${name}\n`, '\n');
    writeFileSync(join(directory, 'b', name), changed.join('').trimEnd());
  }
  let diff = '';
  try {
    execFileSync('diff', ['-ruN', 'a', 'b'], { cwd: directory });
  } catch (error) {
    diff = String((error as { stdout: Buffer }).stdout);
  }
  const { files } = parseQuiltPatch(diff);
  assert.equal(files.length, 2);
  const expected = readFileSync(join(directory, 'a/two.h'), 'utf8');
  const input = `--- b/two.h\n+++ b/two.h\n${files[1]!.hunks}`;
  execFileSync('patch', ['--reverse', '--force', '--strip=0', '--quiet'], { cwd: directory, input });
  assert.equal(readFileSync(join(directory, 'b/two.h'), 'utf8'), expected);
});
