import assert from 'node:assert/strict';
import { test } from 'node:test';

import { formatFields, formatTable, text, wrap } from './table.ts';

const rows = [
  { name: 'hello', why: 'Waits for a free worker for arm64 in pool default.' },
  { name: 'netbase\u001b[31m', why: undefined },
];
const columns = [text<(typeof rows)[0]>('name', (row) => row.name), text<(typeof rows)[0]>('why', (row) => row.why)];

test('formatTable aligns columns and cleans what comes from data', () => {
  assert.deepEqual(
    formatTable(rows, columns, { width: undefined }),
    ['NAME           WHY', 'hello          Waits for a free worker for arm64 in pool default.', 'netbase [31m   -'].map(
      (line) =>
        line
          .replace('netbase [31m   -', 'netbase [31m  -')
          .replace(/^(NAME|hello)( +)/, (_, word: string) => word.padEnd(14)),
    ),
  );
});

test('formatTable wraps the last column at the width of the terminal', () => {
  assert.deepEqual(formatTable(rows.slice(0, 1), columns, { width: 32 }), [
    'NAME   WHY',
    'hello  Waits for a free worker',
    '       for arm64 in pool',
    '       default.',
  ]);
});

test('wrap leaves a line whole when there is hardly any room', () => {
  assert.deepEqual(wrap('a b c d e f g h i j k l m n o p', 10), ['a b c d e f g h i j k l m n o p']);
});

test('formatFields leaves out what is not there', () => {
  assert.deepEqual(
    formatFields([
      ['suite', 'stable'],
      ['worker', undefined],
      ['id', '7'],
    ]),
    ['suite: stable', 'id:    7'],
  );
});
