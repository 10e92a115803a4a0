import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';

import fc from 'fast-check';

import { applyEdScript } from './ed-script.ts';
import { missing, run, temporaryDirectory } from './testdata/oracle.ts';

const limits = { bytes: 2 ** 20 };
const apply = (text: string, script: string) =>
  Buffer.from(applyEdScript(Buffer.from(text), Buffer.from(script), limits, 'patch')).toString();

/** `diff` ends with 1 when there is a difference. */
function diff(directory: string, before: string, after: string): Buffer {
  writeFileSync(join(directory, 'old'), before);
  writeFileSync(join(directory, 'new'), after);
  const { stdout, status } = spawnSync('diff', ['--text', '--ed', 'old', 'new'], { cwd: directory });
  assert.ok(status === 0 || status === 1);
  return stdout;
}

test('applyEdScript applies a, c and d', () => {
  assert.equal(apply('1\n2\n3\n4\n', '4d\n2,3c\nx\ny\n.\n0a\nfirst\n.\n'), 'first\n1\nx\ny\n');
  assert.equal(apply('', '0a\none\n.\n'), 'one\n');
  assert.equal(apply('1\n2', '2a\n3\n.\n'), '1\n2\n3\n');
  assert.equal(apply('1\n', '1d\n'), '');
  assert.equal(apply('1\n2\n', ''), '1\n2\n');
  // Both texts are put behind line 1: the later one comes to stand first.
  assert.equal(apply('1\n', '1a\nb\n.\n1a\na\n.\n1c\nz\n.\n'), 'z\na\nb\n');
});

test('applyEdScript understands how diff writes a line of a lone dot', () => {
  assert.equal(apply('1\n2\n', '2c\n..\n.\ns/.//\na\nb\n..\n.\ns/.//\na\n...\n.\n'), '1\n.\nb\n.\n...\n');
  assert.equal(apply('1\n', '1a\n..\n.\ns/.//\n'), '1\n.\n');
});

for (const [what, script, line] of [
  ['a command it does not know', '1d\nw\n', 2],
  ['a command for the shell', '!touch x\n', 1],
  ['an address that is no number', '$d\n', 1],
  ['a range that goes backwards', '3,2d\n', 1],
  ['line 0 deleted', '0d\n', 1],
  ['a range to append to', '1,2a\nx\n.\n', 1],
  ['an absurd number', '99999999999999999999d\n', 1],
  ['a line that is not there', '2a\nx\n.\n4d\n', 4],
  ['a line behind the end', '4d\n', 1],
  ['text behind the end', '4a\nx\n.\n', 1],
  ['commands that go down the text', '1d\n3d\n', 2],
  ['ranges that touch', '2,3d\n1,2d\n', 2],
  ['a text without an end', '1a\nx\n', 3],
  ['a command without an end', '1d', 1],
  ['s/.// of another line', '1a\nx\n.\ns/.//\n', 4],
  ['s/.// of nothing', '1a\n.\ns/.//\n', 3],
  ['s/.// of three dots', '1a\n...\n.\ns/.//\n', 4],
  ['CR LF', '1d\r\n', 1],
] as const) {
  test(`applyEdScript refuses ${what}`, () => {
    assert.throws(() => apply('1\n2\n3\n', script), { code: 'bad-ed-script', place: { file: 'patch', line } });
  });
}

test('applyEdScript refuses a result beyond its limit', () => {
  const script = Buffer.from(`0a\n${'x'.repeat(100)}\n.\n`);
  assert.equal(applyEdScript(Buffer.from('1\n'), script, { bytes: 103 }).length, 103);
  assert.throws(() => applyEdScript(Buffer.from('1\n'), script, { bytes: 102 }), { code: 'over-limit' });
});

test('applyEdScript refuses very many commands', () => {
  const script = Buffer.from('0a\n.\n'.repeat(500_001));
  assert.throws(() => applyEdScript(new Uint8Array(), script, limits), { code: 'bad-ed-script' });
});

/** Few different lines, so that texts have something in common; and those that ed itself looks at. */
const lines = fc.array(fc.constantFrom('.', '..', 'a', 'b', '', 's/.//', '1d', 'ü \0', '...'), { maxLength: 12 });
const text = lines.map((each) => each.map((line) => `${line}\n`).join(''));

test('applyEdScript makes the new text of the old one and of what diff says', { skip: missing('diff') }, () => {
  using directory = temporaryDirectory();
  fc.assert(
    fc.property(text, text, (before, after) => {
      assert.equal(apply(before, diff(directory.path, before, after).toString()), after);
    }),
    { numRuns: 300 },
  );
});

test('applyEdScript does to any text what ed does', { skip: missing('diff', 'ed') }, () => {
  using directory = temporaryDirectory();
  const file = join(directory.path, 'file');
  fc.assert(
    fc.property(text, text, text, (before, after, other) => {
      const script = diff(directory.path, before, after).toString();
      writeFileSync(file, other);
      const { status } = spawnSync('ed', ['-s', file], { input: `${script}w\nq\n` });
      // Where ed refuses an address, so do we; it says so with a question mark and goes on.
      if (status !== 0) assert.throws(() => apply(other, script), { code: 'bad-ed-script' });
      else assert.equal(apply(other, script), readFileSync(file, 'utf8'));
    }),
    { numRuns: 150 },
  );
});

test('applyEdScript only ever refuses with its own errors, whatever the script', () => {
  const commands = fc.array(
    fc.constantFrom('1a', '2c', '1,2d', '3d', '0a', '.', 's/.//', 'a', 'x', '..', '9,1c', '', '5,5c', '2d'),
    { maxLength: 10 },
  );
  fc.assert(
    fc.property(commands, fc.boolean(), (script, whole) => {
      try {
        apply('1\n2\n3\n4\n5\n', script.join('\n') + (whole ? '\n' : ''));
      } catch (error) {
        assert.equal((error as { code: string }).code, 'bad-ed-script');
      }
    }),
    { numRuns: 2000 },
  );
});

test('applyEdScript does what patch does with a script of an index', { skip: missing('diff', 'patch') }, () => {
  using directory = temporaryDirectory();
  const stanza = (name: number, version: number) =>
    `Package: p${name}\nVersion: ${version}\nDescription: x\n .\n ..\n .\n\n`;
  const before = Array.from({ length: 500 }, (_, i) => stanza(i, 1)).join('');
  const after = Array.from({ length: 500 }, (_, i) => (i % 7 === 0 ? '' : stanza(i, i % 5 === 0 ? 2 : 1))).join('');
  const script = diff(directory.path, before, after);
  writeFileSync(join(directory.path, 'script'), script);
  run('patch', ['--ed', 'old', 'script'], { cwd: directory.path });
  assert.equal(readFileSync(join(directory.path, 'old'), 'utf8'), after);
  assert.equal(apply(before, script.toString()), after);
});
