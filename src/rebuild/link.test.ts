import assert from 'node:assert/strict';
import { createHash, createPublicKey, generateKeyPairSync } from 'node:crypto';
import { test } from 'node:test';

import { rebuildResult } from '../../test/rebuilds.ts';
import { toSigningKey, verifyEd25519 } from '../plumbing/keys.ts';
import { linkKeyId, linkPublicKeyPem, publicKeyPem, signLink } from './link.ts';

const key = toSigningKey(generateKeyPairSync('ed25519').privateKey);
const result = rebuildResult();

test('linkKeyId is the id that in-toto gives a key', () => {
  // A key and its id from the tests of repro-threshold, src/signing.rs, which in-toto-rs made.
  const publicKey = 'DthOiEZdTW8xbjUPLQ3oovORpJ574mwY/gJkA0omFZI=';
  assert.equal(linkKeyId(publicKey), '931cf71e1a72729f5d41957671508ffba5effe950aa7e7e2af4e99ec9dcde2ba');
  assert.match(linkPublicKeyPem(publicKey), /\nMCwwBwYDK2VwBQADIQAO2E6IRl1NbzFuNQ8tDeii85GknnvibBj\+AmQDSiYVkg==\n/);
  const spki = { type: 'spki', format: 'der' } as const;
  assert.equal(createPublicKey(publicKeyPem(publicKey)).export(spki).subarray(-32).toString('base64'), publicKey);
});

test('signLink signs the canonical form of the link', () => {
  const link = JSON.parse(signLink(result, result.files[0]!, key)!) as {
    signed: object;
    signatures: [{ keyid: string; sig: string }];
  };
  const [{ keyid, sig }] = link.signatures;
  const canonical =
    '{"_type":"link","byproducts":{},"command":[],"environment":null,"materials":{},' +
    '"name":"rebuild hello_2.10-3_amd64.deb","products":{"hello_2.10-3_amd64.deb":{"sha256":"' +
    `${createHash('sha256').update('hello 2.10-3').digest('hex')}"}}}`;
  assert.equal(keyid, linkKeyId(key.publicKey));
  assert.ok(verifyEd25519(key.publicKey, Buffer.from(canonical), Buffer.from(sig, 'hex')));
  assert.deepEqual(link.signed, JSON.parse(canonical));
});

test('signLink signs nothing of a file that was not reproduced', () => {
  for (const verdict of ['differs', 'failed', 'unknown'] as const) {
    const other = rebuildResult({ verdict });
    assert.equal(signLink(other, other.files[0]!, key), undefined);
  }
});
