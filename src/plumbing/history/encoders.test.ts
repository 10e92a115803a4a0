import assert from 'node:assert/strict';
import test from 'node:test';
import { gunzipSync } from 'node:zlib';

import { gzip, unxz, xz } from '../compression.ts';
import { run } from '../process.ts';
import { encoders } from './encoders.ts';
import { ToySuite } from './testdata/toy-suite.ts';

const index = new ToySuite(4, 500).now().bytes;

function encoder(name: string) {
  return encoders.find((each) => each.name === name)!;
}

test('encoders: every one knows its own file, makes the same twice, and it decodes to the index', async () => {
  for (const { name, mayHaveMade, encode } of encoders) {
    const file = Buffer.from(await encode(index));
    assert.ok(mayHaveMade(file), name);
    assert.ok(file.equals(Buffer.from(await encode(index))), name);
    assert.ok(decode(name, file, await plain(name, file)).equals(index), name);
    const others = encoders.filter((other) => other.mayHaveMade(file)).map((other) => other.name.split(' ')[0]);
    assert.deepEqual([...new Set(others)], [name.split(' ')[0]], name);
    assert.equal(mayHaveMade(file.subarray(0, 3)), false, name);
    assert.equal(mayHaveMade(index), false, name);
  }
});

test('encoders: an empty index too', async () => {
  for (const { name, encode } of encoders) {
    const file = Buffer.from(await encode(new Uint8Array()));
    assert.equal((await plain(name, file)).length, 0, name);
  }
});

function decode(name: string, file: Buffer, output: Buffer): Buffer {
  if (name.startsWith('gzip')) assert.ok(gunzipSync(file).equals(output));
  if (name.startsWith('xz')) assert.ok(Buffer.from(unxz(file, 2 ** 24)).equals(output));
  return output;
}

async function plain(name: string, file: Buffer): Promise<Buffer> {
  const { code, stdout, stderr } = await run([name.split(' ')[0]!, '--decompress', '--stdout'], { input: file });
  assert.equal(code, 0, stderr);
  return stdout;
}

test('encoders: those of our own archive are there', async () => {
  assert.ok(Buffer.from(await xz(index)).equals(Buffer.from(await encoder('xz -6, one block, liblzma').encode(index))));
  assert.ok(Buffer.from(await gzip(index)).equals(Buffer.from(await encoder('gzip -9, zlib').encode(index))));
});
