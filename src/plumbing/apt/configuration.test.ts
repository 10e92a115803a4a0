import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';

import { formatAptConfiguration, formatSources, listPrefix } from './configuration.ts';

test('formatAptConfiguration makes apt look nowhere but into its own directory', (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'sheaf-apt-'));
  t.after(() => rmSync(directory, { recursive: true }));
  const file = join(directory, 'apt.conf');
  writeFileSync(file, formatAptConfiguration({ directory, architecture: 'arm64', user: 'root' }));
  const dump = execFileSync('apt-config', ['dump'], {
    env: { PATH: process.env['PATH'], APT_CONFIG: file },
  }).toString();
  assert.match(dump, /^APT::Architecture "arm64";$/m);
  assert.match(dump, /^Acquire::ForceHash "SHA256";$/m);
  for (const name of ['sourceparts', 'sourcelist', 'trusted', 'trustedparts', 'preferences', 'preferencesparts']) {
    const value = new RegExp(`^Dir::Etc::${name} "(.*)";$`, 'm').exec(dump)?.[1];
    assert.ok(value === '/dev/null' || value?.startsWith(directory), `${name}: ${value}`);
  }
});

test('formatAptConfiguration refuses a path that apt.conf cannot hold', () => {
  assert.throws(() => formatAptConfiguration({ directory: '/a"b', architecture: 'amd64', user: '' }), {
    code: 'bad-path',
  });
});

const keys = Buffer.from('two keys');
const source = { url: 'http://h/debian/', suites: ['a', 'b'], components: ['main'], keyring: '/k.gpg', keys };
const armored = (content: string, headers = '') =>
  `-----BEGIN PGP PUBLIC KEY BLOCK-----\n${headers}\n${content}\n-----END PGP PUBLIC KEY BLOCK-----\n`;

test('formatSources writes one stanza per archive and refuses what is no address', () => {
  const stanza =
    'Types: deb\nURIs: http://h/debian\nSuites: a b\nComponents: main\nArchitectures: amd64\nSigned-By:\n' +
    ` ${armored('dHdvIGtleXM=', '.').replaceAll('\n', '\n ').trimEnd()}\n`;
  assert.equal(formatSources([source, source], 'amd64'), `${stanza}\n${stanza}`);
  for (const url of ['http://a http://b', 'ext::sh -c id', '-o x', 'http://a\nTrusted: yes']) {
    assert.throws(() => formatSources([{ ...source, url }], 'amd64'), { code: 'bad-address' });
  }
});

test('formatSources makes one block of every form of a keyring, since apt reads no second one', () => {
  const stanza = formatSources([source], 'amd64');
  const two = `${armored('dHdvIA==\n=abcd', 'Comment: one\n')}and\n${armored('a2V5\ncw==')}`;
  for (const form of [two, two.replaceAll('\n', '\r\n')]) {
    assert.equal(formatSources([{ ...source, keys: Buffer.from(form) }], 'amd64'), stanza);
  }
});

test('listPrefix names files as apt does', () => {
  assert.equal(listPrefix('http://deb.debian.org/debian'), 'deb.debian.org_debian_');
  assert.equal(listPrefix('http://user:pw@127.0.0.1:8080/a_b/'), '127.0.0.1:8080_a%5fb_');
});
