/** Goldens: `SHEAF_WRITE_GOLDENS=1 node --test src/policy/*.test.ts` writes them anew; read the difference. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

import { formatPlace, SheafError } from '../kit/error.ts';
import type { Distribution } from '../model/distribution.ts';
import { parseDistribution } from './mod.ts';
import { settingLeaves } from './testing/settings.ts';

const testdata = join(import.meta.dirname, 'testdata');
const valid = readdirSync(join(testdata, 'valid')).filter((name) => name.endsWith('.toml'));
const invalid = readdirSync(join(testdata, 'invalid')).filter((name) => name.endsWith('.toml'));

function golden(file: string, text: string): void {
  if (process.env['SHEAF_WRITE_GOLDENS'] === '1') writeFileSync(file, text);
  assert.equal(text, readFileSync(file, 'utf8'), file);
}

function read(kind: 'valid' | 'invalid', name: string): Distribution {
  return parseDistribution(readFileSync(join(testdata, kind, name), 'utf8'), name, '/srv/grove');
}

function toJson(value: unknown): string {
  const plain = (_: string, member: unknown) => (member instanceof Map ? Object.fromEntries(member) : member);
  return `${JSON.stringify(value, plain, 2)}\n`;
}

for (const name of valid) {
  test(`parseDistribution reads ${name}`, () => {
    golden(join(testdata, 'valid', name.replace(/toml$/, 'json')), toJson(read('valid', name)));
  });
}

for (const name of invalid) {
  test(`parseDistribution says what is wrong with ${name}`, () => {
    assert.throws(
      () => read('invalid', name),
      (error) => {
        assert.ok(error instanceof SheafError);
        assert.equal(error.code, 'bad-settings');
        assert.notEqual(error.place?.line, undefined);
        const text = `${formatPlace(error.place)}: ${error.message}\nhint: ${error.hint}\n`;
        golden(join(testdata, 'invalid', name.replace(/toml$/, 'txt')), text);
        return true;
      },
    );
  });
}

test('parseDistribution lets every setting reach the distribution', () => {
  const text = readFileSync(join(testdata, 'valid', 'everything.toml'), 'utf8');
  const whole = toJson(read('valid', 'everything.toml'));
  const lines = text.split('\n');
  for (const { section, key } of settingLeaves()) {
    // Leaving the setting out must change the result, or make it wrong because the setting is needed.
    const at = lineOf(lines, section, key);
    assert.notEqual(at, -1, `everything.toml has no ${section}.${key}`);
    const end = lines[at]!.endsWith('[') ? lines.indexOf(']', at) : at;
    const without = lines.toSpliced(at, end - at + 1).join('\n');
    let changed: string;
    try {
      changed = toJson(parseDistribution(without, 'everything.toml', '/srv/grove'));
    } catch {
      continue;
    }
    assert.notEqual(changed, whole, `nothing reads ${section}.${key}`);
  }
});

/** `section` is a header's kind such as `person` or `person.may-release`; '' is the top. */
function lineOf(lines: readonly string[], section: string, key: string): number {
  let here = '';
  return lines.findIndex((line) => {
    const header = /^\[+([a-z]+)(?:\.[a-z]+)?(\.may-release)?\]+$/.exec(line);
    if (header !== null) here = `${header[1]}${header[2] ?? ''}`;
    return here === section && line.startsWith(`${key} = `);
  });
}
