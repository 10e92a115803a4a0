import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';

import { refusal } from '../formats/deb/testdata/oracle.ts';
import { DeviceRoot } from './device-root.ts';

const directory = mkdtempSync(join(tmpdir(), 'sheaf-device-'));
after(() => rmSync(directory, { recursive: true }));
const root = join(directory, 'root');
mkdirSync(join(root, 'usr/lib/a'), { recursive: true });
writeFileSync(join(root, 'usr/lib/a/file'), 'inside');
writeFileSync(join(directory, 'secret'), 'outside');
symlinkSync('usr/lib', join(root, 'lib'));
symlinkSync('/usr/lib', join(root, 'absolute'));
symlinkSync('../../../../../usr/lib/../lib/a/file', join(root, 'usr/lib/above'));
symlinkSync('../secret', join(root, 'out'));
symlinkSync(join(directory, 'secret'), join(root, 'out-absolute'));
symlinkSync('loop', join(root, 'loop'));
execFileSync('mkfifo', [join(root, 'pipe')]);
const files = new DeviceRoot(root);
const text = async (path: string) => {
  const bytes = await files.read(path, 100);
  return bytes === undefined ? undefined : Buffer.from(bytes).toString();
};

test('DeviceRoot follows links as the system itself would, and never out of it', async () => {
  for (const path of ['lib/a/file', '/absolute/a/file', 'usr/lib/above', 'usr/lib/../lib/a/file', '../../lib/a/file'])
    assert.equal(await text(path), 'inside', path);
  for (const path of ['out', 'out-absolute', 'loop', '../secret', 'none/at/all', 'usr/lib/a/file/below'])
    assert.equal(await text(path), undefined, path);
});

test('DeviceRoot opens regular files only, and no more than is wanted of them', async () => {
  assert.equal(await text('pipe'), undefined);
  assert.equal(await files.digest('pipe', 'md5'), 'not-a-file');
  assert.equal(await files.digest('usr', 'md5'), 'not-a-file');
  assert.equal(await files.digest('none', 'md5'), 'missing');
  assert.equal(await files.digest('out', 'sha256'), 'missing');
  await assert.rejects(files.read('lib/a/file', 5), refusal('device-file', /larger than 5 bytes/));
  assert.deepEqual(await files.digest('lib/a/file', 'md5'), { digest: '335cf4508dd597be4bfc9caa3e08b901' });
});

test('DeviceRoot lists folders in the order of their names', async () => {
  assert.deepEqual(await files.list('lib'), ['a', 'above']);
  assert.deepEqual(await files.list('none'), []);
  assert.deepEqual(await files.list('usr/lib/a/file'), []);
});
