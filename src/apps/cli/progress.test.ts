import assert from 'node:assert/strict';
import { test } from 'node:test';
import { stripVTControlCharacters } from 'node:util';

import { formatProgress, startProgress } from './progress.ts';

/** A stream that remembers; `columns` makes it a terminal. */
function recorder(columns?: number) {
  let text = '';
  const stream = {
    isTTY: columns !== undefined,
    columns,
    write: (chunk: string) => {
      text += chunk;
      return true;
    },
  } as unknown as NodeJS.WriteStream;
  return { stream, text: () => text };
}

test('startProgress prints each new thing once where there is no terminal', () => {
  const { stream, text } = recorder();
  const progress = startProgress({ json: false, stream });
  for (let done = 0; done <= 100; done += 1) progress.at('one', done, 100);
  progress.line('a line\u001b[2J');
  progress.at('two');
  progress.end();
  assert.equal(text(), 'one\na line [2J\ntwo\n');
});

test('startProgress says nothing to programs', () => {
  const { stream, text } = recorder();
  const progress = startProgress({ json: true, stream });
  progress.at('one', 1, 2);
  progress.line('two');
  progress.end();
  assert.equal(text(), '');
});

test('startProgress draws one line again and again on a terminal, and leaves it clean', () => {
  const { stream, text } = recorder(60);
  const progress = startProgress({ json: true, stream });
  for (let done = 0; done <= 1000; done += 1) progress.at('one', done, 1000);
  progress.end();
  const drawings = text().split('\r').slice(1);
  assert.ok(drawings.length >= 3 && drawings.length < 500, String(drawings.length));
  assert.match(drawings.at(-2)!, /100% {2}1000 of 1000/);
  assert.equal(drawings.at(-1), '\u001b[K');
  assert.ok(!text().includes('\n'));
});

test('formatProgress fits into any width', () => {
  const text = 'debian/trixie: main/binary-amd64/Packages.xz of 2026-09-12T07:55:41Z';
  for (let width = 10; width < 200; width += 1) {
    for (const total of [undefined, 0, 12_345_678]) {
      const line = stripVTControlCharacters(formatProgress(text, { done: 1_234_567, total, unit: 'bytes', width }));
      assert.ok(line.length < width, `${width}: ${line}`);
    }
  }
  const wide = formatProgress(text, { done: 50, total: 100, unit: 'count', width: 200 });
  assert.equal(stripVTControlCharacters(wide), `${text}  ${'━'.repeat(12)}${'╌'.repeat(12)}  50%  50 of 100`);
});
