/** A real system of Debian's essential packages, with a file altered, a package removed and a version held. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { appendFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';

import { smallLock, smallRoot, testCache } from '../../../../test/small-root.ts';
import type { DeviceDifference } from '../../../flows/device-diff.ts';
import { run } from '../../../formats/deb/testdata/oracle.ts';
import { formatLock } from '../../../lock/mod.ts';

const checkout = join(import.meta.dirname, '../../../..');
const directory = mkdtempSync(join(tmpdir(), 'sheaf-device-'));
const root = join(directory, 'root');
const lockFile = join(directory, 'device.lock');
after(() => rmSync(directory, { recursive: true, force: true }));

function sheaf(...args: string[]) {
  const env = { ...process.env, SHEAF_DIR: '', SHEAF_CACHE: testCache, NO_COLOR: '1' };
  return spawnSync(join(checkout, 'sheaf'), args, { cwd: directory, encoding: 'utf8', env, maxBuffer: 2 ** 28 });
}

function diff(...args: string[]): DeviceDifference {
  const { stdout, stderr } = sheaf('device', 'diff', ...args, '--json');
  assert.notEqual(stdout, '', stderr);
  return JSON.parse(stdout) as DeviceDifference;
}

const kindsOf = ({ packages }: DeviceDifference) =>
  packages.filter(({ kinds }) => kinds[0] !== 'same').map(({ name, kinds }) => `${name} ${kinds.join(' ')}`);

/** As root: the files of a root belong to ids of its own. */
const skip = process.getuid?.() === 0 ? false : 'must be root';

before(async () => {
  writeFileSync(lockFile, formatLock(await smallLock()));
  if (skip !== false) return;
  const merged = join(directory, 'merged');
  mkdirSync(merged);
  const { layers } = await smallRoot();
  if (layers.length === 1) run('mount', ['--bind', layers[0]!, merged]);
  else run('mount', ['-t', 'overlay', 'overlay', '-o', `ro,lowerdir=${layers.join(':')}`, merged]);
  try {
    run('cp', ['-aT', merged, root]);
  } finally {
    run('umount', [merged]);
  }
});

test('device diff finds nothing on a system that was made of its lock, byte by byte', { skip }, () => {
  const found = diff('--root', root, '--files', lockFile);
  assert.deepEqual(kindsOf(found), []);
  assert.equal(found.differs, false);
  assert.equal(found.compared, found.packages.length + found.counts.same);
});

test('device diff tells what became of it, from a manifest of either kind', { skip }, () => {
  appendFileSync(join(root, 'usr/bin/sed'), 'x');
  appendFileSync(join(root, 'etc/debconf.conf'), '# mine\n');
  const status = join(root, 'var/lib/dpkg/status');
  const stanzas = readFileSync(status, 'utf8').split('\n\n');
  const changed = stanzas.flatMap((text) => {
    if (text.startsWith('Package: ncurses-bin\n')) return [];
    if (text.startsWith('Package: grep\n'))
      return [text.replace('install ok', 'hold ok').replace(/^Version: .*$/m, 'Version: 3.0')];
    if (text.startsWith('Package: gzip\n')) return [text.replace(/^Version: .*$/m, 'Version: 9')];
    if (text.startsWith('Package: hostname\n')) return [text.replace('ok installed', 'ok half-configured')];
    return [text];
  });
  changed.splice(-1, 0, 'Package: zz-own\nStatus: install ok installed\nArchitecture: all\nVersion: 1');
  writeFileSync(status, changed.join('\n\n'));
  const expected = [
    ...['debconf edited', 'grep behind held', 'gzip ahead', 'hostname half-installed', 'ncurses-bin missing'],
    ...['sed tampered', 'zz-own foreign'],
  ];
  assert.deepEqual(kindsOf(diff('--root', root, '--files', lockFile)), expected);

  const manifest = join(directory, 'own.manifest');
  assert.equal(sheaf('manifest', '--root', root, '--files', '--output', manifest).status, 0);
  assert.deepEqual(kindsOf(diff(manifest, lockFile)), expected);
  const difference = sheaf('device', 'diff', manifest, lockFile);
  assert.equal(difference.status, 1);
  assert.match(difference.stdout, /tampered\n {2}PACKAGE .*\n {2}sed:.*\n {6}altered {5}\/bin\/sed\n/);

  assertScriptAgrees();
});

test('a script finds what was put in place of files, diverted, or left without checksums', { skip }, () => {
  const at = (path: string) => join(root, path);
  const dpkg = 'var/lib/dpkg';
  for (const path of ['usr/bin/tac', 'usr/bin/factor', 'usr/bin/yes', `${dpkg}/info/tar.md5sums`]) rmSync(at(path));
  mkdirSync(at('usr/bin/tac'));
  run('mkfifo', [at('usr/bin/factor')]);
  symlinkSync('nowhere', at('usr/bin/yes'));
  writeFileSync(at('usr/bin/dirname.real'), 'evil');
  writeFileSync(at(`${dpkg}/diversions`), '/usr/bin/dirname\n/usr/bin/dirname.real\n:\n');
  writeFileSync(at(`${dpkg}/info/diffutils.md5sums`), 'none\n');
  const odd = 'usr/share/odd x\\x2d';
  for (const text of ['odd', 'even']) {
    writeFileSync(at(`${odd}${text}`), 'odd');
    const sum = run('md5sum', ['-'], { input: text }).toString().slice(0, 32);
    appendFileSync(at(`${dpkg}/info/dash.md5sums`), `${sum}  ${odd}${text}\n`);
  }
  const text = assertScriptAgrees();
  for (const expected of [
    'Altered-Files:\n /usr/bin/dirname\n /usr/bin/factor\n /usr/bin/tac\nMissing-Files:\n /usr/bin/yes\n',
    `Altered-Files:\n /${odd}even\n\n`,
    `Unverified-Files:\n /${dpkg}/info/tar.md5sums\n`,
    `Unverified-Files:\n /${dpkg}/info/diffutils.md5sums\n`,
  ]) {
    assert.ok(text.includes(expected), expected);
  }
});

/** Gives the manifest. */
function assertScriptAgrees(): string {
  const script = sheaf('manifest', '--script').stdout;
  const text = sheaf('manifest', '--root', root, '--files').stdout;
  run('mount', ['--bind', '/dev', join(root, 'dev')]);
  try {
    const told = run('chroot', [root, 'sh', '-s', '--', '--files'], { input: script }).toString();
    const withoutDate = (each: string) => each.replace(/^Date: .*\n/m, '');
    assert.equal(withoutDate(told), withoutDate(text));
  } finally {
    run('umount', [join(root, 'dev')]);
  }
  return text;
}

test('device diff says what it cannot do', () => {
  const cases: readonly (readonly [readonly string[], RegExp])[] = [
    [['none.manifest', lockFile], /Cannot read none.manifest: there is no such file/],
    [['--root', 'none', lockFile], /installed in none: there is no such folder/],
    [['--root', directory, lockFile], /installed in .*sheaf-device-.*: var\/lib\/dpkg\/status has no package/],
    [['--root', '/', 'none.lock'], /Cannot read the lock none.lock: there is none[^]*sheaf lock create/],
    [['--files', 'x', lockFile], /Cannot compare files: a manifest names files/],
    [['--root', '/', 'stable'], /no such lock file, and no distribution/],
    [['only-one'], /nothing to compare it with/],
  ];
  for (const [words, message] of cases) {
    const { status, stderr } = sheaf('device', 'diff', ...words);
    assert.match(stderr, message);
    assert.equal(status, 2, stderr);
  }
});
