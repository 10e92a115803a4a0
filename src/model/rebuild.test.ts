import assert from 'node:assert/strict';
import { test } from 'node:test';

import { rebuildResult } from '../../test/rebuilds.ts';
import { parseRebuildResult, worstVerdict } from './rebuild.ts';

const good = rebuildResult();
const other = 'f'.repeat(64);

test('parseRebuildResult reads what JSON.stringify writes, and drops what it does not know', () => {
  assert.deepEqual(parseRebuildResult(JSON.stringify({ ...good, unknown: 1 })), good);
  const failed = rebuildResult({ verdict: 'failed', reason: 'the disk is full' });
  assert.deepEqual(parseRebuildResult(JSON.stringify(failed)), failed);
});

const [file] = good.files;
for (const [why, change, message] of [
  ['no source', { source: undefined }, /"source" is not a package name/],
  ['a mode nobody knows', { mode: 'fast' }, /"mode" is not one of exact, idempotent/],
  ['a place that is a path', { place: '../etc' }, /"place" is not/],
  ['a file that is a path', { files: [{ ...file, file: '../x.deb' }] }, /"files\[0\].file" is not the name of a file/],
  ['a size that is no number', { files: [{ ...file, original: { sha256: other, size: '1' } }] }, /original\.size/],
  [
    'equal bytes called different',
    { verdict: 'differs', files: [{ ...file, verdict: 'differs' }] },
    /not what its hashes/,
  ],
  [
    'different bytes called equal',
    { files: [{ ...file, rebuilt: { sha256: other, size: 1 } }] },
    /the verdict "reproduced" of .* is not what its hashes say/,
  ],
  [
    'a verdict better than its files',
    { ...rebuildResult({ verdict: 'differs' }), verdict: 'reproduced' },
    /of its files/,
  ],
  ['a file twice', { files: [file, file] }, /names a file twice/],
  ['an end before its beginning', { finishedOn: '2020-01-01T00:00:00Z' }, /ended before it began/],
  ['a time of a zone', { finishedOn: '2026-01-01T00:00:00+01:00' }, /"finishedOn" is not a time/],
  ['endless causes', { causes: Array.from({ length: 201 }, () => ({})) }, /"causes" is not a list of at most 200/],
  ['an endless reason', { reason: 'x'.repeat(4001) }, /"reason" is not text of at most/],
  ['a hash in capitals', { log: 'A'.repeat(64) }, /"log" is not a SHA-256/],
  ['conditions that are no text', { conditions: { date: 1 } }, /"conditions.date" is not text/],
] as const) {
  test(`parseRebuildResult refuses ${why}`, () => {
    const text = JSON.stringify({ ...good, ...change });
    assert.throws(() => parseRebuildResult(text, 'r.json'), {
      code: 'bad-rebuild',
      message,
      place: { file: 'r.json' },
    });
  });
}

test('parseRebuildResult refuses what is not an object in JSON', () => {
  for (const text of ['', '[]', 'null', '{', '"x"']) {
    assert.throws(() => parseRebuildResult(text), { code: 'bad-rebuild' }, text);
  }
});

test('worstVerdict orders failed, unknown, differs, reproduced', () => {
  assert.equal(worstVerdict(['reproduced', 'differs']), 'differs');
  assert.equal(worstVerdict(['unknown', 'differs']), 'unknown');
  assert.equal(worstVerdict(['unknown', 'failed']), 'failed');
  assert.equal(worstVerdict(['reproduced']), 'reproduced');
  assert.equal(worstVerdict([]), 'unknown');
});
