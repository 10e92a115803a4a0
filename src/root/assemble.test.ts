/** The trees and archives that assemble.pl makes of the store. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';

import { runChecked } from '../plumbing/process.ts';
import { tool } from './inside.ts';

test('assemble packs files that other roots are linked to meanwhile', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'sheaf-assemble-'));
  const entry = join(directory, 'store/toy');
  await mkdir(join(entry, 'data/usr'), { recursive: true });
  await mkdir(join(entry, 'control'));
  await writeFile(join(entry, 'data/usr/file'), new Uint8Array(2 ** 26));
  await writeFile(join(entry, 'list'), './\n./usr/\n./usr/file\n');
  await writeFile(join(entry, 'dpkg'), 'preinst\n');
  await writeFile(
    join(entry, 'control/control'),
    'Package: toy\nVersion: 1\nArchitecture: all\nMaintainer: T <t@example.org>\nDescription: test\n',
  );
  const link = '$| = 1; while (1) { link $ARGV[0], $ARGV[1]; print "linked\\n" if !$n++; unlink $ARGV[1] }';
  const linking = spawn('perl', ['-e', link, join(entry, 'data/usr/file'), join(directory, 'other')], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  try {
    await once(linking.stdout, 'data');
    const places = ['tree', 'status', 'debs'].map((name) => join(directory, name));
    const words = [join(directory, 'store'), ...places, '', 'layer', '0', 'toy', 'toy.deb'];
    const { argv } = await tool('assemble', words);
    assert.equal(await runChecked(argv), 'toy\n');
    const contents = await runChecked(['dpkg-deb', '--contents', join(directory, 'debs/toy.deb')]);
    assert.match(contents, / 67108864 .* \.\/usr\/file\n$/);
  } finally {
    const gone = once(linking, 'exit');
    linking.kill('SIGKILL');
    await gone;
    await rm(directory, { recursive: true });
  }
});
