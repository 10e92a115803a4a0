/** The trees and archives that assemble.pl makes of the store. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { test } from 'node:test';

import { runChecked } from '../plumbing/process.ts';
import { tool } from './inside.ts';

/** A directory with a store of one package, whose files these are; `dpkg` says why only dpkg can install it. */
async function storeOf(files: Readonly<Record<string, Uint8Array>>, dpkg?: string): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'sheaf-assemble-'));
  const entry = join(directory, 'store/toy');
  await mkdir(join(entry, 'control'), { recursive: true });
  const control = 'Package: toy\nVersion: 1\nArchitecture: all\nMaintainer: T <t@example.org>\nDescription: test\n';
  await writeFile(join(entry, 'control/control'), control);
  if (dpkg !== undefined) await writeFile(join(entry, 'dpkg'), `${dpkg}\n`);
  for (const [name, bytes] of Object.entries(files)) {
    await mkdir(dirname(join(entry, 'data', name)), { recursive: true });
    await writeFile(join(entry, 'data', name), bytes);
  }
  await writeFile(
    join(entry, 'list'),
    Object.keys(files)
      .map((name) => `./${name}\n`)
      .join(''),
  );
  return directory;
}

/** The packages that dpkg has to unpack. */
async function assemble(directory: string, ...below: readonly string[]): Promise<string> {
  const places = ['store', 'tree', 'status', 'debs', 'came'].map((name) => join(directory, name));
  const { argv } = await tool('assemble', [...places, '', 'layer', String(below.length), ...below, 'toy', 'toy.deb']);
  return runChecked(argv);
}

test('assemble leaves to dpkg what a package below has an interest in', async () => {
  const files = { 'usr/share/watched/by/another': new Uint8Array() };
  const directories = await Promise.all([storeOf(files), storeOf(files)]);
  const below = await mkdtemp(join(tmpdir(), 'sheaf-assemble-'));
  try {
    await mkdir(join(below, 'var/lib/dpkg/triggers'), { recursive: true });
    const interests = [
      '/usr/share/watch other',
      '/usr/share/watched/by/another/one other',
      '/usr/share/watched toy/noawait',
    ];
    const write = async (lines: readonly string[]) =>
      writeFile(join(below, 'var/lib/dpkg/triggers/File'), lines.map((line) => `${line}\n`).join(''));
    await write(interests.slice(0, 2));
    assert.equal(await assemble(directories[0]!, below), '');
    await write(interests);
    assert.equal(await assemble(directories[1]!, below), 'toy\n');
  } finally {
    for (const each of [...directories, below]) await rm(each, { recursive: true });
  }
});

test('assemble packs files that other roots are linked to meanwhile', async () => {
  const directory = await storeOf({ 'usr/file': new Uint8Array(2 ** 26) }, 'preinst');
  const link = '$| = 1; while (1) { link $ARGV[0], $ARGV[1]; print "linked\\n" if !$n++; unlink $ARGV[1] }';
  const names = [join(directory, 'store/toy/data/usr/file'), join(directory, 'other')];
  const linking = spawn('perl', ['-e', link, ...names], { stdio: ['ignore', 'pipe', 'inherit'] });
  try {
    await once(linking.stdout, 'data');
    assert.equal(await assemble(directory), 'toy\n');
    const contents = await runChecked(['dpkg-deb', '--contents', join(directory, 'debs/toy.deb')]);
    assert.match(contents, / 67108864 .* \.\/usr\/file\n$/);
  } finally {
    const gone = once(linking, 'exit');
    linking.kill('SIGKILL');
    await gone;
    await rm(directory, { recursive: true });
  }
});
