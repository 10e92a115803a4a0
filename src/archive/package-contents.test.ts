import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';

import { toyArchive } from '../../test/toy-archive.ts';
import { findPaths, readMissingContents } from './package-contents.ts';

/** A real package with files of these names; dpkg-deb would refuse some. */
function deb(t: TestContext, names: readonly string[]): Buffer {
  const directory = mkdtempSync(join(tmpdir(), 'sheaf-contents-'));
  t.after(() => rmSync(directory, { recursive: true }));
  const root = join(directory, 'root');
  mkdirSync(root);
  const control = 'Package: odd\nVersion: 1\nArchitecture: all\nMaintainer: A <a@example.org>\nDescription: odd\n';
  writeFileSync(join(directory, 'control'), control);
  writeFileSync(join(directory, 'debian-binary'), '2.0\n');
  for (const name of names) {
    mkdirSync(join(root, name, '..'), { recursive: true });
    writeFileSync(join(root, name), '');
  }
  symlinkSync('nowhere', join(root, 'a-link'));
  const run = (program: string, ...parameters: string[]) =>
    execFileSync(program, parameters, { cwd: directory, stdio: 'pipe' });
  run('tar', '-czf', 'control.tar.gz', './control');
  run('tar', '-czf', 'data.tar.gz', '-C', 'root', '.');
  run('ar', 'rc', 'odd.deb', 'debian-binary', 'control.tar.gz', 'data.tar.gz');
  return readFileSync(join(directory, 'odd.deb'));
}

test('findPaths has the files and links of a package, without names that no line can say', async (t) => {
  const toy = await toyArchive();
  t.after(toy.close);
  const { deps } = toy;
  const odd = ['usr/new\nline', 'usr/tab\there', 'usr/behind ', ' before/x', 'usr/\u007f', 'usr/no-break\u00a0'];
  const good = ['usr/b c,d', 'usr/é', 'usr/𝄞', 'etc/z', `usr/${'long/'.repeat(60)}name`];
  const { sha256 } = await deps.blobs.putBytes(deb(t, [...odd, ...good]));
  const packages = [{ sha256, filename: 'pool/odd.deb' }];
  await readMissingContents(deps, packages);
  const bytes = Buffer.from((await findPaths(deps, packages)).get(sha256)!, 'latin1');
  const wanted = ['a-link', ...good].map((path) => Buffer.from(`${path}\n`)).toSorted(Buffer.compare);
  assert.equal(bytes.toString(), Buffer.concat(wanted).toString());
});

test('readMissingContents reads each package once, and a damaged one never again', async (t) => {
  const toy = await toyArchive();
  t.after(toy.close);
  const { deps } = toy;
  const whole = deb(t, ['usr/x']);
  const good = await deps.blobs.putBytes(whole);
  const cut = await deps.blobs.putBytes(whole.subarray(0, whole.length - 100));
  const packages = [good, cut].map(({ sha256 }) => ({ sha256, filename: `pool/${sha256}.deb` }));
  await readMissingContents(deps, packages);
  const paths = await findPaths(deps, packages);
  assert.deepEqual([paths.get(good.sha256), paths.get(cut.sha256)], ['a-link\nusr/x\n', '']);
  await deps.blobs.remove(good.sha256);
  await deps.blobs.remove(cut.sha256);
  await readMissingContents(deps, packages);
  const gone = await deps.blobs.putBytes('gone');
  await deps.blobs.remove(gone.sha256);
  await assert.rejects(
    readMissingContents(deps, [{ sha256: gone.sha256, filename: 'pool/gone.deb' }]),
    /ENOENT|Cannot read blob/,
  );
});
