import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';

import type { Finding } from './finding.ts';
import { profileCommand } from './namespaces.ts';
import { formatFindings } from './examine.ts';

const directory = mkdtempSync(join(tmpdir(), 'sheaf-doctor-test-'));
after(() => rmSync(directory, { recursive: true }));
// A machine that has perl and nothing else in its PATH.
symlinkSync('/usr/bin/perl', join(directory, 'perl'));

function doctor(...args: string[]) {
  const main = join(import.meta.dirname, '../main.ts');
  const { status, stdout } = spawnSync(process.execPath, [main, 'doctor', ...args], {
    encoding: 'utf8',
    cwd: directory,
    env: { PATH: directory, HOME: directory },
  });
  return { status, stdout };
}

test('sheaf doctor names the package of every program that is missing, and exits with 3', () => {
  const { status, stdout } = doctor('--for', 'server', '--json');
  const { ready, findings } = JSON.parse(stdout) as { ready: boolean; findings: Finding[] };
  assert.deepEqual([status, ready], [3, false]);
  const git = findings.find(({ name }) => name === 'git');
  assert.equal(git?.state, 'missing');
  assert.match(git.fix ?? '', /apt-get install git$/);
  assert.equal(findings.find(({ name }) => name === 'node')?.state, 'ok');
  assert.ok(!findings.some(({ name }) => name === 'perl'), 'perl is for workers');
});

test('sheaf doctor --for worker looks for what a worker needs', () => {
  const { findings } = JSON.parse(doctor('--for', 'worker', '--json').stdout) as { findings: Finding[] };
  assert.equal(findings.find(({ name }) => name === 'perl')?.state, 'ok');
  assert.equal(findings.find(({ name }) => name === 'flock')?.state, 'missing');
  for (const name of ['sandbox', 'user namespaces', 'apparmor', 'subordinate ids']) {
    assert.ok(
      findings.some((each) => each.name === name),
      name,
    );
  }
});

test('sheaf doctor looks for lintian when a suite of the distribution asks for it', () => {
  const place = mkdtempSync(join(directory, 'asks-'));
  const names = (settings: string) => {
    writeFileSync(join(place, 'sheaf.toml'), settings);
    const { findings } = JSON.parse(doctor('-C', place, '--for', 'server', '--json').stdout) as { findings: Finding[] };
    return findings.map(({ name, message }) => (name === 'sheaf.toml' ? `${name}: ${message}` : name));
  };
  const smallest = readFileSync(join(import.meta.dirname, '../../../policy/testdata/valid/smallest.toml'), 'utf8');
  const without = names(smallest);
  assert.ok(!without.includes('lintian') && !without.includes('sandbox'), without.join());
  const asking = names(smallest.replace(/^\[suite\.\S+\]$/m, '$&\nlintian = true'));
  assert.ok(asking.includes('lintian') && asking.includes('sandbox'), asking.join());
});

test('formatFindings makes one apt-get of several, and keeps the other commands', () => {
  const lines = formatFindings([
    { name: 'a', state: 'missing', message: 'not installed', fix: 'sudo apt-get install git' },
    { name: 'b', state: 'missing', message: 'not installed', fix: 'sudo apt-get install uidmap' },
    { name: 'c', state: 'missing', message: 'not installed', fix: 'sudo apt-get install uidmap' },
    { name: 'd', state: 'missing', message: 'off', fix: 'sudo sysctl -w x=1' },
    { name: 'e', state: 'ok', message: 'fine' },
  ]);
  assert.deepEqual(lines.slice(-3), [
    '4 missing. To add it:',
    '  sudo apt-get install git uidmap',
    '  sudo sysctl -w x=1',
  ]);
});

test('profileCommand writes a profile for one program', () => {
  const script = profileCommand('/opt/sheaf "x"/node')
    .replaceAll('sudo ', '')
    .replace(/ \| tee \S+ && .*$/, '');
  const { stdout } = spawnSync('sh', ['-c', script], { encoding: 'utf8' });
  assert.match(stdout, /^profile sheaf ".*node" flags=\(unconfined\) \{\n {2}userns,\n\}\n$/m);
});
