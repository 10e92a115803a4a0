/** A source package put by real dput, built by the real worker, installed by apt; with the server killed on its way. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';

import { aptClient } from './apt-client.ts';
import { dputHost, type DputHost } from './dput-host.ts';
import { pipe } from './signers.ts';
import { writeToyPackage } from './toy-package.ts';
import { until } from './until.ts';
import { makeWorld, type World } from './world.ts';

const run = promisify(execFile);
const minutes = 60_000;
const noPort = 'this dput asks port 80, which is not free for us';

let world: World;
let way: DputHost | undefined;
before(async () => {
  world = await makeWorld({ build: ['lease = "5s"', 'attempts = 20'] });
  await writeFile(join(world.directory, 'secrets/uploaders'), 'tess:se:cret\n', { mode: 0o600 });
  way = await dputHost(world.url);
});
after(async () => {
  await way?.close();
  await world.close();
});

/** The path of a signed `.changes`, its files beside it. */
async function makeUpload(name: string, version: string, kind: 'source' | 'full'): Promise<string> {
  const folder = join(world.directory, `${name}-${version}-${kind}`);
  const tree = join(folder, 'tree');
  await mkdir(tree, { recursive: true });
  await writeToyPackage(tree, { name, version, distribution: 'stable' });
  await run('dpkg-buildpackage', ['-us', '-uc', '-d', `--build=${kind}`], { cwd: tree });
  const changes = join(folder, `${name}_${version}_${kind === 'source' ? 'source' : 'amd64'}.changes`);
  const { home, email } = world.maintainer;
  const argv = ['gpg', '--homedir', home, '--batch', '--yes', '-u', email, '--clearsign'] as const;
  await writeFile(changes, await pipe([...argv], await readFile(changes)));
  return changes;
}

/** The settings for dput that docs/upload-packages.md shows, for this server. */
async function documentedTarget(): Promise<string> {
  const text = await readFile(join(import.meta.dirname, '../docs/upload-packages.md'), 'utf8');
  const [settings] = /^\[grove\]\n(?:.+ = .+\n)+/m.exec(text) ?? [];
  assert.ok(settings !== undefined, 'the document shows the settings of dput');
  return settings.replace('packages.grove.example', way!.host).replace('https', 'http').replace('ann', 'tess');
}

async function dput(changes: string): Promise<string> {
  const target = join(world.directory, 'dput.cf');
  await writeFile(target, await documentedTarget());
  // Without a terminal dput reads the password from its standard input.
  const output = await pipe(['setsid', '-w', 'dput', '-u', '-c', target, 'grove', changes], 'se:cret\n', {
    env: { HOME: world.directory, USER: 'tess', GNUPGHOME: world.maintainer.home },
  });
  return output.toString();
}

test(
  'an uploaded source waits for a worker, survives kill -9, is built and installed',
  { timeout: 5 * minutes },
  async (t) => {
    if (way === undefined) return t.skip(noPort);
    let server = await world.startServer();
    assert.match(await dput(await makeUpload('toy-put', '1', 'source')), /Successfully uploaded/);
    await until(async () => (await jobs('toy-put')).some(({ state }) => state === 'Needs-Build'));
    await server.kill();
    server = await world.startServer();
    const worker = await world.startWorker();
    await until(async () => (await wayOf('toy-put'))?.state === 'DONE');
    assert.deepEqual(await jobs('toy-put'), [{ kind: 'binary', state: 'Installed' }]);

    const shown = await world.sheaf('package', 'show', 'toy-put');
    assert.match(shown, /toy-put_1_source\.changes, signed by tess, was uploaded for suite stable/);
    assert.match(shown, /OpenPGP key/);
    assert.match(shown, /the source package and 1 binary package entered repository main/);
    assert.match(await world.sheaf('job', 'list'), /toy-put/);
    const client = await aptClient();
    try {
      const key = join(world.directory, 'state/archive/main/key.gpg');
      await client.use(`Types: deb\nURIs: ${world.url}/main\nSuites: stable\nComponents: main\nSigned-By: ${key}\n`);
      for (const words of [['update'], ['-s', 'install', 'toy-put'], ['download', 'toy-put']]) {
        const { code, output } = await client.run('apt-get', ...words);
        assert.equal(code, 0, output);
      }
      const { stdout } = await run('dpkg-deb', ['-c', join(client.directory, 'toy-put_1_all.deb')]);
      assert.match(stdout, /usr\/share\/doc\/toy-put\/README/);
    } finally {
      await client.close();
    }

    // The version means this source from now on, also for tags.
    const { repository, tag } = await world.release({ name: 'toy-put', version: '1' });
    const refused = await world.sheaf('intake', 'tag', repository, tag, '--suite', 'stable', '--json').catch(outputOf);
    assert.match(refused, /version-reused/);
    await worker.stop();
    await server.stop();
  },
);

test('an upload with all its packages is built by nobody, and needs no server', { timeout: 5 * minutes }, async () => {
  const changes = await makeUpload('toy-full', '1', 'full');
  assert.match(
    await world.sheaf('suite', 'include', 'stable', changes),
    /Accepted toy-full 1: toy-full_1_all, in stable@/,
  );
  assert.equal((await wayOf('toy-full'))?.state, 'DONE');
  assert.deepEqual(await jobs('toy-full'), []);
  const shown = await world.sheaf('package', 'show', 'toy-full');
  assert.match(shown, /the source package and 1 binary package entered repository main/);
  assert.match(shown, /✔ +Everything|PUBLISHED/);
  const again = JSON.parse(await world.sheaf('suite', 'include', 'stable', changes, '--json')) as object;
  assert.match(JSON.stringify(again), /"already":true/);
});

test('packages that come while their build waits take its place', { timeout: 5 * minutes }, async (t) => {
  if (way === undefined) return t.skip(noPort);
  const server = await world.startServer();
  await dput(await makeUpload('toy-late', '1', 'source'));
  await until(async () => (await jobs('toy-late')).length === 1);
  const full = await makeUpload('toy-late', '1', 'full');
  const deb = join(full, '../toy-late_1_all.deb');
  await world.sheaf('suite', 'include', 'stable', '--unsigned', deb);
  await until(async () => (await wayOf('toy-late'))?.state === 'DONE');
  assert.deepEqual(await jobs('toy-late'), [{ kind: 'binary', state: 'Cancelled' }]);
  await server.stop();
});

function outputOf(error: { stdout: string; stderr: string }): string {
  return error.stdout + error.stderr;
}

function wayOf(source: string) {
  return world.database.db
    .selectFrom('tag_build')
    .select('state')
    .where('source', '=', source)
    .where('upload', 'is not', null)
    .executeTakeFirst();
}

async function jobs(source: string) {
  return world.database.db
    .selectFrom('job')
    .innerJoin('tag_build', 'tag_build.id', 'job.tag_build')
    .select(['job.kind', 'job.state'])
    .where('tag_build.source', '=', source)
    .execute();
}
