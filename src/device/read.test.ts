/** Systems made by dpkg itself, of toy packages, in a folder. */
import assert from 'node:assert/strict';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, before, test } from 'node:test';

import { missing, refusal, run } from '../formats/deb/testdata/oracle.ts';
import { DeviceRoot } from '../plumbing/device-root.ts';
import { packagedFiles } from '../plumbing/packaged-files.ts';
import { sha256 } from '../kit/digest.ts';
import { formatManifest, parseManifest, readManifest, verifyAgainst } from './mod.ts';

const skip = missing('dpkg', 'dpkg-deb');
const directory = mkdtempSync(join(tmpdir(), 'sheaf-manifest-'));
const root = join(directory, 'root');
const architecture = skip === false ? run('dpkg', ['--print-architecture']).toString().trim() : '';
const now = new Date('2026-11-21T10:00:00.500Z');
after(() => rmSync(directory, { recursive: true }));

function put(path: string, text: string): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
}

/** A package with md5sums, as debhelper makes them. */
function makeDeb(name: string, version: string, files: Readonly<Record<string, string>>, more = ''): string {
  const tree = join(directory, 'build', name);
  for (const [path, text] of Object.entries(files)) put(join(tree, path), text);
  const conffiles = Object.keys(files).filter((path) => path.startsWith('etc/'));
  const control = `Package: ${name}\nVersion: ${version}\nArchitecture: ${architecture}\nMaintainer: A <a@example.org>\nDescription: a toy\n${more}`;
  put(join(tree, 'DEBIAN/control'), control);
  if (conffiles.length > 0) put(join(tree, 'DEBIAN/conffiles'), conffiles.map((path) => `/${path}\n`).join(''));
  const sums = Object.keys(files).filter((path) => !conffiles.includes(path));
  const lines = sums.map((path) => run('md5sum', [path], { cwd: tree }).toString());
  put(join(tree, 'DEBIAN/md5sums'), lines.join(''));
  chmodSync(join(tree, 'DEBIAN'), 0o755);
  const deb = join(directory, `${name}.deb`);
  run('dpkg-deb', ['--root-owner-group', '-b', tree, deb]);
  return deb;
}

function dpkg(...argv: readonly string[]): string {
  const force = [
    '--force-not-root',
    '--force-bad-path',
    '--force-script-chrootless',
    `--log=${join(directory, 'log')}`,
  ];
  return run('dpkg', [...force, `--root=${root}`, ...argv]).toString();
}

let deb: string;
before(() => {
  if (skip !== false) return;
  for (const folder of ['var/lib/dpkg/info', 'var/lib/dpkg/updates', 'etc'])
    mkdirSync(join(root, folder), { recursive: true });
  for (const file of ['status', 'available']) put(join(root, 'var/lib/dpkg', file), '');
  put(join(root, 'etc/os-release'), 'PRETTY_NAME="Toy 1"\nID=toy\nVERSION_ID=\'1\'\n');
  put(join(root, 'etc/hostname'), 'kiosk\n');
  deb = makeDeb('toy', '1-1', {
    'usr/bin/toy': 'run',
    'usr/share/toy/data': 'data',
    'usr/share/toy/more data': 'more',
    'etc/toy.conf': 'setting',
    'etc/toy2.conf': 'setting',
  });
  const other = makeDeb('other', '1:2', { 'usr/share/other/file': 'other' }, 'Source: others (2)\n');
  const dropped = makeDeb('dropped', '3', { 'etc/dropped.conf': 'x', 'usr/share/dropped/x': 'x' });
  dpkg('-i', deb, other, dropped);
  dpkg('-r', 'dropped');
  run('dpkg', [`--root=${root}`, '--set-selections'], { input: 'other hold\n' });
  put(join(root, 'var/lib/apt/extended_states'), `Package: other\nArchitecture: ${architecture}\nAuto-Installed: 1\n`);
});

const read = (files: boolean, name?: string | true) => readManifest(new DeviceRoot(root), { now, files, name });

test('readManifest tells what dpkg installed, as text that reads back', { skip }, async () => {
  const manifest = await read(true, true);
  const text = formatManifest(manifest);
  assert.equal(
    text,
    [
      `Package: sheaf-manifest\nVersion: 1\nArchitecture: ${architecture}\nOS: Toy 1\nOS-Id: toy\nOS-Version: 1\nName: kiosk`,
      'Date: 2026-11-21T10:00:00Z\nFiles: checked\n',
      `Package: other\nVersion: 1:2\nArchitecture: ${architecture}\nSource: others (2)\nStatus: hold ok installed`,
      'Auto-Installed: yes\n',
      `Package: toy\nVersion: 1-1\nArchitecture: ${architecture}\n`,
    ].join('\n'),
  );
  assert.deepEqual(parseManifest(text), manifest);
});

test('readManifest names files that are not as they came, just as dpkg does', { skip }, async () => {
  put(join(root, 'usr/bin/toy'), 'RUN');
  rmSync(join(root, 'usr/share/toy/more data'));
  put(join(root, 'etc/toy.conf'), 'mine');
  rmSync(join(root, 'etc/toy2.conf'));
  const faults = (await read(true)).packages.find(({ name }) => name === 'toy')?.files;
  assert.deepEqual(faults, {
    altered: ['/usr/bin/toy'],
    missing: ['/usr/share/toy/more data'],
    conffiles: ['/etc/toy.conf', '/etc/toy2.conf'],
    unverified: [],
  });
  let told = '';
  try {
    told = dpkg('--verify');
  } catch (error) {
    told = String((error as { stdout?: Buffer }).stdout);
  }
  const { altered, missing: gone, conffiles } = faults;
  assert.deepEqual(
    told
      .split('\n')
      .flatMap((line) => / (\/.*)$/.exec(line)?.[1] ?? [])
      .sort(),
    [...altered, ...gone, ...conffiles].sort(),
  );
});

test('verifyAgainst finds what dpkg was made to forget', { skip }, async () => {
  put(join(root, 'usr/share/toy/data'), 'evil');
  const info = join(root, 'var/lib/dpkg/info');
  const list = readdirSync(info).find((name) => /^toy.*md5sums$/.test(name))!;
  const sum = run('md5sum', ['usr/share/toy/data', 'usr/bin/toy'], { cwd: root }).toString();
  put(join(info, list), sum);
  const manifest = await read(true);
  assert.deepEqual(manifest.packages.find(({ name }) => name === 'toy')?.files?.altered, []);
  const digest = sha256(readFileSync(deb));
  const { manifest: verified, compared } = await verifyAgainst(
    { root: new DeviceRoot(root), filesOf: ({ name }) => packagedFiles(join(directory, `${name}.deb`), digest) },
    manifest,
  );
  assert.equal(compared, 1);
  assert.deepEqual(verified.packages.find(({ name }) => name === 'toy')?.files, {
    altered: ['/usr/bin/toy', '/usr/share/toy/data'],
    missing: ['/usr/share/toy/more data'],
    conffiles: ['/etc/toy.conf', '/etc/toy2.conf'],
    unverified: [],
  });
});

test('readManifest tells of a list of checksums that is gone, or is none', { skip }, async () => {
  const info = join(root, 'var/lib/dpkg/info');
  const list = readdirSync(info).find((name) => /^toy.*md5sums$/.test(name))!;
  put(join(info, list), 'nonsense\n');
  const unverified = async () => (await read(true)).packages.find(({ name }) => name === 'toy')?.files?.unverified;
  assert.deepEqual(await unverified(), [`/var/lib/dpkg/info/${list}`]);
  rmSync(join(info, list));
  assert.deepEqual(await unverified(), [`/var/lib/dpkg/info/${list}`]);
});

test(
  'readManifest looks for diverted files where they are, and not for those that were left out',
  { skip },
  async () => {
    const system = join(directory, 'small');
    const dpkgFolder = join(system, 'var/lib/dpkg');
    put(join(dpkgFolder, 'status.d/a'), 'Package: a-a\nVersion: 1\nArchitecture: amd64\n');
    const md5 = run('md5sum', ['-'], { input: 'a' }).toString().slice(0, 32);
    const lines = ['bin/a', 'usr/share/doc/a', 'usr/share/doc/copyright', 'link'].map((path) => `${md5}  ${path}\n`);
    put(join(dpkgFolder, 'info/a-a.md5sums'), lines.join(''));
    put(join(dpkgFolder, 'diversions'), '/bin/a\n/bin/a.real\nother\n');
    put(
      join(system, 'etc/dpkg/dpkg.cfg.d/docker'),
      'path-exclude=/usr/share/doc/*\npath-include=/usr/share/doc/copyright\n',
    );
    put(join(system, 'bin/a.real'), 'a');
    put(join(directory, 'outside'), 'a');
    symlinkSync('../outside', join(system, 'link'));
    assert.ok(existsSync(join(system, 'link')));
    const { packages } = await readManifest(new DeviceRoot(system), { now, files: true });
    assert.deepEqual(packages[0]?.files?.missing, ['/link', '/usr/share/doc/copyright']);
  },
);

test('readManifest refuses a folder without a Debian system', async () => {
  await assert.rejects(readManifest(new DeviceRoot(join(directory, 'nothing')), { now }), refusal('no-dpkg', /status/));
});

test('parseManifest says where a manifest is wrong', () => {
  const text =
    'Package: sheaf-manifest\nVersion: 1\nArchitecture: amd64\nDate: 2026-11-21T10:00:00Z\n\nPackage: toy\nVersion: 1\nArchitecture: amd64\n';
  for (const [from, to, code, message] of [
    ['sheaf-manifest', 'sheaf-lock', 'bad-manifest', /does not begin/],
    ['Version: 1', 'Version: 9', 'bad-manifest', /format is "9"/],
    ['Package: toy', 'Package: Toy', 'bad-manifest', /is no name/],
    ['Version: 1\nArchitecture: amd64\n$', 'Version: 1:\nArchitecture: amd64\n', 'bad-field', /Version/],
    ['$', '\nPackage: toy\nVersion: 1\nArchitecture: amd64\n', 'bad-manifest', /stands twice/],
    ['$', 'Status: fine\n', 'bad-field', /Status/],
  ] as const) {
    assert.throws(() => parseManifest(text.replace(new RegExp(from), to)), refusal(code, message));
  }
  assert.throws(() => parseManifest(''), refusal('bad-manifest', /empty/));
});
