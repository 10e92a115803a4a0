import assert from 'node:assert/strict';
import { mkdtemp, rm, truncate } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, before, beforeEach, describe, it } from 'node:test';

import { FakeMirror, misbehaviours as bad } from '../../test/fake-mirror.ts';
import { fakeUpstream } from '../../test/follow-world.ts';
import { sha256 } from '../kit/digest.ts';
import { Blobs } from '../plumbing/blobs.ts';
import { createMirrorClient } from '../plumbing/mirror/client.ts';
import { fetchUpstreamFile } from './fetch-upstream-file.ts';

const bytes = Buffer.from('a package\n'.repeat(5000));
const file = { filename: 'pool/main/g/g++/g++_1%3a2~b+c_amd64.deb', sha256: sha256(bytes), size: bytes.length };

let mirror: FakeMirror;
let root: string;
let blobs: Blobs;
before(async () => (mirror = await FakeMirror.start()));
after(() => mirror.close());
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'sheaf-files-'));
  blobs = new Blobs(join(root, 'blobs'));
  mirror.behave();
  mirror.requests.length = 0;
  mirror.files.set(file.filename, bytes);
});
afterEach(() => rm(root, { recursive: true }));

async function fetchFile(more: Partial<typeof file> = {}): Promise<void> {
  const client = createMirrorClient({ directory: join(root, 'partial'), version: '0', pauses: [1], stall: 1000 });
  await fetchUpstreamFile({ mirror: client, blobs }, fakeUpstream(`${mirror.url}/`, ''), { ...file, ...more });
}

describe('fetchUpstreamFile', () => {
  it('makes a blob of a file, whatever its name, once', async () => {
    await fetchFile();
    assert.deepEqual(await blobs.read(file.sha256), bytes);
    assert.deepEqual(mirror.asked(), [file.filename]);
    await fetchFile();
    assert.deepEqual(mirror.asked(), []);
  });

  it('fetches again what was damaged here', async () => {
    await fetchFile();
    await truncate(blobs.path(file.sha256), 100);
    await fetchFile();
    assert.deepEqual(await blobs.read(file.sha256), bytes);
  });

  it('goes on where an earlier call was cut', async () => {
    mirror.misbehave(/./, bad.breaks(), 1);
    mirror.misbehave(/./, bad.status(500));
    await assert.rejects(fetchFile(), { code: 'mirror-unreachable' });
    mirror.behave();
    await fetchFile();
    assert.match(mirror.requests.at(-1)!.headers.range!, /^bytes=[1-9]/);
    assert.deepEqual(await blobs.read(file.sha256), bytes);
  });

  it('keeps nothing that is not the file', async () => {
    mirror.misbehave(/./, bad.sends(bytes.subarray(1)));
    await assert.rejects(fetchFile(), { code: 'mirror-mismatch' });
    assert.equal(await blobs.info(file.sha256), undefined);
    mirror.files.clear();
    mirror.behave();
    await assert.rejects(fetchFile(), { code: 'file-missing', kind: 'refused' });
  });

  it('does not leave the archive', async () => {
    for (const filename of ['../secret', '/etc/passwd', 'pool/./x', 'pool//x', '']) {
      await assert.rejects(fetchFile({ filename }), { code: 'bad-path' });
    }
    assert.deepEqual(mirror.asked(), []);
  });
});
