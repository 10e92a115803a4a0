/**
 * Two clients of rebuilderd, played from their sources: what they ask, what they read of the answer, and how they verify.
 * Nothing here is from this project but the server, so that both sides cannot be wrong alike.
 */
import assert from 'node:assert/strict';
import { createHash, createPublicKey, verify } from 'node:crypto';
import { after, before, test } from 'node:test';

import type { Hono } from 'hono';

import { testDatabase, type TestDatabase } from '../../../test/database.ts';
import { rebuildResult, recordResults, testRebuilder } from '../../../test/rebuilds.ts';
import { sha256 } from '../../kit/digest.ts';
import { rebuilderdApi } from './rebuilderd-api.ts';

let database: TestDatabase;
let app: Hono;
const house = testRebuilder('Grove');
const worker = testRebuilder('one');

before(async () => {
  database = await testDatabase();
  app = rebuilderdApi({ db: database.db, distribution: { name: 'Grove' }, rebuilder: async () => house });
  const deps = {
    db: database.db,
    blobs: { putBytes: async (bytes: string) => ({ sha256: sha256(bytes) }) },
    now: () => new Date('2026-02-01T00:00:00Z'),
  };
  await recordResults(deps, worker, [
    rebuildResult({ buildinfo: sha256('buildinfo') }),
    rebuildResult({ name: 'zlib1g', version: '1:1.2.13', place: 'debian/bookworm', verdict: 'differs' }),
    rebuildResult({ name: 'sed', version: '4.9-1', architecture: 'all', verdict: 'failed', reason: 'no disk' }),
  ]);
});
after(() => database.close());

async function ask(path: string): Promise<any> {
  const response = await app.request(path);
  assert.equal(response.status, 200, path);
  return response.json();
}

type Metablock = {
  signatures: { keyid: string; sig: string }[];
  signed: { _type: string; products: Record<string, { sha256?: string }> };
};

/** in-toto-rs 0.4, src/interchange/cjson: members by name, nothing between them. */
function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`;
  if (value === null || typeof value !== 'object') return JSON.stringify(value);
  const names = Object.keys(value).sort();
  return `{${names.map((name) => `"${name}":${canonical((value as Record<string, unknown>)[name])}`).join(',')}}`;
}

/**
 * in-toto-rs 0.4, src/crypto.rs, from_spki: the key of a PEM block. It reads a NULL behind the algorithm, and refuses a key
 * without one. The id is the hash of the key's canonical form (calculate_key_id).
 */
function readKey(pem: string): { readonly raw: Buffer; readonly id: string } {
  const der = Buffer.from(/-----BEGIN PUBLIC KEY-----\s([^-]+)-----END PUBLIC KEY-----/.exec(pem)![1]!, 'base64');
  assert.equal(der.subarray(0, 14).toString('hex'), '302c300706032b65700500032100');
  const raw = der.subarray(14);
  assert.equal(raw.length, 32);
  const form =
    `{"keyid_hash_algorithms":["sha256","sha512"],"keytype":"ed25519",` +
    `"keyval":{"public":"${raw.toString('hex')}"},"scheme":"ed25519"}`;
  return { raw, id: createHash('sha256').update(form).digest('hex') };
}

/** repro-threshold, src/http.rs (fetch_signing_keyring, fetch_attestations_for_pkg) and src/attestation.rs (verify_sha256). */
async function reproThreshold(deb: { name: string; version: string; architecture: string }, digest: string) {
  const [pem] = (await ask('/api/v1/meta/public-keys')).current;
  const key = readKey(pem);
  const query = new URLSearchParams(deb).toString();
  let confirmed = false;
  for (const { build_id, artifact_id } of (await ask(`/api/v1/packages/binary?${query}`)).records) {
    if (build_id === null || artifact_id === null) continue;
    assert.ok(Number.isSafeInteger(build_id) && Number.isSafeInteger(artifact_id));
    const link: Metablock = await ask(`/api/v1/builds/${build_id}/artifacts/${artifact_id}/attestation`);
    assert.equal(link.signed._type, 'link');
    const publicKey = createPublicKey({
      key: { kty: 'OKP', crv: 'Ed25519', x: key.raw.toString('base64url') },
      format: 'jwk',
    });
    const signed = link.signatures
      .filter(({ keyid }) => keyid === key.id)
      .some(({ sig }) => verify(null, Buffer.from(canonical(link.signed)), publicKey, Buffer.from(sig, 'hex')));
    confirmed ||= signed && Object.values(link.signed.products).some((each) => each.sha256 === digest);
  }
  return confirmed;
}

test('repro-threshold confirms a reproduced file, by its bytes', async () => {
  const hello = { name: 'hello', version: '2.10-3', architecture: 'amd64' };
  assert.equal(await reproThreshold(hello, sha256('hello 2.10-3')), true);
  assert.equal(await reproThreshold(hello, sha256('hello with a back door')), false);
});

test('repro-threshold confirms nothing that differs, failed or was never rebuilt, and no answer breaks it', async () => {
  for (const [name, version, architecture] of [
    ['zlib1g', '1:1.2.13', 'amd64'],
    ['sed', '4.9-1', 'all'],
    ['hello', '2.10-4', 'amd64'],
    ['nothing', '1', 'amd64'],
  ] as const) {
    assert.equal(await reproThreshold({ name, version, architecture }, sha256(`${name} ${version}`)), false, name);
  }
});

/** debian-repro-status, src/main.rs: the list by name, those of the same architecture and version, a good one first. */
async function reproStatus(name: string, architecture: string, version: string): Promise<string> {
  const found = ((await ask('/api/v0/pkgs/list')) as Record<string, string>[])
    .filter((each) => each['name'] === name)
    .filter((each) => each['architecture'] === architecture && each['version'] === version)
    .map((each) => each['status']);
  return found.includes('GOOD') ? 'GOOD' : found.includes('BAD') ? 'BAD' : 'UNKWN';
}

test('debian-repro-status sees what is good, bad and unknown', async () => {
  assert.equal(await reproStatus('hello', 'amd64', '2.10-3'), 'GOOD');
  assert.equal(await reproStatus('zlib1g', 'amd64', '1:1.2.13'), 'BAD');
  assert.equal(await reproStatus('sed', 'all', '4.9-1'), 'UNKWN');
  assert.equal(await reproStatus('hello', 'arm64', '2.10-3'), 'UNKWN');
});

test('/api/v0/pkgs/list has every field that its readers need, in their kinds', async () => {
  // rebuilderd, common/src/api/v0/mod.rs, PkgRelease; built_at is a NaiveDateTime, which has no zone.
  const [, , zlib] = await ask('/api/v0/pkgs/list');
  assert.deepEqual(zlib, {
    ...{ name: 'zlib1g', version: '1:1.2.13', status: 'BAD', distro: 'debian', suite: 'bookworm' },
    ...{ architecture: 'amd64', artifact_url: 'zlib1g_1.2.13_amd64.deb', build_id: zlib.build_id },
    ...{ built_at: '2026-01-01T00:01:00', has_diffoscope: false, has_attestation: false },
  });
  assert.equal((await ask('/api/v0/pkgs/list?status=GOOD&distro=Grove&suite=stable')).length, 1);
  assert.deepEqual(await ask('/api/v0/pkgs/list?status=GOOD&distro=debian'), []);
});

test('/api/v1/packages/binary gives what was asked for, and how many there are', async () => {
  const found = async (query: string) => {
    const { total, records } = await ask(`/api/v1/packages/binary?${query}`);
    return [total, ...records.map((each: { name: string }) => each.name)];
  };
  assert.deepEqual(await found('distribution=debian&release=bookworm'), [1, 'zlib1g']);
  assert.deepEqual(await found('distribution=debian&release=trixie'), [0]);
  assert.deepEqual(await found('status=GOOD'), [1, 'hello']);
  assert.deepEqual(await found('limit=2'), [3, 'hello', 'sed']);
});

test('an attestation is asked for by numbers that were given out, and by no others', async () => {
  const { records } = await ask('/api/v1/packages/binary?name=zlib1g');
  assert.deepEqual([records[0].artifact_id, records[0].status, records[0].release], [null, 'BAD', 'bookworm']);
  for (const path of [`${records[0].build_id}/artifacts/1`, '1000000/artifacts/1', '1/artifacts/0', 'x/artifacts/y']) {
    assert.equal((await app.request(`/api/v1/builds/${path}/attestation`)).status, 404, path);
  }
});
