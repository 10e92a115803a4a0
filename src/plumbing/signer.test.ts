import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'node:test';

import { createSigningKey, loadSigner } from './signer.ts';

const directory = mkdtempSync(join(tmpdir(), 'sheaf-signer-'));
test.after(() => rmSync(directory, { recursive: true }));

const now = new Date(Date.now() - 60_000);
const file = join(directory, 'main.asc');
const fingerprint = await createSigningKey(file, { name: 'Toy archive', email: 'archive@example.org' }, now);
const signer = await loadSigner(file);
const keyring = join(directory, 'key.gpg');
writeFileSync(keyring, signer.publicKeyBinary);

const release =
  'Origin: Toy\nSuite: stable\nSHA256:\n 0123 10 main/source/Sources\n- a line with a hyphen\nfrom here\n\n';

function gpgv(...files: string[]) {
  const { status, stdout } = spawnSync('gpgv', ['--status-fd', '1', '--keyring', keyring, ...files], {
    encoding: 'utf8',
  });
  return { status, stdout };
}

function write(name: string, content: string): string {
  const path = join(directory, name);
  writeFileSync(path, content);
  return path;
}

test('createSigningKey keeps the key to its owner', () => {
  assert.equal(statSync(file).mode & 0o777, 0o600);
  assert.match(fingerprint, /^[0-9A-F]{40}$/);
  assert.equal(signer.fingerprint, fingerprint);
});

test('createSigningKey never overwrites a key', async () => {
  const before = readFileSync(file);
  await assert.rejects(createSigningKey(file, { name: 'Another' }, now), { code: 'key-exists' });
  assert.deepEqual(readFileSync(file), before);
});

test('loadSigner refuses a key that others may read, and says how to mend it', async () => {
  const exposed = write('exposed.asc', readFileSync(file, 'utf8'));
  chmodSync(exposed, 0o640);
  await assert.rejects(loadSigner(exposed), (error: { code: string; hint: string }) => {
    assert.equal(error.code, 'key-exposed');
    assert.match(error.hint, /chmod 600 .*exposed\.asc/);
    return true;
  });
});

test('loadSigner tells a missing key from a bad one', async () => {
  const missing = { code: 'key-missing', message: /there is no such file$/, hint: /sheaf key create none$/ };
  await assert.rejects(loadSigner(join(directory, 'none.asc')), missing);
  const bad = write('bad.asc', 'no key');
  chmodSync(bad, 0o600);
  await assert.rejects(loadSigner(bad), { code: 'bad-key' });
});

test('clearsign makes what gpgv accepts, with SHA-512, at the given time', async () => {
  const { status, stdout } = gpgv(write('InRelease', await signer.clearsign(release, now)));
  assert.equal(status, 0);
  // VALIDSIG fingerprint date timestamp expires version reserved algorithm(22: EdDSA) hash(10: SHA-512) class
  const seconds = Math.floor(now.getTime() / 1000);
  assert.match(stdout, new RegExp(`VALIDSIG ${fingerprint} \\S+ ${seconds} 0 4 0 22 10 01 ${fingerprint}`));
});

test('clearsign makes what gpgv gives back line by line', async () => {
  const path = write('InRelease', await signer.clearsign(release, now));
  const text = execFileSync('gpg', ['--homedir', directory, '--no-default-keyring', '--keyring', keyring, '-d', path], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  assert.equal(text, release);
});

test('clearsign refuses text that implementations read differently', async () => {
  await assert.rejects(signer.clearsign('Origin: Toy', now), { code: 'bad-text' });
  await assert.rejects(signer.clearsign('Origin: Toy \nSuite: s\n', now), { code: 'bad-text' });
});

test('clearsign is undone by any change of the text', async () => {
  const signed = await signer.clearsign(release, now);
  assert.notEqual(gpgv(write('InRelease', signed.replace('stable', 'Stable'))).status, 0);
});

test('detach makes what gpgv accepts over exactly these bytes', async () => {
  const data = write('Release', release);
  const signature = write('Release.gpg', await signer.detach(Buffer.from(release), now));
  assert.equal(gpgv(signature, data).status, 0);
  assert.notEqual(gpgv(signature, write('Release', `${release}\n`)).status, 0);
});

test('publicKeyArmored is the same certificate, without the secret part', () => {
  const dearmored = execFileSync('gpg', ['--homedir', directory, '--dearmor'], {
    input: signer.publicKeyArmored,
    stdio: ['pipe', 'pipe', 'ignore'],
  });
  assert.deepEqual(dearmored, Buffer.from(signer.publicKeyBinary));
  assert.match(signer.publicKeyArmored, /^-----BEGIN PGP PUBLIC KEY BLOCK-----\n\n/);
  assert.match(signer.publicKeyArmored, /\n=[A-Za-z0-9+/]{4}\n-----END/);
  assert.doesNotMatch(signer.publicKeyArmored, /\r|PRIVATE|Comment|Version/);
});

const sqvHelp = spawnSync('sqv', ['--help'], { encoding: 'utf8' });

test('detach makes what sqv accepts', { skip: sqvHelp.error !== undefined && 'sqv is not installed' }, async () => {
  const signature = write('Release.gpg', await signer.detach(Buffer.from(release), now));
  execFileSync('sqv', ['--keyring', write('key.asc', signer.publicKeyArmored), signature, write('Release', release)]);
});

const noCleartext = !sqvHelp.stdout?.includes('--cleartext') && 'this sqv cannot read cleartext signatures';

test('clearsign makes what sqv accepts', { skip: noCleartext }, async () => {
  const inRelease = write('InRelease', await signer.clearsign(release, now));
  const certificate = write('key.asc', signer.publicKeyArmored);
  execFileSync('sqv', ['--keyring', certificate, '--cleartext', '--output', join(directory, 'Release.out'), inRelease]);
  // RFC 9580, 7.2: the line end before the signature does not belong to the text.
  assert.equal(`${readFileSync(join(directory, 'Release.out'), 'utf8')}\n`, release);
});

test('while a key is replaced, those who know the old, the new or both believe it; then only the new', async () => {
  const home = mkdtempSync(join(directory, 'rotation-'));
  const [old, next] = [join(home, 'apps.asc'), join(home, 'apps.20261121.asc')];
  const fingerprints = [
    await createSigningKey(old, { name: 'Old' }, now),
    await createSigningKey(next, { name: 'New' }, now),
  ];
  // Another repository's, and something else.
  await createSigningKey(join(home, 'apps2.asc'), { name: 'Another' }, now);
  writeFileSync(join(home, 'apps.asc.old'), 'no key');
  const both = await loadSigner(old);
  assert.deepEqual(
    both.keys.map((key) => key.fingerprint),
    fingerprints,
  );
  const certificates: string[] = [];
  for (const [at, fingerprint] of fingerprints.entries()) {
    const ring = join(home, `${at}.gpg`);
    execFileSync('gpg', ['--homedir', home, '--no-default-keyring', '--keyring', join(home, 'all.kbx'), '--import'], {
      input: both.publicKeyArmored,
      stdio: ['pipe', 'ignore', 'ignore'],
    });
    const one = ['--homedir', home, '--no-default-keyring', '--keyring', join(home, 'all.kbx')];
    writeFileSync(
      ring,
      execFileSync('gpg', [...one, '--export', fingerprint], { stdio: ['ignore', 'pipe', 'ignore'] }),
    );
    certificates.push(ring);
  }
  const bothRing = join(home, 'both.gpg');
  writeFileSync(bothRing, both.publicKeyBinary);
  const data = join(home, 'Release');
  writeFileSync(data, release);
  const accepted = async (signer: {
    readonly clearsign: typeof both.clearsign;
    readonly detach: typeof both.detach;
  }) => {
    const [clear, detached] = [join(home, 'InRelease'), join(home, 'Release.gpg')];
    writeFileSync(clear, await signer.clearsign(release, now));
    writeFileSync(detached, await signer.detach(Buffer.from(release), now));
    return [...certificates, bothRing].map((ring) => {
      const inline = spawnSync('gpgv', ['--status-fd', '1', '--keyring', ring, clear], { encoding: 'utf8' });
      if (sqvHelp.error === undefined) {
        const sqv = spawnSync('sqv', ['--keyring', ring, detached, data]);
        assert.equal(sqv.status === 0, inline.stdout.includes('VALIDSIG'), `sqv and gpgv with ${ring}`);
      }
      return inline.stdout.includes('VALIDSIG');
    });
  };
  assert.deepEqual(await accepted(both), [true, true, true]);
  rmSync(old);
  const retired = await loadSigner(old);
  assert.deepEqual(
    retired.keys.map((key) => key.fingerprint),
    [fingerprints[1]],
  );
  assert.deepEqual(await accepted(retired), [false, true, true]);
});

test('signing before a key was made, or with none that is valid, is refused', async () => {
  await assert.rejects(signer.clearsign(release, new Date(now.getTime() - 3_600_000)), { code: 'key-expired' });
});
