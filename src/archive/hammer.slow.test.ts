/** Clients and publishers that come all at once: whoever looks sees one whole suite, and nothing is lost. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { promisify } from 'node:util';

import { aptClient, type AptClient } from '../../test/apt-client.ts';
import { archiveServer } from '../../test/archive-server.ts';
import { readSuite } from '../../test/published-tree.ts';
import { toyArchive, toyDistribution, toyPackage, type ToyArchive } from '../../test/toy-archive.ts';
import { exportArchive } from '../flows/export-archive.ts';
import type { Suite } from '../model/distribution.ts';
import { parseSuiteName } from '../model/names.ts';
import { gunzip } from '../plumbing/compression.ts';
import { exportTree } from '../plumbing/export-tree.ts';
import { acceptBinaries, acceptSource, aptSources, publishSuite, type ArchiveDeps } from './mod.ts';

const run = promisify(execFile);

type World = {
  readonly toy: ToyArchive;
  readonly deps: ArchiveDeps;
  readonly client: (uri?: string) => Promise<AptClient>;
};

async function open(t: TestContext, settings: Partial<Suite> = {}): Promise<World> {
  const toy = await toyArchive(settings);
  const server = await archiveServer(() => toy.deps);
  const distribution = toyDistribution(toy.directory, settings, server.url);
  const deps = { ...toy.deps, distribution };
  const clients: AptClient[] = [];
  t.after(async () => {
    await server.close();
    for (const apt of clients) await apt.close();
    await toy.close();
  });
  return {
    toy,
    deps,
    client: async (uri) => {
      const apt = await aptClient();
      clients.push(apt);
      const suite = distribution.suites.get(parseSuiteName('stable'))!;
      const text = aptSources(distribution, suite, (await deps.signer(suite.repository)).publicKeyArmored);
      await apt.use(uri === undefined ? text : text.replace(/^URIs: .*$/m, `URIs: ${uri}`));
      return apt;
    },
  };
}

const pair = ['left', 'right'];

/** Two source packages of one version, which every snapshot has together. */
async function addPair({ deps }: World, version: string): Promise<void> {
  const requests = await Promise.all(pair.map((name) => toyPackage(deps.blobs, name, version)));
  for (const { source } of requests) assert.equal((await acceptSource(deps, source, new Date())).kind, 'accepted');
  for (const { binaries } of requests) {
    assert.equal((await acceptBinaries(deps, binaries, new Date())).kind, 'accepted');
  }
}

async function runs(apt: AptClient, ...parameters: Parameters<AptClient['run']>): Promise<string> {
  const { code, output } = await apt.run(...parameters);
  assert.equal(code, 0, output);
  assert.doesNotMatch(output, /^[WE]: |mismatch/im, output);
  return output;
}

/** The one version that an updated client has of both packages, by their indexes and by the files it then fetches. */
async function look(apt: AptClient): Promise<string> {
  await runs(apt, 'apt-get', 'update');
  const policy = await runs(apt, 'apt-cache', 'policy', ...pair);
  const versions = [...policy.matchAll(/Candidate: (\S+)/g)].map((match) => match[1]!);
  assert.equal(versions.length, 2, policy);
  assert.equal(versions[0], versions[1], policy);
  await runs(apt, 'apt-get', 'download', ...pair);
  for (const name of pair) await rm(join(apt.directory, `${name}_${versions[0]}_amd64.deb`));
  return versions[0]!;
}

test('apt that updates in a loop while a suite is published in a loop always has one whole suite', async (t) => {
  const world = await open(t);
  const { deps } = world;
  const exported = join(world.toy.directory, 'exported');
  const exportNow = () =>
    exportArchive({ distribution: deps.distribution, directory: deps.directory, tree: exportTree, gunzip }, exported);
  await addPair(world, '1');
  await publishSuite(deps, 'stable', new Date());
  await exportNow();
  const clients = {
    'http:': await world.client(),
    'file: of the archive': await world.client(`file:${join(deps.directory, 'main')}/`),
    'copy: of the archive': await world.client(`copy:${join(deps.directory, 'main')}/`),
    'file: of an export': await world.client(`file:${join(exported, 'main')}/`),
  };
  let publishing = true;
  let version = 1;
  const satisfied = new Set<string>();
  const seen = Object.entries(clients).map(async ([what, apt]) => {
    const versions: number[] = [];
    // Each looks once more when all is done.
    for (let last = false; !last;) {
      last = !publishing;
      versions.push(Number(await look(apt)));
      if (new Set(versions).size > 4) satisfied.add(what);
    }
    assert.deepEqual(
      versions,
      versions.toSorted((a, b) => a - b),
      `${what}: never back to an older one`,
    );
    assert.equal(versions.at(-1), version, `${what} has the newest at the end`);
    t.diagnostic(`${what} looked ${versions.length} times and saw ${new Set(versions).size} of ${version} versions`);
    assert.ok(satisfied.has(what), `${what} has looked meanwhile`);
  });
  // Also when one fails, the publisher ends: the others then see an end too.
  const looking = Promise.all(seen).finally(() => (publishing = false));
  looking.catch(() => {});
  try {
    while (publishing && version < 60 && satisfied.size < Object.keys(clients).length) {
      await addPair(world, String(version + 1));
      version++;
      await publishSuite(deps, 'stable', new Date());
      await exportNow();
    }
  } finally {
    publishing = false;
    await Promise.allSettled(seen);
  }
  await looking;
});

test('two processes that publish one suite at the same time both succeed, and nothing is lost', async (t) => {
  const { toy, deps } = await open(t);
  await publishSuite(deps, 'stable', new Date());
  const count = 12;
  const names = ['one', 'two'];
  const outputs = await Promise.all(
    names.map(async (name) => {
      const script = join(import.meta.dirname, 'testdata/publish-many.ts');
      const { stdout } = await run(process.execPath, [script, toy.directory, toy.database.url, name, String(count)]);
      return stdout.trim().split('\n');
    }),
  );
  assert.deepEqual(
    outputs.map((lines) => lines.length),
    [count, count],
  );
  const made = outputs.flat().flatMap((line) => (line.startsWith('published ') ? [Number(line.split(' ')[1])] : []));
  // What one has taken, the other may have published with its own.
  assert.equal(new Set(made).size, made.length, 'every snapshot was made by one');
  const { rows } = await toy.database.pool.query('select number, state from snapshot order by number');
  assert.deepEqual(
    rows,
    Array.from({ length: made.length + 1 }, (_, at) => ({ number: at + 1, state: 'published' })),
  );
  const { packages } = await readSuite(join(deps.directory, 'main'), 'stable');
  const expected = names.flatMap((name) => Array.from({ length: count }, (_, at) => `${name}-${at + 1}_1_amd64`));
  assert.deepEqual(packages, expected.toSorted());
});

test('apt sees all versions of a suite that keeps them, and installs the one that it is asked for or pinned to', async (t) => {
  const world = await open(t, { versions: 'all' });
  for (const version of ['1.0', '2.0', '1.5']) {
    await addPair(world, version);
    await publishSuite(world.deps, 'stable', new Date());
  }
  for (const uri of [undefined, `file:${join(world.deps.directory, 'main')}/`]) {
    const apt = await world.client(uri);
    await runs(apt, 'apt-get', 'update');
    const madison = await runs(apt, 'apt-cache', 'madison', 'left');
    assert.deepEqual(
      [...madison.matchAll(/^ *left +\| +(\S+) \| +\S+ stable\/main (\S+)/gm)].map(
        (match) => `${match[1]} ${match[2]}`,
      ),
      ['2.0 amd64', '1.5 amd64', '1.0 amd64', '1.0 Sources', '1.5 Sources', '2.0 Sources'],
    );
    const policy = await runs(apt, 'apt-cache', 'policy', 'left');
    assert.match(policy, /Candidate: 2\.0\n\s+Version table:\n\s+2\.0 500\n.*\n\s+1\.5 500\n.*\n\s+1\.0 500\n/);
    assert.match(await runs(apt, 'apt-get', '-s', 'install', 'left'), /^Inst left \(2\.0 /m);
    assert.match(await runs(apt, 'apt-get', '-s', 'install', 'left=1.0'), /^Inst left \(1\.0 /m);
    await runs(apt, 'apt-get', 'download', 'left=1.0', 'right=1.5');
    await runs(apt, 'apt-get', 'source', '--download-only', 'left=1.5');
    const preferences = join(apt.directory, '../etc/apt/preferences.d/toy');
    await writeFile(preferences, 'Package: left\nPin: version 1.5\nPin-Priority: 1001\n');
    assert.match(
      await runs(apt, 'apt-get', '-s', 'install', 'left', 'right'),
      /^Inst left \(1\.5 [^]*^Inst right \(2\.0 /m,
    );
  }
});
