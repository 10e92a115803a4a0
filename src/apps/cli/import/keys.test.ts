import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';

import { createCleartextMessage, generateKey, sign, type PrivateKey } from 'openpgp';

import { readSecretKeys } from '../../../plumbing/foreign-archive/secret-key.ts';
import { chooseKeys } from './keys.ts';
import type { Imported } from './run.ts';
import { formatImported } from './text.ts';

async function makeKey(name: string): Promise<PrivateKey> {
  return (await generateKey({ userIDs: [{ name }], subkeys: [], format: 'object' })).privateKey;
}

test('of several keys that signed an archive, those that do not come along are named', async (t) => {
  const directory = await mkdtemp(join(tmpdir(), 'sheaf-keys-'));
  t.after(() => rm(directory, { recursive: true }));
  const [one, other] = [await makeKey('One'), await makeKey('Other')];
  const message = await createCleartextMessage({ text: 'Suite: stable\n' });
  const inRelease = Buffer.from(await sign({ message, signingKeys: [one, other] }));
  const file = join(directory, 'old-key.asc');
  const choose = async (...keys: readonly PrivateKey[]) => {
    await writeFile(file, Buffer.concat(keys.map((key) => key.write())));
    const given = await readSecretKeys(file);
    return chooseKeys([{ files: { inRelease } }], join(directory, 'secrets/old.asc'), given, {
      newKey: false,
      now: new Date(),
    });
  };
  const id = other.getKeyID().toHex().toUpperCase();
  assert.deepEqual((await choose(one, other)).missing, []);
  const { believed, missing, signedBy, fingerprints } = await choose(one);
  assert.equal(believed, true);
  assert.deepEqual(missing, [id]);
  const imported: Imported = {
    ...{ kind: 'done', directory, repository: 'old', added: [], suites: [], problems: [], notes: [] },
    keys: { old: signedBy, missing, fingerprints, made: undefined, believed },
  };
  assert.match(formatImported(imported).join('\n'), new RegExp(`signed by ${id} too, which does not sign here`));
});
