/** The real debsnap of devscripts against the API. Needs the network the first time, for GNU hello. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'node:test';
import { promisify } from 'node:util';

import { serve } from '@hono/node-server';

import { fetchHelloBinaries, fetchHelloSource } from '../../../../test/hello.ts';
import { historyWorld } from '../../../../test/history-world.ts';
import { toyArchive, toyChanges } from '../../../../test/toy-archive.ts';
import { acceptBinaries, acceptSource, publishSuite } from '../../../archive/mod.ts';
import { snapshotApi } from './mod.ts';

const run = promisify(execFile);
const hasDebsnap = await run('debsnap', ['--version']).then(
  () => true,
  () => false,
);

test(
  'debsnap lists and fetches source and binary packages',
  { skip: hasDebsnap ? false : 'no devscripts' },
  async (t) => {
    const toy = await toyArchive();
    const history = await historyWorld();
    const home = await mkdtemp(join(tmpdir(), 'sheaf-debsnap-'));
    const { db, blobs, directory } = toy.deps;
    const api = snapshotApi({ db, blobs, directory, distribution: { upstreams: new Map() }, history: history.deps });
    const server = serve({ fetch: api.fetch, hostname: '127.0.0.1', port: 0 });
    await once(server, 'listening');
    t.after(async () => {
      server.close();
      await history.close();
      await toy.close();
      await rm(home, { recursive: true });
    });
    const source = await fetchHelloSource(blobs);
    const debs = await fetchHelloBinaries(blobs);
    const binaries = [...debs, await toyChanges(blobs, 'hello', '2.10-3', debs)];
    const now = new Date();
    assert.equal((await acceptSource(toy.deps, { suite: 'stable', files: source }, now)).kind, 'accepted');
    assert.equal((await acceptBinaries(toy.deps, { suite: 'stable', files: binaries }, now)).kind, 'accepted');
    await publishSuite(toy.deps, 'stable', now);

    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    await writeFile(join(home, '.devscripts'), `DEBSNAP_BASE_URL=${url}\n`);
    const env = { PATH: process.env['PATH'], HOME: home, LC_ALL: 'C.UTF-8' };
    const debsnap = (...parameters: string[]) => run('debsnap', parameters, { env, cwd: home, timeout: 60_000 });
    const compare = async (folder: string, files: readonly { readonly name: string; readonly sha256: string }[]) => {
      assert.deepEqual(await readdir(join(home, folder)), files.map(({ name }) => name).toSorted());
      for (const file of files) {
        assert.deepEqual(
          await readFile(join(home, folder, file.name)),
          await blobs.read(file.sha256 as never),
          file.name,
        );
      }
    };

    assert.equal((await debsnap('--list', 'hello')).stdout, '2.10-3\n');
    await debsnap('hello');
    await compare('source-hello', source);
    // What is there already by its SHA-1 is not asked for again.
    const again = await debsnap('--verbose', '--force', 'hello', '2.10-3');
    assert.doesNotMatch(again.stdout, /Getting (?:dsc )?file/);

    assert.equal((await debsnap('--binary', '--list', 'hello')).stdout, '2.10-3\n');
    await debsnap('--architecture', 'amd64', 'hello', '2.10-3');
    await compare(
      'binary-hello',
      debs.filter(({ name }) => name.startsWith('hello_')),
    );
    await assert.rejects(debsnap('--list', 'no-such-package'), /Unable to retrieve information/);
  },
);
