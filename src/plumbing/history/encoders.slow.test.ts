import assert from 'node:assert/strict';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import test from 'node:test';
import { gunzipSync } from 'node:zlib';

import { testCache } from '../../../test/small-root.ts';
import { run } from '../process.ts';
import { encoders } from './encoders.ts';

const files = [
  ['dists/trixie/contrib/source/Sources.xz', 'xz -6e, blocks of 24 MiB'],
  ['dists/trixie/main/binary-amd64/Packages.gz', 'gzip -9n --rsyncable'],
  ['dists/trixie/contrib/source/Sources.gz', 'gzip -9n --rsyncable'],
  ['dists/trixie/main/i18n/Translation-de.bz2', 'bzip2 -9'],
] as const;

for (const [path, name] of files) {
  test(`encoders: "${name}" gives Debian's ${path} again`, { timeout: 10 * 60_000 }, async () => {
    const file = await fetched(path);
    const index = await plain(file, path);
    const found: string[] = [];
    for (const encoder of encoders.filter((each) => each.mayHaveMade(file))) {
      if (file.equals(Buffer.from(await encoder.encode(index)))) found.push(encoder.name);
      if (found.length > 0) break;
    }
    assert.deepEqual(found, [name]);
  });
}

test("encoders: the last block of Debian's Packages.xz is made of what follows the last 24 MiB", async () => {
  const file = await fetched('dists/trixie/main/binary-amd64/Packages.xz');
  const index = await plain(file, '.xz');
  const rest = index.length % (24 * 2 ** 20);
  assert.ok(index.length > 2 * 24 * 2 ** 20);
  const encoder = encoders.find((each) => each.mayHaveMade(file))!;
  const block = blocksOf(Buffer.from(await encoder.encode(index.subarray(-rest))));
  assert.ok(blocksOf(file).subarray(-block.length).equals(block));
});

/** What is between the header and the index of a stream, whose size the footer tells (xz file format, 2.1). */
function blocksOf(file: Buffer): Buffer {
  const index = (file.readUInt32LE(file.length - 8) + 1) * 4;
  return file.subarray(12, file.length - 12 - index);
}

async function fetched(path: string): Promise<Buffer> {
  const file = join(testCache, 'encoders', path);
  const known = await readFile(file).catch(() => undefined);
  if (known !== undefined) return known;
  const answer = await fetch(`http://deb.debian.org/debian/${path}`);
  assert.equal(answer.status, 200);
  const bytes = Buffer.from(await answer.arrayBuffer());
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, bytes);
  return bytes;
}

async function plain(file: Buffer, path: string): Promise<Buffer> {
  if (path.endsWith('.gz')) return gunzipSync(file);
  const program = path.endsWith('.xz') ? 'xz' : 'bzip2';
  const { code, stdout } = await run([program, '--decompress', '--stdout'], { input: file, limit: 2 ** 30 });
  assert.equal(code, 0);
  return stdout;
}
