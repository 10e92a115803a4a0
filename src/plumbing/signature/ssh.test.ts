import assert from 'node:assert/strict';
import { createHash, generateKeyPairSync, sign as signWith } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';

import { pipe, sshKey, sshSign, type SshTestKey } from '../../../test/signers.ts';
import { writeStrings } from '../../formats/ssh/mod.ts';
import type { Person } from '../../model/distribution.ts';
import { parseLabel } from '../../model/names.ts';
import { signatureVerifier, sshFingerprint } from '../signature.ts';
import type { SignatureReport } from './port.ts';

const bytes = Buffer.from('object 0123456789012345678901234567890123456789\ntype commit\ntag debian/1.0\n\nText\n');
const now = new Date('2026-11-21T12:00:00Z');
const day = 86_400_000;
const inDays = (days: number) => new Date(now.getTime() + days * day);

let directory: string;
before(async () => (directory = await mkdtemp('/tmp/sheaf-ssh-test-')));
after(() => rm(directory, { recursive: true, force: true }));

type KeyOptions = { readonly validAfter?: Date; readonly validBefore?: Date; readonly revoked?: readonly string[] };

function personWith(line: string, options: KeyOptions = {}): Person {
  return {
    name: parseLabel('bob'),
    fullName: 'Bob',
    email: undefined,
    openpgp: [],
    ssh: [{ line, validAfter: options.validAfter, validBefore: options.validBefore }],
    revoked: options.revoked ?? [],
    permissions: [],
  };
}

type CheckOptions = { readonly signed?: Uint8Array; readonly taggerDate?: Date | null };

function check(armor: string, person: Person, options: CheckOptions = {}): Promise<SignatureReport> {
  const { signed = bytes, taggerDate = now } = options;
  return signatureVerifier.verify({
    kind: 'ssh',
    armor,
    signed,
    taggerDate: taggerDate ?? undefined,
    people: [person],
    now,
  });
}

const codes = (report: SignatureReport) => report.problems.map((problem) => problem.code);

/** ssh-keygen's own word. */
async function keygenAccepts(armor: string, line: string): Promise<boolean> {
  const base = join(directory, createHash('sha256').update(armor).digest('hex').slice(0, 12));
  await writeFile(`${base}.sig`, armor);
  await writeFile(`${base}.allowed`, `bob@example.org ${line}\n`);
  const args = ['-Y', 'verify', '-n', 'git', '-I', 'bob@example.org', '-f', `${base}.allowed`, '-s', `${base}.sig`];
  return pipe(['ssh-keygen', ...args], bytes).then(
    () => true,
    () => false,
  );
}

describe('signatureVerifier on SSH', () => {
  for (const [type, bits] of [['ed25519'], ['ecdsa', 256], ['ecdsa', 384], ['ecdsa', 521], ['rsa', 2048]] as const) {
    for (const hash of ['sha512', 'sha256']) {
      it(`accepts ${type} ${bits ?? ''} with ${hash}, as ssh-keygen does`, async () => {
        const key = await sshKey(directory, `${type}-${bits}-${hash}`, type, bits);
        const armor = await sshSign(key, bytes, 'git', ['-O', `hashalg=${hash}`]);
        const report = await check(armor, personWith(key.line));
        assert.deepEqual(report.problems, []);
        assert.equal(report.signer, 'bob');
        assert.deepEqual(report.signature?.created, now);
        const listing = (await pipe(['ssh-keygen', '-l', '-f', `${key.file}.pub`])).toString();
        assert.equal(report.signature?.fingerprint, listing.split(' ')[1]);
        assert.equal(await keygenAccepts(armor, key.line), true);
      });
    }
  }

  describe('with one key', () => {
    let key: SshTestKey;
    let armor: string;
    before(async () => {
      key = await sshKey(directory, 'one');
      armor = await sshSign(key, bytes);
    });

    it('refuses other bytes with bad-signature', async () => {
      const report = await check(armor, personWith(key.line), { signed: Buffer.from('other') });
      assert.deepEqual(codes(report), ['bad-signature']);
      assert.equal(report.signer, undefined);
    });

    it('refuses another namespace with bad-signature', async () => {
      const report = await check(await sshSign(key, bytes, 'file'), personWith(key.line));
      assert.deepEqual(codes(report), ['bad-signature']);
      assert.match(report.problems[0]!.message, /"file"/);
    });

    it('refuses a key that nobody has with unknown-key', async () => {
      const other = await sshKey(directory, 'other');
      assert.deepEqual(codes(await check(armor, personWith(other.line))), ['unknown-key']);
    });

    it('refuses a tag without a date and one from the future', async () => {
      assert.deepEqual(codes(await check(armor, personWith(key.line), { taggerDate: null })), ['bad-signature']);
      assert.deepEqual(codes(await check(armor, personWith(key.line), { taggerDate: inDays(1) })), ['bad-signature']);
      const slightly = new Date(now.getTime() + 60_000);
      assert.deepEqual(codes(await check(armor, personWith(key.line), { taggerDate: slightly })), []);
    });

    it('holds a key to its dates at the tag’s date and today', async () => {
      const rows: readonly (readonly [KeyOptions, number, readonly string[]])[] = [
        [{ validAfter: inDays(-5), validBefore: inDays(5) }, -1, []],
        [{ validAfter: inDays(-5) }, -6, ['not-yet-valid-key']],
        [{ validAfter: inDays(1) }, 0, ['not-yet-valid-key']],
        [{ validBefore: inDays(-1) }, -2, ['expired-key']],
        [{ validBefore: inDays(-2) }, -1, ['expired-key']],
        [{ validBefore: now }, -1, ['expired-key']],
      ];
      for (const [options, date, expected] of rows) {
        const report = await check(armor, personWith(key.line, options), { taggerDate: inDays(date) });
        assert.deepEqual(codes(report), expected, JSON.stringify([options, date]));
        assert.equal(report.signer, 'bob');
      }
    });

    it('refuses a key that was taken back, by fingerprint or by line', async () => {
      const fingerprint = sshFingerprint(Buffer.from(key.line.split(' ')[1]!, 'base64'));
      for (const revoked of [fingerprint, `${fingerprint}=`, key.line]) {
        assert.deepEqual(codes(await check(armor, personWith(key.line, { revoked: [revoked] }))), ['revoked-key']);
      }
    });

    it('refuses every signature with one changed byte', async () => {
      const lines = armor.trim().split('\n');
      const body = Buffer.from(lines.slice(1, -1).join(''), 'base64');
      for (let position = 0; position < body.length; position++) {
        const changed = Buffer.from(body);
        changed[position]! ^= 0x01;
        const text = `${lines[0]}\n${changed.toString('base64')}\n${lines.at(-1)}\n`;
        const [code] = codes(await check(text, personWith(key.line)));
        assert.ok(
          code === 'bad-signature' || code === 'unknown-key' || code === 'weak-key',
          `byte ${position}: ${code}`,
        );
      }
    });
  });

  it('refuses RSA of 1024 bits with weak-key', async () => {
    const key = await sshKey(directory, 'short', 'rsa', 1024);
    assert.deepEqual(codes(await check(await sshSign(key, bytes), personWith(key.line))), ['weak-key']);
  });

  it('accepts a security key that was touched, as ssh-keygen does, and no other', async () => {
    // What a hardware key does, in software: PROTOCOL.u2f.
    const pair = generateKeyPairSync('ed25519');
    const raw = Buffer.from((pair.publicKey.export({ format: 'jwk' }) as { x: string }).x, 'base64url');
    const text = (value: string) => Buffer.from(value);
    const type = 'sk-ssh-ed25519@openssh.com';
    const blob = Buffer.from(writeStrings(text(type), raw, text('ssh:')));
    const line = `${type} ${blob.toString('base64')} bob`;
    const hash = (value: Uint8Array | string) => createHash('sha256').update(value).digest();
    const message = createHash('sha512').update(bytes).digest();
    const data = Buffer.concat([text('SSHSIG'), writeStrings(text('git'), text(''), text('sha512'), message)]);
    const make = (flags: number) => {
      const tail = Buffer.from([flags, 0, 0, 0, 7]);
      const signature = signWith(null, Buffer.concat([hash('ssh:'), tail, hash(data)]), pair.privateKey);
      const inner = Buffer.concat([writeStrings(text(type), signature), tail]);
      const version = Buffer.from([0, 0, 0, 1]);
      const outer = writeStrings(blob, text('git'), text(''), text('sha512'), inner);
      const body = Buffer.concat([text('SSHSIG'), version, outer])
        .toString('base64')
        .replaceAll(/(.{70})/g, '$1\n');
      return `-----BEGIN SSH SIGNATURE-----\n${body}\n-----END SSH SIGNATURE-----\n`;
    };
    assert.deepEqual(codes(await check(make(1), personWith(line))), []);
    assert.equal(await keygenAccepts(make(1), line), true);
    assert.deepEqual(codes(await check(make(0), personWith(line))), ['bad-signature']);
    // ssh-keygen leaves this question to sshd; a tag has no sshd.
    assert.equal(await keygenAccepts(make(0), line), true);
  });
});
