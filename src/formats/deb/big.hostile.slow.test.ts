/** A million of everything, and half a gibibyte out of kilobytes, each in a process with a heap of 64 MiB. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';

const million = 1_000_000;
const zeroBytes = 2 ** 29;
/** What a process of Node has before it does anything, and room for its buffers. */
const overhead = 250 * 2 ** 20;

for (const [name, what, result, input] of [
  ['scan', 'scanStanzas of a million stanzas', million, 24 * million],
  ['blank', 'scanStanzas of two million blank lines', million, 2 * million],
  ['packages', 'readPackagesIndex of a million stanzas', million, 140 * million],
  ['sources', 'readSourcesIndex of a million stanzas', million, 140 * million],
  ['translations', 'readTranslations of a million stanzas', million, 90 * million],
  ['contents', 'readContents of a million lines', million, 26 * million],
  ['continuation', 'readTranslations of a million lines of one field', 1, 60 * million],
  ['ed', 'applyEdScript of 300,000 commands', 2 * (million - 300_000), 20 * million],
  ['gz', 'openDeb of half a gibibyte of zeros in gzip', `1 entries, ${zeroBytes} bytes`, 0],
  ['xz', 'openDeb of half a gibibyte of zeros in xz', `1 entries, ${zeroBytes} bytes`, 0],
  ['zst', 'openDeb of half a gibibyte of zeros in zstd', `1 entries, ${zeroBytes} bytes`, 0],
  ['bz2', 'openDeb of half a gibibyte of zeros in bzip2', `1 entries, ${zeroBytes} bytes`, 0],
  ['entries', 'openDeb of 100,000 entries', `100000 entries, 0 bytes`, 0],
] as const) {
  test(`${what} stays within its memory`, { timeout: 300_000 }, () => {
    const program = join(import.meta.dirname, 'testdata/big.ts');
    const output = execFileSync(process.execPath, ['--max-old-space-size=64', program, name], { encoding: 'utf8' });
    const told = JSON.parse(output) as { result: unknown; rss: number };
    assert.equal(told.result, result);
    assert.ok(told.rss < overhead + input, `${told.rss} bytes of memory`);
  });
}
