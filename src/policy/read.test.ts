import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';

import { parseDistribution, readDistribution } from './mod.ts';

const directory = mkdtempSync(join(tmpdir(), 'sheaf-policy-'));
after(() => rmSync(directory, { recursive: true }));

const settings = `name = "Grove"
[git]
directories = ["git"]
[upstream.debian]
url = "http://deb.debian.org/debian"
suites = ["bookworm"]
keyring = "keys/ada.gpg"
[repository.main]
[suite.stable]
architectures = ["amd64"]
[person.ada]
openpgp = ["keys/ada.asc"]
[webhook.forge]
[notifier.chat]
kind = "matrix"
url = "http://127.0.0.1:1"
room = "!a:b"
`;

function gpg(...args: string[]): Buffer {
  const home = join(directory, 'gnupg');
  mkdirSync(home, { recursive: true, mode: 0o700 });
  return execFileSync(
    'gpg',
    ['--homedir', home, '--batch', '--pinentry-mode', 'loopback', '--passphrase', '', ...args],
    {
      stdio: ['ignore', 'pipe', 'ignore'],
    },
  );
}

test('readDistribution wants every file that the settings name', async () => {
  writeFileSync(join(directory, 'sheaf.toml'), settings);
  const problems = async () => {
    try {
      await readDistribution(directory);
      return [];
    } catch (error) {
      return (error as Error).message.replaceAll(`${directory}/`, '').split('\n');
    }
  };
  assert.deepEqual(await problems(), [
    'Cannot read settings: 5 problems',
    '  sheaf.toml:3:16: git.directories[0]: there is no file git',
    '  sheaf.toml:7:11: upstream.debian.keyring: there is no file keys/ada.gpg',
    '  sheaf.toml:12:12: person.ada.openpgp[0]: there is no file keys/ada.asc',
    '  sheaf.toml:13:2: webhook.forge.secret-file: there is no file secrets/webhook-forge',
    '  sheaf.toml:14:2: notifier.chat.token-file: there is no file secrets/notifier-chat',
  ]);

  gpg('--quick-generate-key', 'Ada <ada@example.org>', 'ed25519', 'sign', '1d');
  mkdirSync(join(directory, 'keys'));
  mkdirSync(join(directory, 'secrets'));
  writeFileSync(join(directory, 'git'), '');
  writeFileSync(join(directory, 'keys/ada.gpg'), 'no keyring');
  writeFileSync(join(directory, 'keys/ada.asc'), gpg('--armor', '--export-secret-keys'));
  writeFileSync(join(directory, 'secrets/webhook-forge'), 'a'.repeat(40), { mode: 0o644 });
  chmodSync(join(directory, 'secrets/webhook-forge'), 0o644);
  writeFileSync(join(directory, 'secrets/notifier-chat'), 'short\n', { mode: 0o600 });
  assert.deepEqual(await problems(), [
    'Cannot read settings: 5 problems',
    '  sheaf.toml:3:16: git.directories[0]: git is not a folder',
    '  sheaf.toml:7:11: upstream.debian.keyring: keys/ada.gpg is not an OpenPGP keyring',
    '  sheaf.toml:12:12: person.ada.openpgp[0]: keys/ada.asc holds a private key: only the public key belongs here (gpg --armor --export)',
    '  sheaf.toml:13:2: webhook.forge.secret-file: secrets/webhook-forge has mode 0644, expected 0600: others can read this secret (chmod 600 secrets/webhook-forge)',
    '  sheaf.toml:14:2: notifier.chat.token-file: secrets/notifier-chat holds fewer than 16 characters, too few for a secret',
  ]);

  rmSync(join(directory, 'git'));
  mkdirSync(join(directory, 'git'));
  writeFileSync(join(directory, 'keys/ada.gpg'), gpg('--export'));
  writeFileSync(join(directory, 'keys/ada.asc'), gpg('--armor', '--export'));
  chmodSync(join(directory, 'secrets/webhook-forge'), 0o600);
  writeFileSync(join(directory, 'secrets/notifier-chat'), 'long-enough-for-a-token');
  assert.deepEqual(await problems(), []);
  const distribution = await readDistribution(directory);
  assert.deepEqual(distribution.git.directories, [join(directory, 'git')]);
  gpg('--list-keys');
  execFileSync('gpgconf', ['--homedir', join(directory, 'gnupg'), '--kill', 'all']);
});

test('parseDistribution says who may read a secret', () => {
  const text = 'name = "T"\n[repository.main]\n[suite.s]\nrepository = "main"\n[webhook.w]\nkind = "generic"\n';
  const unreadable = () => ({ kind: 'file' as const, readable: false, mode: 0, size: 0, head: '' });
  assert.throws(() => parseDistribution(text, 'sheaf.toml', '/d', unreadable), {
    code: 'bad-settings',
    message: /\/d\/secrets\/webhook-w cannot be read by this user: run it as the user that owns the distribution/,
  });
});

test('readDistribution names the way out when the folder is none', async () => {
  await assert.rejects(readDistribution(join(directory, 'nowhere')), { code: 'no-distribution', kind: 'usage' });
});

test('readDistribution takes UTF-8 with or without a mark before it, and nothing else', async () => {
  const folder = join(directory, 'encodings');
  mkdirSync(folder);
  const write = (bytes: Buffer) => writeFileSync(join(folder, 'sheaf.toml'), bytes);
  const read = () => readDistribution(folder, { files: false });
  write(Buffer.from(`\ufeff${settings.replace('Grove', 'Größe')}`));
  assert.equal((await read()).name, 'Größe');
  write(Buffer.from(`${settings}[person.jose]\nfull-name = "José"\n`, 'latin1'));
  await assert.rejects(read(), { code: 'bad-settings', place: { file: join(folder, 'sheaf.toml'), line: 19 } });
});
