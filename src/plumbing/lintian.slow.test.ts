import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { chmod, mkdir, mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'node:test';
import { tmpdir } from 'node:os';
import { promisify } from 'node:util';

import { toyArchive, toyChanges, toyDeb } from '../../test/toy-archive.ts';
import { runLintian } from './lintian.ts';

const run = promisify(execFile);
const toy = await toyArchive();
test.after(() => toy.close());
const { blobs } = toy.deps;
const isInstalled = await stat('/usr/bin/lintian').then(
  () => true,
  () => false,
);
const options = { skip: isInstalled ? false : 'lintian is not installed' };

test(
  'runLintian says what lintian says on the host, overrides included, and leaves nothing behind',
  options,
  async () => {
    const place = await mkdtemp(join(tmpdir(), 'sheaf-toy-'));
    try {
      await chmod(place, 0o711);
      const tree = join(place, 'tree');
      for (const part of ['DEBIAN', 'opt/x', 'usr/share/lintian/overrides'])
        await mkdir(join(tree, part), { recursive: true });
      await writeFile(
        join(tree, 'DEBIAN/control'),
        'Package: toy\nVersion: 1\nArchitecture: all\nMaintainer: A <a@example.org>\nDescription: x\n y\n',
      );
      await writeFile(join(tree, 'opt/x/a\tb'), 'hi');
      await writeFile(join(tree, 'usr/share/lintian/overrides/toy'), 'toy: no-copyright-file\n');
      const deb = join(place, 'toy_1_all.deb');
      await run('dpkg-deb', ['--root-owner-group', '-b', tree, deb]);
      const file = { name: 'toy_1_all.deb', sha256: 'of no use' as never, size: 1 };
      const scratch = join(place, 'scratch');
      await mkdir(scratch);
      const { TMPDIR } = process.env;
      process.env['TMPDIR'] = scratch;
      const report = await runLintian({ bring: async () => deb }, [file]);
      if (TMPDIR === undefined) delete process.env['TMPDIR'];
      else process.env['TMPDIR'] = TMPDIR;
      assert.deepEqual(await readdir(scratch), []);

      const { stdout } = await run('lintian', [
        '--no-cfg',
        '--show-overrides',
        '--display-info',
        '--fail-on',
        'none',
        deb,
      ]);
      const letters = { error: 'E', warning: 'W', info: 'I', pedantic: 'P', classification: 'C' } as const;
      const ours = report.tags.map((tag) => `${tag.overridden ? 'O' : letters[tag.severity]} ${tag.tag}`);
      const theirs = stdout
        .split('\n')
        .flatMap((line) => /^([EWIPO]): toy: (\S+)/.exec(line)?.slice(1, 3).join(' ') ?? []);
      assert.ok(theirs.length > 3);
      assert.deepEqual(ours.toSorted(), theirs.toSorted());
      assert.ok(ours.includes('O no-copyright-file'));
      assert.ok(report.tags.some(({ tag, context }) => tag === 'dir-or-file-in-opt' && context.includes('opt/x/')));
      assert.match(report.version, /^2\./);
    } finally {
      await rm(place, { recursive: true });
    }
  },
);

test('runLintian looks at a .changes with all its files, and finds one whose files differ', options, async () => {
  const files = [await toyDeb(blobs, 'toy-c', '1', { name: 'toy-c' })];
  const report = await runLintian(blobs, [...files, await toyChanges(blobs, 'toy-c', '1', files)]);
  // The toy's .changes has MD5 sums of nothing.
  assert.ok(
    report.tags.some(({ tag, file }) => tag === 'checksum-mismatch-in-changes-file' && file.endsWith('.changes')),
  );
});

test('runLintian refuses what lintian cannot read', options, async () => {
  const broken = { name: 'toy_1_all.deb', ...(await blobs.putBytes('this is no package')) };
  await assert.rejects(runLintian(blobs, [broken]), { code: 'lintian-failed' });
});
