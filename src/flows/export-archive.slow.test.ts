/** Real apt reads an export from the disk, and from a static server that knows nothing of archives. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'node:test';

import { aptClient } from '../../test/apt-client.ts';
import { toyArchive, toyPackage } from '../../test/toy-archive.ts';
import { acceptBinaries, acceptSource, aptSources, publishSuite } from '../archive/mod.ts';
import { parseSuiteName } from '../model/names.ts';
import { exportTree } from '../plumbing/export-tree.ts';
import { exportArchive } from './export-archive.ts';

test('apt reads an exported archive by file:, copy: and a plain static server', async (t) => {
  const toy = await toyArchive();
  const target = await mkdtemp(join(tmpdir(), 'sheaf-export-'));
  const apt = await aptClient();
  const server = spawn('python3', ['-u', '-m', 'http.server', '0', '--bind', '127.0.0.1', '--directory', target], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  t.after(async () => {
    server.kill();
    await apt.close();
    await toy.close();
    await rm(target, { recursive: true });
  });
  const port = await new Promise<string>((resolve, reject) => {
    let said = '';
    server.on('error', reject);
    server.stdout.on('data', (chunk: Buffer) => {
      said += chunk.toString();
      const found = / port (\d+)/.exec(said)?.[1];
      if (found !== undefined) resolve(found);
    });
  });
  const { deps } = toy;
  const suite = deps.distribution.suites.get(parseSuiteName('stable'))!;
  const sources = aptSources(deps.distribution, suite, (await deps.signer(suite.repository)).publicKeyArmored);
  for (const version of ['1.0', '2.0']) {
    const requests = await toyPackage(deps.blobs, 'toy', version);
    assert.equal((await acceptSource(deps, requests.source, new Date())).kind, 'accepted');
    assert.equal((await acceptBinaries(deps, requests.binaries, new Date())).kind, 'accepted');
    await publishSuite(deps, 'stable', new Date());
    const gunzip = deps.compression.gunzip;
    await exportArchive(
      { distribution: deps.distribution, directory: deps.directory, tree: exportTree, gunzip },
      target,
    );
    for (const uri of [`http://127.0.0.1:${port}/main/`, `file:${target}/main/`, `copy:${target}/main/`]) {
      await apt.use(sources.replace(/^URIs: .*$/m, `URIs: ${uri}`));
      for (const parameters of [['update'], ['download', 'toy'], ['source', '--download-only', 'toy']]) {
        const { code, output } = await apt.run('apt-get', ...parameters);
        assert.equal(code, 0, output);
        assert.doesNotMatch(output, /^[WE]: /m, output);
      }
      const files = await readdir(apt.directory);
      assert.ok(files.includes(`toy_${version}_amd64.deb`) && files.includes(`toy_${version}.dsc`), uri);
      for (const name of files) await rm(join(apt.directory, name));
    }
  }
});
