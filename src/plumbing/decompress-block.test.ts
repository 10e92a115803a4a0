import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';

import { decompressBlock } from './decompress-block.ts';

const directory = mkdtempSync(join(tmpdir(), 'sheaf-block-'));
const usual = process.env['TMPDIR'];
const useDirectory = (path: string | undefined) => {
  if (path === undefined) delete process.env['TMPDIR'];
  else process.env['TMPDIR'] = path;
};
before(() => useDirectory(directory));
after(() => {
  useDirectory(usual);
  rmSync(directory, { recursive: true });
});

// Zeros at the end, which xz does not write but leaves out.
const content = Buffer.concat([randomBytes(100_000), Buffer.alloc(3_000_000)]);
const packed = execFileSync('xz', ['-c0'], { input: content });

async function unpack(bytes: Uint8Array, size: number) {
  async function* pieces() {
    for (let at = 0; at < bytes.length; at += 50_000) yield bytes.subarray(at, at + 50_000);
  }
  const result = await decompressBlock(pieces(), size);
  assert.deepEqual(readdirSync(directory), []);
  return result;
}

test('decompressBlock gives what xz gives', async () => {
  assert.ok(content.equals((await unpack(packed, content.length))!));
});

test('decompressBlock gives nothing for damaged data, or another size', async () => {
  const damaged = Buffer.from(packed);
  damaged[50_000]! ^= 1;
  assert.equal(await unpack(damaged, content.length), undefined);
  assert.equal(await unpack(packed.subarray(0, -4), content.length), undefined);
  assert.equal(await unpack(packed, content.length - 1), undefined);
  assert.equal(await unpack(packed, content.length + 1), undefined);
  const bomb = execFileSync('xz', ['-c0'], { input: Buffer.alloc(2 ** 26) });
  assert.equal(await unpack(bomb, 1000), undefined);
});

test('decompressBlock gives nothing where no file can be made, or the source fails', async () => {
  useDirectory(join(directory, 'missing'));
  assert.equal(await unpack(packed, content.length), undefined);
  useDirectory(directory);
  async function* cut() {
    yield packed.subarray(0, 1000);
    throw new Error('cut');
  }
  assert.equal(await decompressBlock(cut(), content.length), undefined);
});
