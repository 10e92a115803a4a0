import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { gunzipSync } from 'node:zlib';

import { joinXz, splitXz, xzCheckCrc32 } from '../formats/container/xz-stream.ts';
import { packBlock } from './index-blocks.ts';

const contents = [
  Buffer.from('a'),
  Buffer.from('Package: hello\nVersion: 1\n\n'.repeat(9000)),
  randomBytes(300_000),
  Buffer.concat([Buffer.alloc(70_000), randomBytes(4097)]),
];

test('packed blocks are one .xz stream and one .gz file that the programs read, and come apart again', async () => {
  const blocks = await Promise.all(contents.map(packBlock));
  const stream = Buffer.concat(joinXz({ check: xzCheckCrc32, blocks: blocks.map(({ xz }) => xz) }));
  const read = spawnSync('xz', ['-dc', '--single-stream'], { input: stream, maxBuffer: 2 ** 26 });
  assert.equal(read.status, 0, read.stderr.toString());
  assert.ok(read.stdout.equals(Buffer.concat(contents)));
  assert.deepEqual(
    splitXz(stream).blocks.map(({ bytes, ...sizes }) => ({ ...sizes, bytes: Buffer.from(bytes) })),
    blocks.map(({ xz }) => ({ ...xz, bytes: Buffer.from(xz.bytes) })),
  );
  assert.ok(gunzipSync(Buffer.concat(blocks.map(({ gzip }) => gzip.bytes))).equals(Buffer.concat(contents)));
});

test('a block whose content is not what its check sum says is refused by xz', async () => {
  const { xz } = await packBlock(contents[1]!);
  const bytes = Uint8Array.from(xz.bytes);
  bytes[bytes.length - 1]! ^= 1;
  const stream = Buffer.concat(joinXz({ check: xzCheckCrc32, blocks: [{ ...xz, bytes }] }));
  assert.notEqual(spawnSync('xz', ['-dc'], { input: stream, maxBuffer: 2 ** 26 }).status, 0);
});

test('the same block is packed into the same bytes', async () => {
  const [one, other] = await Promise.all([packBlock(contents[1]!), packBlock(Uint8Array.from(contents[1]!))]);
  assert.deepEqual(one, other);
});
