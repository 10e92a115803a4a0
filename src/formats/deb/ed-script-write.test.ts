import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

import fc from 'fast-check';

import { applyEdScript } from './ed-script.ts';
import { formatEdScript } from './ed-script-write.ts';
import { lineChanges } from './line-changes.ts';
import { missing, run, temporaryDirectory } from './testdata/oracle.ts';

const rred = '/usr/lib/apt/methods/rred';
const script = (old: string, now: string) => formatEdScript(lineChanges(Buffer.from(old), Buffer.from(now)));
const text = (old: string, now: string) => {
  const made = script(old, now);
  return made && Buffer.from(made).toString();
};

test('formatEdScript writes what diff --ed writes', () => {
  assert.equal(text('1\n2\n3\n4\n', 'first\n1\nx\ny\n'), '2,4c\nx\ny\n.\n0a\nfirst\n.\n');
  assert.equal(text('1\n2\n3\n', '1\n3\n'), '2d\n');
  assert.equal(text('1\n2\n3\n4\n', '1\n'), '2,4d\n');
  assert.equal(text('1\n2\n', '1\n2\n3\n'), '2a\n3\n.\n');
  assert.equal(text('', 'one\n'), '0a\none\n.\n');
  assert.equal(text('one\n', ''), '1d\n');
  assert.equal(text('one\n', 'one\n'), '');
});

test('formatEdScript says when a line cannot stand in a script', () => {
  assert.equal(text('1\n', '1\n.\n'), undefined);
  assert.equal(text('1\n', '.\n1\n'), undefined);
  assert.equal(text('1\n', '1\n\0\n'), undefined);
  assert.equal(text('1\n', '1\n2'), undefined);
  assert.equal(text('1\n', `1\n${'x'.repeat(600_000)}\n`), undefined);
  // Those stand there already, or look only like one.
  assert.equal(text('.\n1\n', '.\n2\n'), '2c\n2\n.\n');
  assert.equal(text('1\n', '..\n .\n'), '1c\n..\n .\n.\n');
});

// Few different lines, so that they come again and again.
const line = fc.constantFrom('', 'a', 'b', 'c', '..', '. ', ' .', '1d', 's/.//', 'Version: 1', 'ä€');
const lines = fc.array(line, { maxLength: 14 }).map((all) => all.map((each) => `${each}\n`).join(''));

test(
  'a script of formatEdScript leads apt, ed and patch from the old text to the new one',
  { skip: missing('ed', 'patch') },
  () => {
    using directory = temporaryDirectory();
    const at = (name: string) => join(directory.path, name);
    const counts = { texts: 0 };
    fc.assert(
      fc.property(lines, lines, (old, now) => {
        const made = script(old, now)!;
        assert.equal(Buffer.from(applyEdScript(Buffer.from(old), made, { bytes: 2 ** 20 })).toString(), now);
        writeFileSync(at('old'), old);
        writeFileSync(at('script'), made);
        run(rred, ['-t', at('old'), at('by-rred'), at('script')]);
        assert.equal(readFileSync(at('by-rred'), 'utf8'), now, 'rred');
        run('patch', ['--quiet', '--ed', '-o', at('by-patch'), at('old'), at('script')]);
        // patch makes nothing of a script of nothing.
        if (made.length > 0) assert.equal(readFileSync(at('by-patch'), 'utf8'), now, 'patch');
        run('ed', ['--quiet', '--restricted', 'old'], { cwd: directory.path, input: Buffer.concat([made, Buffer.from('w by-ed\nQ\n')]) }); // prettier-ignore
        assert.equal(readFileSync(at('by-ed'), 'utf8'), now, 'ed');
        counts.texts++;
      }),
      { numRuns: 60 },
    );
    assert.equal(counts.texts, 60);
  },
);

test('apt joins scripts of formatEdScript that follow each other', { skip: missing('ed') }, () => {
  using directory = temporaryDirectory();
  const at = (name: string) => join(directory.path, name);
  fc.assert(
    fc.property(fc.array(lines, { minLength: 3, maxLength: 6 }), (versions) => {
      const [first, ...others] = versions as [string, ...string[]];
      writeFileSync(at('old'), first);
      const names = others.map((version, number) => {
        writeFileSync(at(`script${number}`), script(versions[number]!, version)!);
        return at(`script${number}`);
      });
      run(rred, ['-t', at('old'), at('now'), ...names]);
      assert.equal(readFileSync(at('now'), 'utf8'), versions.at(-1));
    }),
    { numRuns: 60 },
  );
});

test('lineChanges divided at lines that come once lead to the same text', () => {
  const some = fc.array(
    fc.integer({ min: 0, max: 20 }).map((each) => `${each}\n`),
    { maxLength: 30 },
  );
  fc.assert(
    fc.property(some, some, fc.integer({ min: 0, max: 50 }), (old, now, most) => {
      const changes = lineChanges(Buffer.from(old.join('')), Buffer.from(now.join('')), most);
      const lines = [...old];
      for (const { line, removed, added } of changes.toReversed()) {
        lines.splice(line, removed, Buffer.from(added).toString());
      }
      assert.equal(lines.join(''), now.join(''));
      // Between two of them a line stays.
      for (const [at, { line, removed }] of changes.entries()) {
        assert.ok(line + removed < (changes[at + 1]?.line ?? Infinity));
      }
    }),
  );
});

test('lineChanges of long texts lie between the lines that both have once', () => {
  const page = (mark: string, top = '') =>
    top +
    Array.from(
      { length: 3000 },
      (_, at) => `${at % 10 === 0 ? `.SH ${mark}${at}${mark}` : at % 3 === 0 ? '.PP' : at}\n`,
    ).join('');
  const [old, now] = [page('"'), page('', '-*- troff -*-\n')];
  const changes = lineChanges(Buffer.from(old), Buffer.from(now));
  assert.equal(changes.length, 300);
  assert.ok(changes.every(({ removed }) => removed === 1));
  const made = formatEdScript(changes)!;
  assert.equal(Buffer.from(applyEdScript(Buffer.from(old), made, { bytes: 2 ** 20 })).toString(), now);
});

test('lineChanges of long texts are right, though not the fewest', () => {
  const many = (seed: number) => Array.from({ length: 2000 }, (_, at) => `${(at * seed) % 499}\n`).join('');
  const [old, now] = [`same\n${many(7)}end\n`, `same\n${many(11)}end\n`];
  const changes = lineChanges(Buffer.from(old), Buffer.from(now));
  assert.equal(changes.length, 1);
  const made = formatEdScript(changes)!;
  assert.equal(Buffer.from(applyEdScript(Buffer.from(old), made, { bytes: 2 ** 20 })).toString(), now);
});
