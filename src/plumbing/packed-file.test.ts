import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import type { Writable } from 'node:stream';

import { sha256 } from '../kit/digest.ts';
import { writePacked, type Packing } from './packed-file.ts';
import { run } from './process.ts';

let directory: string;
before(async () => {
  directory = await mkdtemp(join(tmpdir(), 'sheaf-packed-'));
});
after(async () => rm(directory, { recursive: true }));

/** More than one block of the .xz, and no whole number of them. */
const content = Buffer.concat([
  randomBytes(70_000),
  Buffer.alloc(17 * 2 ** 20, 'some text that repeats, '),
  randomBytes(999),
]);

/** In pieces of one size, and waiting for the reader. */
function inPieces(size: number) {
  return async (output: Writable) => {
    for (let at = 0; at < content.length; at += size) {
      if (!output.write(content.subarray(at, at + size))) await once(output, 'drain');
    }
    output.end();
  };
}

const programs: readonly (readonly [Packing, string])[] = [
  ['none', 'cat'],
  ['gzip', 'gunzip'],
  ['xz', 'unxz'],
  ['zstd', 'unzstd'],
];

for (const [packing, program] of programs) {
  test(`writePacked ${packing} gives the same file however the bytes come, and ${program} reads it`, async () => {
    const files = [join(directory, `${packing}-1`), join(directory, `${packing}-2`)] as const;
    const first = await writePacked(files[0], packing, inPieces(65_536));
    const second = await writePacked(files[1], packing, inPieces(1_000_003));
    assert.deepEqual(second, first);
    const bytes = await readFile(files[0]);
    assert.deepEqual([first.sha256, first.size], [sha256(bytes), bytes.length]);
    assert.deepEqual(first.content, { sha256: sha256(content), size: content.length });
    const read = await run([program], { input: bytes, limit: 2 ** 26 });
    assert.ok(read.stdout.equals(content), read.stderr);
  });
}

test('writePacked leaves nothing behind when the writer fails, and throws what it threw', async () => {
  const names = await readdir(directory);
  for (const [packing] of programs) {
    const fill = async (output: Writable) => {
      output.write(content.subarray(0, 100_000));
      throw new Error('no more of it');
    };
    await assert.rejects(writePacked(join(directory, 'never'), packing, fill), /no more of it/);
  }
  assert.deepEqual(await readdir(directory), names);
});

test('writePacked throws the error of the disk, not that of a writer nobody listens to', async () => {
  await assert.rejects(writePacked(join(directory, 'no/such/file'), 'none', inPieces(65_536)), { code: 'ENOENT' });
});
