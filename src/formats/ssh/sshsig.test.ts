import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { after, before, describe, it } from 'node:test';

import fc from 'fast-check';

import { sshKey, sshSign, type SshTestKey } from '../../../test/signers.ts';
import { SheafError } from '../../kit/error.ts';
import { parsePublicKey, parsePublicKeyLine } from './public-key.ts';
import { parseSshSignature, sshSignedData } from './sshsig.ts';

let directory: string;
let key: SshTestKey;
let armor: string;
before(async () => {
  directory = await mkdtemp('/tmp/sheaf-sshsig-');
  key = await sshKey(directory, 'key');
  armor = await sshSign(key, Buffer.from('text'));
});
after(() => rm(directory, { recursive: true, force: true }));

const isOurs = (error: unknown) => error instanceof SheafError && error.code === 'bad-ssh';

describe('parseSshSignature', () => {
  it('reads what ssh-keygen wrote', () => {
    const signature = parseSshSignature(armor);
    assert.equal(signature.namespace, 'git');
    assert.equal(signature.hashAlgorithm, 'sha512');
    assert.equal(signature.algorithm, 'ssh-ed25519');
    assert.equal(signature.signature.length, 64);
    assert.deepEqual(signature.publicKey, parsePublicKeyLine(key.line).key);
    assert.deepEqual(parseSshSignature(armor.replaceAll('\n', '\r\n')), signature);
  });

  it('signs over magic, namespace, nothing, hash name and hash', () => {
    const data = Buffer.from(sshSignedData(parseSshSignature(armor), Uint8Array.of(1, 2)));
    assert.equal(data.toString('latin1'), 'SSHSIG\0\0\0\u0003git\0\0\0\0\0\0\0\u0006sha512\0\0\0\u0002\u0001\u0002');
  });

  it('refuses other armor', () => {
    for (const bad of [
      '',
      `x${armor}`,
      `${armor}x`,
      armor.replace('BEGIN', 'begin'),
      armor.replace(/-----END.*/, ''),
      armor.replace(/\n(.)/, '\n!$1'),
      armor + armor,
      `-----BEGIN SSH SIGNATURE-----\n${'A'.repeat(100_000)}\n-----END SSH SIGNATURE-----`,
    ]) {
      assert.throws(() => parseSshSignature(bad), isOurs, bad.slice(0, 40));
    }
  });

  it('refuses a cut or longer body at every length, and any bytes', () => {
    const lines = armor.trim().split('\n');
    const body = Buffer.from(lines.slice(1, -1).join(''), 'base64');
    const wrap = (bytes: Uint8Array) => `${lines[0]}\n${Buffer.from(bytes).toString('base64')}\n${lines.at(-1)}\n`;
    for (let length = 0; length < body.length; length++) {
      assert.throws(() => parseSshSignature(wrap(body.subarray(0, length))), isOurs);
    }
    assert.throws(() => parseSshSignature(wrap(Buffer.concat([body, Buffer.from([0])]))), isOurs);
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        assert.throws(() => parseSshSignature(wrap(Buffer.concat([Buffer.from('SSHSIG\0\0\0\u0001'), bytes]))), isOurs);
      }),
    );
  });
});

describe('parsePublicKeyLine', () => {
  it('reads every type that ssh-keygen makes', async () => {
    for (const [type, kind] of [
      ['ed25519', 'ed25519'],
      ['ecdsa', 'ecdsa'],
      ['rsa', 'rsa'],
    ] as const) {
      const { line } = await sshKey(directory, `line-${type}`, type);
      const read = parsePublicKeyLine(`  ${line}\n`);
      assert.equal(read.key.kind, kind);
      assert.equal(read.comment, `line-${type}@example.org`);
    }
  });

  it('refuses options, other lines and keys of another type than they say', () => {
    const blob = key.line.split(' ')[1]!;
    for (const bad of [
      '',
      'ssh-ed25519',
      `ssh-ed25519 ${blob.slice(0, -1)}`,
      `ssh-rsa ${blob}`,
      `command="x" ssh-ed25519 ${blob}`,
      `ssh-ed25519 ${blob}\nssh-ed25519 ${blob}`,
      'ssh-ed25519 AAAA',
    ]) {
      assert.throws(() => parsePublicKeyLine(bad), isOurs, bad);
    }
  });

  it('knows a type that it does not take', () => {
    const type = Buffer.from('ssh-dss');
    assert.equal(parsePublicKey(Buffer.concat([Buffer.from([0, 0, 0, type.length]), type])).kind, 'unsupported');
  });

  it('gives a value or bad-ssh for any bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => {
        try {
          parsePublicKey(bytes);
        } catch (error) {
          assert.ok(isOurs(error));
        }
      }),
    );
  });
});
