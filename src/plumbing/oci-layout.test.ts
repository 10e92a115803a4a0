import assert from 'node:assert/strict';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';

import { sha256 } from '../kit/digest.ts';
import { writeOciLayout, type OciContent } from './oci-layout.ts';
import { findProgram, runChecked } from './process.ts';

const directory = await mkdtemp(join(tmpdir(), 'sheaf-oci-'));
after(async () => rm(directory, { recursive: true }));

const content = (architecture: string): OciContent => ({
  architecture,
  layers: [async (stream) => void stream.end(`the layer of ${architecture}`)],
  created: new Date('2026-07-11T10:16:37.000Z'),
  lock: sha256('lock'),
});

test('writeOciLayout puts the images of several architectures under one name', async (t) => {
  const image = join(directory, 'image');
  const { digest, size, images } = await writeOciLayout(image, [content('amd64'), content('arm64')]);
  let total = 0;
  for (const name of await readdir(join(image, 'blobs/sha256'))) {
    const bytes = await readFile(join(image, 'blobs/sha256', name));
    assert.equal(sha256(bytes), name);
    total += bytes.length;
  }
  assert.equal(total, size);
  if ((await findProgram('skopeo')) === undefined) return t.skip('skopeo is not installed');
  const inspect = async (...words: string[]) =>
    JSON.parse(await runChecked(['skopeo', 'inspect', ...words, `oci:${image}:latest`])) as {
      readonly manifests: readonly { readonly digest: string }[];
      readonly Digest: string;
      readonly Architecture: string;
      readonly Layers: readonly string[];
    };
  const index = await inspect('--raw');
  assert.deepEqual(
    index.manifests.map((each) => each.digest),
    images.map((each) => `sha256:${each}`),
  );
  for (const architecture of ['amd64', 'arm64']) {
    const found = await inspect('--override-arch', architecture);
    assert.deepEqual([found.Digest, found.Architecture], [`sha256:${digest}`, architecture]);
    assert.deepEqual(found.Layers, [`sha256:${sha256(`the layer of ${architecture}`)}`]);
  }
});

test('writeOciLayout leaves nothing behind when a later image cannot be written', async () => {
  const broken = { ...content('arm64'), layers: [async () => Promise.reject(new Error('no room'))] };
  await assert.rejects(writeOciLayout(join(directory, 'broken'), [content('amd64'), broken]), /no room/);
  assert.deepEqual(
    (await readdir(directory)).filter((name) => name.startsWith('broken')),
    [],
  );
});
