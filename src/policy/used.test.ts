import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

import { parseDistribution } from './mod.ts';

const source = join(import.meta.dirname, '..');

/** Code that may act on settings: not what reads or declares them, nor tests and the demonstration. */
const code = readdirSync(source, { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.ts') && !/^(?:policy|model)\/|^apps\/demo\/|\.test\.ts$|\/testing\//.test(file))
  .map((file) => readFileSync(join(source, file), 'utf8').replaceAll(/^\s*(?:\/\*|\*|\/\/).*$/gm, ''));

/** Names of all members in a distribution, except those that every object of a kind has. */
function memberNames(value: unknown): string[] {
  if (value instanceof Map) return [...value.values()].flatMap(memberNames);
  if (Array.isArray(value)) return value.flatMap(memberNames);
  if (typeof value !== 'object' || value === null || value instanceof Date) return [];
  return Object.entries(value).flatMap(([name, member]) => [name, ...memberNames(member)]);
}

test('every setting that parseDistribution gives is read by something', () => {
  const text = readFileSync(join(import.meta.dirname, 'testdata/valid/everything.toml'), 'utf8');
  const names = new Set(memberNames(parseDistribution(text, 'everything.toml', '/srv/grove')));
  assert.ok(names.size > 40);
  const unread = [...names].filter((name) => {
    // `x.name`, or taken apart: `{ name }`, `{ a, name: b }`.
    const use = new RegExp(`\\.${name}\\b|[{,]\\s*${name}\\s*[,}:=]`);
    return !code.some((each) => use.test(each));
  });
  assert.deepEqual(unread, []);
});
