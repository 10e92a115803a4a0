import assert from 'node:assert/strict';
import { readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';

import { GpgHome, pipe } from '../../../test/signers.ts';
import { verifyRelease, type ReleaseFiles } from './release.ts';

const text =
  'Origin: Toy\nSuite: stable\nDate: Sat, 12 Sep 2026 07:55:41 UTC\n- not a list\n--- dashes\nSHA256:\n x 1 a\n';
const release = Buffer.from(text);
const day = 86_400_000;
const now = new Date();
const ago = (days: number) => new Date(now.getTime() - days * day);

let home: GpgHome;
let first: string;
let second: string;
let stranger: string;
let keyring: string;
let count = 0;
before(async () => {
  home = await GpgHome.make();
  first = await home.key('first@example.org', { at: ago(100) });
  second = await home.key('second@example.org', { algorithm: 'rsa2048', at: ago(100) });
  stranger = await home.key('stranger@example.org', { at: ago(100) });
  keyring = await makeKeyring([first, second]);
});
after(() => home.close());

async function makeKeyring(keys: readonly string[]): Promise<string> {
  const file = join(home.directory, `keyring-${++count}.gpg`);
  await writeFile(file, await home.gpg(['--export', ...keys]));
  return file;
}

const users = (keys: readonly string[]) => keys.flatMap((key) => ['-u', `${key}!`]);
const clearsign = (keys: readonly string[], bytes: Uint8Array = release, at?: Date, more: readonly string[] = []) =>
  home.gpg([...more, '--clearsign', ...users(keys)], bytes, at);
const detach = (keys: readonly string[], more: readonly string[] = ['--armor']) =>
  home.gpg([...more, '--detach-sign', ...users(keys)], release);

/** gpgv's word on the same bytes: whether a good signature was found, and by which primary keys. */
async function gpgv(files: ReleaseFiles, ring: string): Promise<{ readonly good: string[]; readonly code: number }> {
  const base = join(home.directory, `gpgv-${++count}`);
  const names: string[] = [];
  if ('inRelease' in files) {
    await writeFile(base, files.inRelease);
    names.push(base);
  } else {
    await writeFile(`${base}.sig`, files.signature);
    await writeFile(base, files.release);
    names.push(`${base}.sig`, base);
  }
  const script = 'gpgv --status-fd 1 --keyring "$@"; echo "code $?"';
  const said = (await pipe(['sh', '-c', script, 'sh', ring, ...names])).toString();
  const good = [...said.matchAll(/^\[GNUPG:\] VALIDSIG .* ([0-9A-F]{40})$/gm)].map((match) => match[1]!);
  return { good, code: Number(/^code (\d+)$/m.exec(said)![1]) };
}

async function sqvAccepts(signature: Uint8Array, bytes: Uint8Array, ring: string): Promise<boolean> {
  const base = join(home.directory, `sqv-${++count}`);
  await writeFile(`${base}.sig`, signature);
  await writeFile(base, bytes);
  return pipe(['sqv', '--keyring', ring, `${base}.sig`, base]).then(
    () => true,
    () => false,
  );
}

const codes = (verdict: { readonly problems: readonly { readonly code: string }[] }) =>
  verdict.problems.map(({ code }) => code);

describe('verifyRelease on InRelease', () => {
  it('names all who signed well, as gpgv does, and gives the text without escapes', async () => {
    const inRelease = await clearsign([first, second]);
    const verdict = await verifyRelease({ inRelease }, keyring, now);
    assert.deepEqual(verdict, { text, signedBy: [first, second], problems: [] });
    assert.deepEqual((await gpgv({ inRelease }, keyring)).good, [first, second]);
  });

  it('takes no offence at unknown keys beside a good one', async () => {
    const inRelease = await clearsign([stranger, first]);
    assert.deepEqual((await verifyRelease({ inRelease }, keyring, now)).signedBy, [first]);
    assert.deepEqual((await gpgv({ inRelease }, keyring)).good, [first]);
  });

  it('refuses unknown keys alone', async () => {
    const inRelease = await clearsign([stranger]);
    const verdict = await verifyRelease({ inRelease }, keyring, now);
    assert.deepEqual(codes(verdict), ['unknown-key']);
    assert.ok(verdict.problems[0]!.message.includes(stranger));
    assert.notEqual((await gpgv({ inRelease }, keyring)).code, 0);
  });

  it('names the primary key of a subkey that signed', async () => {
    const key = await home.key('sub@example.org', { usage: 'cert' });
    const subkey = await home.subkey(key);
    const ring = await makeKeyring([key]);
    const inRelease = await clearsign([subkey]);
    assert.deepEqual((await verifyRelease({ inRelease }, ring, new Date())).signedBy, [key]);
    assert.deepEqual((await gpgv({ inRelease }, ring)).good, [key]);
  });

  it('signs what RFC 9580 says: no blanks at the ends of lines, and any line ends', async () => {
    const signed = (await clearsign([first])).toString();
    for (const changed of [
      signed.replace('Suite: stable\n', 'Suite: stable \t\n'),
      signed.replaceAll('\n', '\r\n'),
      `${signed}\n\n`,
    ]) {
      const inRelease = Buffer.from(changed);
      assert.deepEqual(await verifyRelease({ inRelease }, keyring, now), { text, signedBy: [first], problems: [] });
      assert.deepEqual((await gpgv({ inRelease }, keyring)).good, [first]);
    }
  });

  it('keeps bytes that are no ASCII as they are', async () => {
    const other = 'Origin: Töy – ünï\u00a0\nSuite: \u2028x\n';
    const inRelease = await clearsign([first], Buffer.from(other));
    const verdict = await verifyRelease({ inRelease }, keyring, now);
    assert.equal(verdict.text, other);
    assert.deepEqual(verdict.signedBy, [first]);
  });

  it('gives a text that ends in one LF, whatever stood there', async () => {
    for (const end of ['', '\n', '\n\n\n']) {
      const inRelease = await clearsign([first], Buffer.from(`Suite: x${end}`));
      const verdict = await verifyRelease({ inRelease }, keyring, now);
      assert.equal(verdict.text, 'Suite: x\n');
      assert.deepEqual(verdict.signedBy, [first], JSON.stringify(end));
    }
  });

  it('refuses any changed byte of the text', async () => {
    const signed = (await clearsign([first])).toString();
    const begin = signed.indexOf('\n\n') + 2;
    const end = signed.indexOf('-----BEGIN PGP SIGNATURE');
    for (let at = begin; at < end - 1; at += 7) {
      const inRelease = Buffer.from(signed);
      inRelease[at]! ^= 1;
      const verdict = await verifyRelease({ inRelease }, keyring, now);
      assert.deepEqual(verdict.signedBy, [], String(at));
      assert.equal(codes(verdict).length, 1);
    }
  });

  it('refuses what nobody signed: text around the armor, other headers, a second text', async () => {
    const signed = (await clearsign([first])).toString();
    const cases: Record<string, string> = {
      before: `Suite: evil\n${signed}`,
      after: `${signed}Suite: evil\n`,
      header: signed.replace('Hash: ', 'Comment: x\nHash: '),
      'hidden in a header': signed.replace(/Hash: .*\n/, (line) => `${line}Suite: evil\n`),
      'vertical tab for a blank line': signed.replace('\n\n', '\n\u000b\nSuite: evil\n\n'),
      'loose hyphen': signed.replace('Suite: stable\n', 'Suite: stable\n-x\n'),
      twice: signed + signed,
      cut: signed.slice(0, signed.indexOf('-----END')),
      'no signature': signed.slice(0, signed.indexOf('-----BEGIN PGP SIGNATURE')),
      'empty signature': signed.replace(/(BEGIN PGP SIGNATURE-----\n)[\s\S]*(-----END)/, '$1\n$2'),
      'other armor': signed.replaceAll('PGP SIGNATURE', 'PGP MESSAGE'),
    };
    for (const [name, changed] of Object.entries(cases)) {
      const verdict = await verifyRelease({ inRelease: Buffer.from(changed) }, keyring, now);
      assert.deepEqual(verdict.signedBy, [], name);
      assert.ok(['bad-signature', 'unsigned'].includes(codes(verdict)[0]!), name);
    }
  });

  it('calls a file without a signature unsigned', async () => {
    for (const inRelease of [release, Buffer.from(''), Buffer.from('<html>Log in</html>')]) {
      assert.deepEqual(codes(await verifyRelease({ inRelease }, keyring, now)), ['unsigned']);
    }
  });

  it('refuses weak hashes', async () => {
    const inRelease = await clearsign([first, second], release, undefined, ['--digest-algo', 'SHA1']);
    const verdict = await verifyRelease({ inRelease }, keyring, now);
    // Ed25519 needs a larger hash: gpg then takes SHA-256 for it by itself.
    assert.ok(!verdict.signedBy.includes(second));
    const alone = await clearsign([second], release, undefined, ['--digest-algo', 'SHA1']);
    const refused = await verifyRelease({ inRelease: alone }, keyring, now);
    assert.deepEqual(codes(refused), ['bad-signature']);
    assert.match(refused.problems[0]!.message, /SHA1; SHA-256 or stronger/);
  });

  it('refuses a key that expired since, and takes it for the day when it was valid', async () => {
    const key = await home.key('old@example.org', { at: ago(50), expire: '10d' });
    const ring = await makeKeyring([key]);
    const inRelease = await clearsign([key], release, ago(45));
    assert.deepEqual(codes(await verifyRelease({ inRelease }, ring, now)), ['expired-key']);
    assert.deepEqual((await verifyRelease({ inRelease }, ring, ago(44))).signedBy, [key]);
    const both = await clearsign([key, first], release, ago(45));
    assert.deepEqual((await verifyRelease({ inRelease: both }, await makeKeyring([key, first]), now)).signedBy, [
      first,
    ]);
  });

  it('refuses a signature from the future', async () => {
    const inRelease = await clearsign([first], release);
    assert.deepEqual(codes(await verifyRelease({ inRelease }, keyring, ago(1))), ['bad-signature']);
  });

  it('refuses a revoked key', async () => {
    const key = await home.key('revoked@example.org', { at: ago(50) });
    const inRelease = await clearsign([key], release, ago(45));
    await home.revoke(key, 1);
    assert.deepEqual(codes(await verifyRelease({ inRelease }, await makeKeyring([key]), now)), ['revoked-key']);
  });
});

describe('verifyRelease on Release and Release.gpg', () => {
  it('takes binary and armored signatures, of one or several keys, in one block or several', async () => {
    const blocks = Buffer.concat([await detach([first]), await detach([second])]);
    for (const signature of [await detach([first, second]), await detach([first, second], []), blocks]) {
      const verdict = await verifyRelease({ release, signature }, keyring, now);
      assert.deepEqual(verdict, { text, signedBy: [first, second], problems: [] });
    }
    for (const more of [['--armor'], []]) {
      const signature = await detach([first, second], more);
      assert.deepEqual((await gpgv({ release, signature }, keyring)).good, [first, second]);
      assert.equal(await sqvAccepts(signature, release, keyring), true);
    }
  });

  it('takes signatures over text', async () => {
    const signature = await detach([first], ['--textmode']);
    assert.deepEqual((await verifyRelease({ release, signature }, keyring, now)).signedBy, [first]);
    assert.deepEqual((await gpgv({ release, signature }, keyring)).good, [first]);
  });

  it('refuses other bytes, unknown keys and rubbish, as gpgv and sqv do', async () => {
    const signature = await detach([first]);
    const other = Buffer.from(`${text}\n`);
    const cases: [string, Uint8Array, Uint8Array][] = [
      ['bad-signature', other, signature],
      ['unknown-key', release, await detach([stranger])],
      ['bad-signature', release, Buffer.from('rubbish')],
      ['bad-signature', release, Buffer.concat([Buffer.from('x\n'), signature])],
      ['bad-signature', release, await home.gpg(['--armor', '--export', first])],
    ];
    for (const [code, bytes, given] of cases) {
      const verdict = await verifyRelease({ release: bytes, signature: given }, keyring, now);
      assert.deepEqual([verdict.signedBy, codes(verdict)[0]], [[], code]);
    }
    assert.equal(await sqvAccepts(signature, other, keyring), false);
    assert.notEqual((await gpgv({ release: other, signature }, keyring)).code, 0);
    assert.deepEqual(codes(await verifyRelease({ release, signature: new Uint8Array() }, keyring, now)), ['unsigned']);
  });

  it('does not spend its time on a thousand signatures', async () => {
    const one = await detach([first], []);
    const signature = Buffer.concat(Array.from({ length: 1000 }, () => one));
    assert.deepEqual(codes(await verifyRelease({ release, signature }, keyring, now)), ['bad-signature']);
  });
});

describe('verifyRelease and keyring files', () => {
  it('reads armored keyrings, also of several blocks', async () => {
    const inRelease = await clearsign([second]);
    const file = join(home.directory, 'several.asc');
    await writeFile(file, Buffer.concat([await home.exportKey(first), await home.exportKey(second)]));
    assert.deepEqual((await verifyRelease({ inRelease }, file, now)).signedBy, [second]);
  });

  it('throws when there is none that can be read', async () => {
    const file = join(home.directory, 'bad.gpg');
    const inRelease = await clearsign([first]);
    const error = { code: 'keyring-unreadable', kind: 'environment' };
    await assert.rejects(verifyRelease({ inRelease }, join(home.directory, 'none.gpg'), now), error);
    for (const content of [
      '',
      'rubbish',
      '-----BEGIN PGP PUBLIC KEY BLOCK-----\n\nx\n-----END PGP PUBLIC KEY BLOCK-----\n',
    ]) {
      await writeFile(file, content);
      await assert.rejects(verifyRelease({ inRelease }, file, now), error);
    }
    await assert.rejects(verifyRelease({ inRelease }, join(home.directory, 'pubring.kbx'), now), {
      ...error,
      message: /keybox/,
    });
  });

  it("agrees with gpgv on Debian's own keyring, where it is installed", async (t) => {
    const debian = '/usr/share/keyrings/debian-archive-keyring.gpg';
    if ((await stat(debian).catch(() => undefined)) === undefined) return t.skip('no Debian keyring here');
    // Whoever is not in it is unknown, which means that all of it could be read.
    const inRelease = await clearsign([first]);
    assert.deepEqual(codes(await verifyRelease({ inRelease }, debian, now)), ['unknown-key']);
    const here = await readFile('/var/lib/apt/lists/deb.debian.org_debian_dists_bookworm_InRelease').catch(
      () => undefined,
    );
    if (here === undefined) return;
    const verdict = await verifyRelease({ inRelease: here }, debian, now);
    assert.deepEqual(verdict.signedBy, (await gpgv({ inRelease: here }, debian)).good);
  });
});
