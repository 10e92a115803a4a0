import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';

import { GpgHome, pipe } from '../../../test/signers.ts';
import type { Person } from '../../model/distribution.ts';
import { parseLabel } from '../../model/names.ts';
import { signatureVerifier } from '../signature.ts';
import type { SignatureReport } from './port.ts';

const bytes = Buffer.from('object 0123456789012345678901234567890123456789\ntype commit\ntag debian/1.0\n\nText\n');
const day = 86_400_000;
const now = new Date();
const ago = (days: number) => new Date(now.getTime() - days * day);

let home: GpgHome;
let count = 0;
before(async () => (home = await GpgHome.make()));
after(() => home.close());

async function personWith(key: Uint8Array, revoked: readonly string[] = []): Promise<Person> {
  const file = join(home.directory, `key-${++count}.asc`);
  await writeFile(file, key);
  return {
    name: parseLabel('alice'),
    fullName: 'Alice',
    email: undefined,
    openpgp: [file],
    ssh: [],
    revoked,
    permissions: [],
  };
}

async function check(
  armor: string,
  person: Person,
  options: { readonly signed?: Uint8Array; readonly now?: Date } = {},
): Promise<SignatureReport> {
  return signatureVerifier.verify({
    kind: 'openpgp',
    armor,
    signed: options.signed ?? bytes,
    taggerDate: now,
    people: [person],
    now: options.now ?? new Date(),
  });
}

const codes = (report: SignatureReport) => report.problems.map((problem) => problem.code);
let serial = 0;
const email = () => `test${++serial}@example.org`;

/** gpgv's word on the same bytes: a second opinion. */
async function gpgvAccepts(armor: string, key: Uint8Array): Promise<boolean> {
  const base = join(home.directory, `gpgv-${++count}`);
  await writeFile(`${base}.sig`, armor);
  await writeFile(`${base}.data`, bytes);
  await writeFile(`${base}.gpg`, await pipe(['gpg', '--homedir', home.directory, '--dearmor'], key));
  const status = await pipe([
    'gpgv',
    '--status-fd',
    '1',
    '--keyring',
    `${base}.gpg`,
    `${base}.sig`,
    `${base}.data`,
  ]).catch(() => Buffer.from(''));
  return /^\[GNUPG:\] GOODSIG /m.test(status.toString());
}

describe('signatureVerifier on OpenPGP', () => {
  it('accepts a signature of a primary key, as gpgv does, and says whose it is', async () => {
    const key = await home.key(email());
    const certificate = await home.exportKey(key);
    const armor = await home.sign(key, bytes);
    const report = await check(armor, await personWith(certificate));
    assert.deepEqual(report.problems, []);
    assert.equal(report.signer, 'alice');
    assert.equal(report.signature?.fingerprint, key);
    assert.ok(Math.abs(report.signature!.created.getTime() - now.getTime()) < 60_000);
    assert.equal(await gpgvAccepts(armor, certificate), true);
  });

  for (const algorithm of ['rsa2048', 'nistp256', 'nistp384', 'nistp521']) {
    it(`accepts a key of ${algorithm}`, async () => {
      const key = await home.key(email(), { algorithm });
      assert.deepEqual(
        codes(await check(await home.sign(key, bytes), await personWith(await home.exportKey(key)))),
        [],
      );
    });
  }

  it('accepts a signing subkey and names the primary key', async () => {
    const key = await home.key(email(), { usage: 'cert' });
    const subkey = await home.subkey(key);
    const certificate = await home.exportKey(key);
    const armor = await home.sign(subkey, bytes);
    const report = await check(armor, await personWith(certificate));
    assert.deepEqual(report.problems, []);
    assert.equal(report.signature?.fingerprint, key);
    assert.equal(await gpgvAccepts(armor, certificate), true);
  });

  it('refuses other bytes with bad-signature and names nobody', async () => {
    const key = await home.key(email());
    const person = await personWith(await home.exportKey(key));
    const report = await check(await home.sign(key, bytes), person, {
      signed: Buffer.concat([bytes, Buffer.from('x')]),
    });
    assert.deepEqual(codes(report), ['bad-signature']);
    assert.equal(report.signer, undefined);
  });

  it('refuses a key that nobody has with unknown-key and its fingerprint', async () => {
    const key = await home.key(email());
    const other = await home.key(email());
    const report = await check(await home.sign(key, bytes), await personWith(await home.exportKey(other)));
    assert.deepEqual(codes(report), ['unknown-key']);
    assert.match(report.problems[0]!.message, new RegExp(key));
  });

  it('names key files that cannot be read when the key is unknown', async () => {
    const key = await home.key(email());
    const person = { ...(await personWith(await home.exportKey(key))), openpgp: ['/nonexistent/key.asc'] };
    const report = await check(await home.sign(key, bytes), person);
    assert.match(report.problems[0]!.hint, /\/nonexistent\/key\.asc/);
  });

  it('refuses text that is no signature, two signatures, and text after the END line', async () => {
    const key = await home.key(email());
    const person = await personWith(await home.exportKey(key));
    const armor = await home.sign(key, bytes);
    const two = await pipe(
      ['gpg', '--homedir', home.directory, '--enarmor'],
      Buffer.concat([
        await pipe(['gpg', '--homedir', home.directory, '--dearmor'], armor),
        await pipe(['gpg', '--homedir', home.directory, '--dearmor'], armor),
      ]),
    );
    const twoArmor = two.toString().replaceAll('PGP ARMORED FILE', 'PGP SIGNATURE');
    for (const bad of [
      '',
      '-----BEGIN PGP SIGNATURE-----\n\nAAAA\n-----END PGP SIGNATURE-----\n',
      `${armor}more`,
      twoArmor,
    ]) {
      assert.deepEqual(codes(await check(bad, person)), ['bad-signature'], bad);
    }
  });

  it('refuses SHA-1 over the tag', async () => {
    const key = await home.key(email(), { algorithm: 'rsa2048' });
    const armor = await home.sign(key, bytes, undefined, ['--digest-algo', 'SHA1']);
    const report = await check(armor, await personWith(await home.exportKey(key)));
    assert.deepEqual(codes(report), ['bad-signature']);
    assert.match(report.problems[0]!.message, /SHA1/);
  });

  it('refuses RSA of 1024 bits and DSA with weak-key, whoever has them', async () => {
    for (const algorithm of ['rsa1024', 'dsa2048']) {
      const key = await home.key(email(), { algorithm });
      const report = await check(await home.sign(key, bytes), await personWith(await home.exportKey(key)));
      assert.deepEqual(codes(report), ['weak-key'], algorithm);
      assert.equal(report.signer, 'alice');
    }
  });

  it('says of a curve that it does not know that the key is not taken', async () => {
    const key = await home.key(email(), { algorithm: 'brainpoolP256r1' });
    const report = await check(await home.sign(key, bytes), await personWith(await home.exportKey(key)));
    assert.deepEqual(codes(report), ['weak-key']);
    assert.match(report.problems[0]!.message, /brainpool/i);
  });

  it('says once of a key that two people have why it is not taken', async () => {
    const key = await home.key(email(), { algorithm: 'brainpoolP256r1' });
    const person = await personWith(await home.exportKey(key));
    const people = [person, { ...person, name: parseLabel('bob') }];
    const armor = await home.sign(key, bytes);
    const asked = { kind: 'openpgp', armor, signed: bytes, taggerDate: now, people, now: new Date() } as const;
    assert.deepEqual(codes(await signatureVerifier.verify(asked)), ['weak-key']);
  });

  it('refuses a key held together by SHA-1 with weak-key', async () => {
    const mail = email();
    await home.gpg([
      '--cert-digest-algo',
      'SHA1',
      '--quick-generate-key',
      `Test <${mail}>`,
      'rsa2048',
      'sign,cert',
      '0',
    ]);
    const listing = (await home.gpg(['--with-colons', '--list-keys', `=Test <${mail}>`])).toString();
    const key = /^fpr:+([0-9A-F]{40}):/m.exec(listing)![1]!;
    assert.deepEqual(codes(await check(await home.sign(key, bytes), await personWith(await home.exportKey(key)))), [
      'weak-key',
    ]);
  });

  it('refuses a key that is not for signing with weak-key', async () => {
    // Made for signing, signed, then certified again without that usage.
    const key = await home.key(email(), { usage: 'sign,cert', at: ago(20) });
    const armor = await home.sign(key, bytes, ago(1));
    await pipe(
      [
        'gpg',
        '--homedir',
        home.directory,
        '--no-tty',
        '--quiet',
        '--command-fd',
        '0',
        '--expert',
        '--faked-system-time',
        `${ago(10).toISOString().slice(0, 19).replaceAll(/[-:]/g, '')}!`,
        '--edit-key',
        key,
      ],
      'change-usage\nS\nQ\nsave\n',
    );
    assert.deepEqual(codes(await check(armor, await personWith(await home.exportKey(key)))), ['weak-key']);
  });

  it('refuses a key that is expired today, though it was valid when it signed', async () => {
    const key = await home.key(email(), { expire: '5d', at: ago(20) });
    const armor = await home.sign(key, bytes, ago(18));
    const certificate = await home.exportKey(key);
    const report = await check(armor, await personWith(certificate));
    assert.deepEqual(codes(report), ['expired-key']);
    assert.match(report.problems[0]!.message, /not valid today/);
    assert.equal(report.signer, 'alice');
    // At the time it was good.
    assert.deepEqual(codes(await check(armor, await personWith(certificate), { now: ago(17) })), []);
  });

  it('accepts a key whose expiry was extended, also when the export holds only the newest self-signature', async () => {
    const key = await home.key(email(), { expire: '5d', at: ago(20) });
    const armor = await home.sign(key, bytes, ago(18));
    await home.gpg(['--quick-set-expire', key, '2y'], '', ago(2));
    for (const options of [[], ['--export-options', 'export-minimal']]) {
      const certificate = await home.exportKey(key, options);
      assert.deepEqual(codes(await check(armor, await personWith(certificate))), [], options.join(' '));
      assert.equal(await gpgvAccepts(armor, certificate), true);
    }
  });

  it('refuses an expired signing subkey of a living key', async () => {
    const key = await home.key(email(), { usage: 'cert', at: ago(30) });
    const subkey = await home.subkey(key, { expire: '5d', at: ago(20) });
    const report = await check(await home.sign(subkey, bytes, ago(18)), await personWith(await home.exportKey(key)));
    assert.deepEqual(codes(report), ['expired-key']);
    assert.match(report.problems[0]!.message, new RegExp(subkey));
  });

  it('refuses a signature older than its key with not-yet-valid-key', async () => {
    const mail = email();
    const key = await home.key(mail, { at: ago(10) });
    const armor = await home.sign(key, bytes, ago(20), ['--ignore-time-conflict']).catch(() => undefined);
    assert.ok(armor !== undefined, 'gpg signs before the key’s date with --ignore-time-conflict');
    assert.deepEqual(codes(await check(armor, await personWith(await home.exportKey(key)))), ['not-yet-valid-key']);
  });

  it('refuses a signature from the future, and allows clocks to differ by minutes', async () => {
    const key = await home.key(email(), { at: ago(10) });
    const person = await personWith(await home.exportKey(key));
    const armor = await home.sign(key, bytes, ago(1));
    assert.deepEqual(codes(await check(armor, person, { now: ago(2) })), ['bad-signature']);
    assert.deepEqual(codes(await check(armor, person, { now: new Date(ago(1).getTime() - 120_000) })), []);
  });

  it('refuses every signature of a compromised key, earlier ones too', async () => {
    for (const reason of [0, 1] as const) {
      const key = await home.key(email(), { at: ago(30) });
      const armor = await home.sign(key, bytes, ago(20));
      await home.revoke(key, reason, ago(5));
      const person = await personWith(await home.exportKey(key));
      assert.deepEqual(codes(await check(armor, person)), ['revoked-key']);
      assert.deepEqual(codes(await check(armor, person, { now: ago(10) })), ['revoked-key']);
    }
  });

  it('refuses a retired key from the day it was retired', async () => {
    const key = await home.key(email(), { at: ago(30) });
    const armor = await home.sign(key, bytes, ago(20));
    await home.revoke(key, 3, ago(5));
    const person = await personWith(await home.exportKey(key));
    const report = await check(armor, person);
    assert.deepEqual(codes(report), ['revoked-key']);
    assert.match(report.problems[0]!.message, /for a test/);
    assert.deepEqual(codes(await check(armor, person, { now: ago(10) })), []);
  });

  it('tells all reasons at once: expired, revoked and taken back', async () => {
    const key = await home.key(email(), { expire: '5d', at: ago(30) });
    const armor = await home.sign(key, bytes, ago(28));
    await home.revoke(key, 1, ago(27));
    const spaced = key.toLowerCase().replaceAll(/(.{4})/g, '$1 ');
    const person = await personWith(await home.exportKey(key), [spaced]);
    assert.deepEqual(codes(await check(armor, person)), ['expired-key', 'revoked-key', 'revoked-key']);
  });

  it('refuses a key that sheaf.toml takes back, by primary key or subkey', async () => {
    const key = await home.key(email(), { usage: 'cert' });
    const subkey = await home.subkey(key);
    const armor = await home.sign(subkey, bytes);
    for (const revoked of [key, `0x${subkey}`]) {
      const person = await personWith(await home.exportKey(key), [revoked]);
      assert.deepEqual(codes(await check(armor, person)), ['revoked-key']);
    }
  });

  it('does not take a subkey without its back-signature', async () => {
    // The attack that back-signatures are for: somebody adopts another's signing key as a subkey.
    const openpgp = await import('openpgp');
    const victim = await home.key(email());
    const thief = await home.key(email());
    const armor = await home.sign(victim, bytes);
    const secret = (await home.gpg(['--armor', '--export-secret-keys', thief])).toString();
    const thiefKey = await openpgp.readPrivateKey({ armoredKey: secret });
    const victimKey = await openpgp.readKey({ armoredKey: (await home.exportKey(victim)).toString() });
    const adopted = new openpgp.PublicSubkeyPacket();
    const body = victimKey.keyPacket.write();
    await adopted.read(body);
    const binding = Object.assign(new openpgp.SignaturePacket(), {
      signatureType: openpgp.enums.signature.subkeyBinding,
      publicKeyAlgorithm: thiefKey.keyPacket.algorithm,
      hashAlgorithm: openpgp.enums.hash.sha256,
      keyFlags: new Uint8Array([openpgp.enums.keyFlags.signData]),
    });
    const sign = binding.sign.bind(binding) as (...args: readonly unknown[]) => Promise<void>;
    await sign(thiefKey.keyPacket, { key: thiefKey.keyPacket, bind: adopted }, new Date(), false, openpgp.config);
    const list = thiefKey.toPublic().toPacketList();
    list.push(adopted, binding);
    const report = await check(armor, await personWith(Buffer.from(list.write())));
    assert.deepEqual(codes(report), ['weak-key']);
    assert.match(report.problems[0]!.message, /back-signature/);
  });
});
