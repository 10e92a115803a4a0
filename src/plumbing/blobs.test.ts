import assert from 'node:assert/strict';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'node:test';

import { sha256 } from '../kit/digest.ts';
import { Blobs } from './blobs.ts';

test('Blobs.putAll stores each of many once, and says which it has written', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'sheaf-blobs-'));
  try {
    const blobs = new Blobs(directory);
    const there = await blobs.putBytes('there');
    const texts = Array.from({ length: 50 }, (_, at) => `text ${at}`);
    const all = [...texts, 'there', 'text 7', ''].map((text) => Buffer.from(text));
    // Damaged since: it must not pass for what has just been written.
    await writeFile(blobs.path(there.sha256), 'other');
    const stored = await blobs.putAll(all);
    assert.deepEqual(
      stored,
      all.map((bytes, at) => ({ sha256: sha256(bytes), size: bytes.length, isNew: at !== texts.length })),
    );
    for (const [at, text] of texts.entries()) assert.equal((await blobs.read(stored[at]!.sha256)).toString(), text);
    await assert.rejects(blobs.read(there.sha256), { code: 'blob-corrupt' });
    assert.deepEqual(await readdir(join(directory, 'incoming')), []);
    assert.ok((await blobs.putAll(all)).every(({ isNew }) => !isNew));
  } finally {
    await rm(directory, { recursive: true });
  }
});
