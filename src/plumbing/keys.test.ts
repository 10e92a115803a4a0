import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { chmod, mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, test } from 'node:test';
import { setImmediate } from 'node:timers/promises';

import { createKeyFile, isPublicKey, loadKeyFile, verifyEd25519 } from './keys.ts';

const directory = await mkdtemp(join(tmpdir(), 'sheaf-keys-'));
after(() => rm(directory, { recursive: true }));

test('loadKeyFile gives the key that createKeyFile made, which only its owner may read', async () => {
  const path = join(directory, 'sub', 'key.pem');
  const made = await createKeyFile(path);
  assert.equal((await stat(path)).mode & 0o777, 0o600);
  const loaded = await loadKeyFile(path);
  assert.equal(loaded.publicKey, made.publicKey);
  assert.ok(isPublicKey(loaded.publicKey));
  const message = Buffer.from('hello');
  assert.ok(verifyEd25519(made.publicKey, message, loaded.sign(message)));
  assert.ok(!verifyEd25519(made.publicKey, Buffer.from('hullo'), loaded.sign(message)));
});

test('createKeyFile never writes over a key', async () => {
  const path = join(directory, 'once.pem');
  await createKeyFile(path);
  await assert.rejects(createKeyFile(path), { code: 'key-exists' });
});

test('createKeyFile makes one key however many ask at once, and nobody sees half of it', async () => {
  for (let round = 0; round < 20; round++) {
    const path = join(directory, `many-${round}`, 'key.pem');
    const orLoad = (error: { code: string }) => {
      assert.equal(error.code, 'key-exists');
      return loadKeyFile(path);
    };
    let isMade = false;
    const asked = Promise.all([1, 2, 3].map(() => createKeyFile(path).catch(orLoad))).finally(() => (isMade = true));
    while (!isMade) {
      if (existsSync(path)) assert.match(readFileSync(path, 'utf8'), /-----END PRIVATE KEY-----\n$/);
      await setImmediate();
    }
    assert.equal(new Set((await asked).map(({ publicKey }) => publicKey)).size, 1);
    assert.deepEqual(await readdir(dirname(path)), ['key.pem']);
  }
});

test('loadKeyFile refuses a key that is missing, open to others, or none', async () => {
  await assert.rejects(loadKeyFile(join(directory, 'missing')), { code: 'bad-key' });
  const open = join(directory, 'open.pem');
  await createKeyFile(open);
  await chmod(open, 0o644);
  await assert.rejects(loadKeyFile(open), { code: 'bad-key', message: /others may read it/ });
  const junk = join(directory, 'junk.pem');
  await writeFile(junk, 'junk', { mode: 0o600 });
  await assert.rejects(loadKeyFile(junk), { code: 'bad-key', message: /not a private key/ });
});
