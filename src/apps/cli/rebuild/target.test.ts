/** Which published files a .buildinfo and a folder are about. */
import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';

import { debOf } from '../../../formats/deb/testdata/archive.ts';
import { sha256 } from '../../../kit/digest.ts';
import { parseArchitecture } from '../../../model/names.ts';
import { Blobs } from '../../../plumbing/blobs.ts';
import { findTarget, type TargetDeps } from './target.ts';

const directory = await mkdtemp(join(tmpdir(), 'sheaf-target-'));
after(() => rm(directory, { recursive: true }));

const packages = [
  ['kiosk_1.0_amd64.deb', 'kiosk', '2:1.0'],
  ['kiosk-data_7.0_all.deb', 'kiosk-data', '3:7.0'],
  ['kiosk-udeb_1.0_all.udeb', 'kiosk-udeb', '2:1.0'],
] as const;
const files = packages.map(([file, name, version]) => {
  const architecture = file.includes('_all.') ? 'all' : 'amd64';
  const control = `Package: ${name}\nSource: kiosk (2:1.0)\nVersion: ${version}\nArchitecture: ${architecture}\nMaintainer: A <a@b>\nDescription: x\n`;
  return { file, bytes: debOf([], { control }) };
});
const dsc =
  'Format: 3.0 (native)\nSource: kiosk\nBinary: kiosk\nArchitecture: any\nVersion: 2:1.0\nMaintainer: A <a@b>\n' +
  `Checksums-Sha256:\n ${sha256('tar')} 3 kiosk_1.0.tar.xz\nFiles:\n ${'0'.repeat(32)} 3 kiosk_1.0.tar.xz\n`;
const record =
  'Format: 1.0\nSource: kiosk\nBinary: kiosk kiosk-data kiosk-udeb\nArchitecture: all amd64\nVersion: 2:1.0\n' +
  `Checksums-Sha256:\n${files.map(({ file, bytes }) => ` ${sha256(bytes)} ${bytes.length} ${file}\n`).join('')}` +
  'Build-Architecture: amd64\nInstalled-Build-Depends:\n base-files (= 1)\n';

const deps = (name: string): TargetDeps => {
  const blobs = new Blobs(join(directory, name));
  return { house: undefined, blobs, architecture: parseArchitecture('amd64'), from: undefined };
};
const alone = join(directory, 'kiosk_1.0_amd64.buildinfo');
await writeFile(alone, record);

const versions = async (name: string, word: string) => {
  const { original } = await findTarget(deps(name), word);
  return original.files.map((each) => `${each.file} ${each.name} ${each.version} ${each.architecture}`).toSorted();
};

test('findTarget takes versions from the names of files that are not there, which leave the epoch out', async () => {
  assert.deepEqual(await versions('absent', alone), [
    'kiosk-data_7.0_all.deb kiosk-data 7.0 all',
    'kiosk-udeb_1.0_all.udeb kiosk-udeb 2:1.0 all',
    'kiosk_1.0_amd64.deb kiosk 2:1.0 amd64',
  ]);
});

test('findTarget takes packages for the installer too, and versions from the packages themselves', async () => {
  for (const { file, bytes } of files) await writeFile(join(directory, file), bytes);
  await writeFile(join(directory, 'kiosk_1.0.dsc'), dsc);
  const all = [
    'kiosk-data_7.0_all.deb kiosk-data 3:7.0 all',
    'kiosk-udeb_1.0_all.udeb kiosk-udeb 2:1.0 all',
    'kiosk_1.0_amd64.deb kiosk 2:1.0 amd64',
  ];
  assert.deepEqual(await versions('beside', alone), all);
  assert.deepEqual(await versions('folder', directory), all);
  assert.deepEqual(await versions('single', join(directory, 'kiosk-udeb_1.0_all.udeb')), [all[1]]);
});
