import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { copyFile, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';

import { aptClient } from '../../test/apt-client.ts';
import { toyArchive, toyPackage, type ToyArchive, type ToyBinary } from '../../test/toy-archive.ts';
import { acceptBinaries, acceptSource, aptSources, publishSuite } from './mod.ts';

const now = new Date();
const missing = ['apt-get', 'apt-file'].find((name) => spawnSync(name, ['--version']).error !== undefined);
const skip = missing === undefined ? false : `${missing} is not installed`;

async function add({ deps }: ToyArchive, name: string, version: string, binaries: readonly ToyBinary[]) {
  const requests = await toyPackage(deps.blobs, name, version, binaries);
  assert.equal((await acceptSource(deps, requests.source, now)).kind, 'accepted');
  assert.equal((await acceptBinaries(deps, requests.binaries, now)).kind, 'accepted');
}

async function sources(toy: ToyArchive): Promise<string> {
  const suite = [...toy.deps.distribution.suites.values()][0]!;
  const key = await readFile(join(toy.directory, 'archive/main/key.asc'), 'utf8');
  return aptSources({ url: `file:${toy.directory}/archive` }, suite, key);
}

test(
  'apt-file finds the packages of files, of `all` too, also after a change',
  { skip, timeout: 120_000 },
  async (t) => {
    const toy = await toyArchive({ contents: true });
    t.after(toy.close);
    const client = await aptClient();
    t.after(client.close);
    await copyFile(
      '/etc/apt/apt.conf.d/50apt-file.conf',
      join(client.directory, '../etc/apt/apt.conf.d/50apt-file.conf'),
    );
    await add(toy, 'toy-alpha', '1', [{ name: 'toy-alpha' }, { name: 'toy-alpha-doc', architecture: 'all' }]);
    await publishSuite(toy.deps, 'stable', now);
    await client.use(await sources(toy));
    const find = async (path: string) => {
      const { output } = await client.run('apt-file', 'search', path);
      return output.trimEnd().split('\n').toSorted();
    };
    const update = async () => {
      const updated = await client.run('apt-get', 'update', '--error-on=any');
      assert.equal(updated.code, 0, updated.output);
      return updated.output;
    };
    const output = await update();
    assert.match(output, /Contents/);
    assert.deepEqual(await find('toy/toy-alpha'), [
      'toy-alpha-doc: /usr/share/toy/toy-alpha-doc/version',
      'toy-alpha: /usr/share/toy/toy-alpha/version',
    ]);
    await add(toy, 'toy-beta', '1', [{ name: 'toy-beta' }]);
    // apt of Debian 13 refuses a signature of the future.
    await sleep(1100);
    await publishSuite(toy.deps, 'stable', new Date());
    await update();
    assert.deepEqual(await find('/usr/share/toy/toy-beta/version'), ['toy-beta: /usr/share/toy/toy-beta/version']);
    const list = await client.run('apt-file', 'list', 'toy-alpha');
    assert.equal(list.output, 'toy-alpha: /usr/share/toy/toy-alpha/version\n');
  },
);

test('apt shows the long description that only Translation-en has', { skip, timeout: 120_000 }, async (t) => {
  const toy = await toyArchive({ translation: true });
  t.after(toy.close);
  const client = await aptClient();
  t.after(client.close);
  const text = 'naïve — ünïcode\nFirst paragraph.\n\n * verbatim  line\n...\nEnd of the story.';
  await add(toy, 'toy-alpha', '1', [
    { name: 'toy-alpha', fields: { Description: text } },
    { name: 'toy-short', fields: { Description: 'only a line' } },
  ]);
  await publishSuite(toy.deps, 'stable', now);
  await client.use(await sources(toy));
  const english = ['-o', 'Acquire::Languages=en'];
  const show = async (...languages: string[]) =>
    (await client.run('apt-cache', 'show', 'toy-alpha', ...languages)).output;
  assert.equal((await client.run('apt-get', 'update', '--error-on=any')).code, 0);
  assert.doesNotMatch(await show(), /End of the story/);
  const updated = await client.run('apt-get', 'update', '--error-on=any', ...english);
  assert.equal(updated.code, 0, updated.output);
  assert.match(
    await show(...english),
    /^Description-en: naïve — ünïcode\n First paragraph\.\n \.\n {2}\* verbatim {2}line\n \.\.\.\.\n End of the story\.$/m,
  );
  assert.match(
    (await client.run('apt-cache', 'show', 'toy-short', ...english)).output,
    /^Description-en: only a line$/m,
  );
  const found = await client.run('apt-cache', 'search', 'story', ...english);
  assert.match(found.output, /^toy-alpha - naïve — ünïcode$/m);
});
