/** Real apt as the client of published suites, over HTTP and from the disk. */
import assert from 'node:assert/strict';
import { readFile, readdir, rm, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';

import { aptClient, type AptClient } from '../../../test/apt-client.ts';
import { archiveServer } from '../../../test/archive-server.ts';
import { fetchHelloBinaries, fetchHelloSource } from '../../../test/hello.ts';
import { toyArchive, toyChanges, toyDistribution, toyPackage, type ToyArchive } from '../../../test/toy-archive.ts';
import { acceptBinaries, acceptSource, aptSources, publishSuite, type ArchiveDeps } from '../../archive/mod.ts';
import type { Suite } from '../../model/distribution.ts';
import { parseSuiteName } from '../../model/names.ts';

type World = {
  readonly toy: ToyArchive;
  readonly deps: ArchiveDeps;
  readonly suite: Suite;
  readonly url: string;
  /** Paths that clients asked for. */
  readonly asked: string[];
  readonly apt: AptClient;
  /** What `aptSources` gives, for the repository or for another address. */
  readonly sources: (uri?: string) => Promise<string>;
};

async function open(t: TestContext, settings: Partial<Suite> = {}): Promise<World> {
  const toy = await toyArchive(settings);
  const server = await archiveServer(() => toy.deps);
  const { url, asked } = server;
  const distribution = toyDistribution(toy.directory, settings, url);
  const deps = { ...toy.deps, distribution };
  const suite = distribution.suites.get(parseSuiteName('stable'))!;
  const apt = await aptClient();
  t.after(async () => {
    await server.close();
    await apt.close();
    await toy.close();
  });
  const sources = async (uri?: string) => {
    const text = aptSources(distribution, suite, (await deps.signer(suite.repository)).publicKeyArmored);
    return uri === undefined ? text : text.replace(/^URIs: .*$/m, `URIs: ${uri}`);
  };
  return { toy, deps, suite, url, asked, apt, sources };
}

async function addHello({ deps }: World): Promise<void> {
  const now = new Date();
  const source = await acceptSource(deps, { suite: 'stable', files: await fetchHelloSource(deps.blobs) }, now);
  assert.equal(source.kind, 'accepted', JSON.stringify(source));
  const debs = await fetchHelloBinaries(deps.blobs);
  const files = [...debs, await toyChanges(deps.blobs, 'hello', '2.10-3', debs)];
  const binaries = await acceptBinaries(deps, { suite: 'stable', files }, now);
  assert.equal(binaries.kind, 'accepted', JSON.stringify(binaries));
}

async function addToy({ deps }: World, version: string): Promise<void> {
  const requests = await toyPackage(deps.blobs, 'toy', version, [
    { name: 'toy' },
    { name: 'toy-data', architecture: 'all' },
  ]);
  assert.equal((await acceptSource(deps, requests.source, new Date())).kind, 'accepted');
  assert.equal((await acceptBinaries(deps, requests.binaries, new Date())).kind, 'accepted');
}

async function runs(apt: AptClient, ...parameters: Parameters<AptClient['run']>): Promise<string> {
  const { code, output } = await apt.run(...parameters);
  assert.equal(code, 0, output);
  assert.doesNotMatch(output, /^[WE]: /m, output);
  return output;
}

test('apt installs a real package from a published suite, by the sources that aptSources gives', async (t) => {
  const world = await open(t);
  await addHello(world);
  await addToy(world, '1.0');
  await publishSuite(world.deps, 'stable', new Date());
  await world.apt.use(await world.sources());
  await runs(world.apt, 'apt-get', 'update');
  assert.ok(
    world.asked.some((path) => /\/by-hash\/SHA256\/[0-9a-f]{64}$/.test(path)),
    'apt fetches by hash',
  );
  assert.ok(!world.asked.some((path) => /binary-all|i18n/.test(path)), 'apt asks for nothing that it does not need');
  assert.ok(!world.asked.includes('404'), world.asked.join(' '));

  const policy = await runs(world.apt, 'apt-cache', 'policy', 'hello');
  assert.match(policy, /Candidate: 2\.10-3/);
  assert.match(policy, new RegExp(`${world.url}/main stable/main amd64 Packages`));
  await runs(world.apt, 'apt-get', 'download', 'hello', 'toy', 'toy-data');
  const deb = await readFile(join(world.apt.directory, 'hello_2.10-3_amd64.deb'));
  assert.equal(deb.length, 53_080);
  const plan = await runs(world.apt, 'apt-get', '-s', 'install', 'hello', 'toy', 'toy-data');
  assert.match(plan, /^Inst hello \(2\.10-3 Toy packages:stable \[amd64\]\)$/m);
  assert.match(plan, /^Inst toy-data \(1\.0 Toy packages:stable \[all\]\)$/m);
  await runs(world.apt, 'apt-get', 'source', '--download-only', 'hello');
  assert.ok((await readdir(world.apt.directory)).includes('hello_2.10.orig.tar.gz'));
});

test('apt sees each publication at once, and asks for nothing twice', async (t) => {
  const world = await open(t);
  const version = async () => /Candidate: (\S+)/.exec(await runs(world.apt, 'apt-cache', 'policy', 'toy'))?.[1];
  // All within a second or two: what counts is that every one has a later time of modification.
  const now = new Date();
  await addToy(world, '1.0');
  await publishSuite(world.deps, 'stable', now);
  await world.apt.use(await world.sources());
  for (const next of ['1.1', '1.2', '1.3']) {
    await runs(world.apt, 'apt-get', 'update');
    await addToy(world, next);
    await publishSuite(world.deps, 'stable', now);
    await runs(world.apt, 'apt-get', 'update');
    assert.equal(await version(), next);
  }
  world.asked.length = 0;
  assert.match(await runs(world.apt, 'apt-get', 'update'), /^Hit:1 /m);
  assert.deepEqual(world.asked, ['/main/dists/stable/InRelease', '304']);
});

test('apt installs from a snapshot by its id, by its number, and from the disk', async (t) => {
  const world = await open(t);
  await addToy(world, '1.0');
  const first = await publishSuite(world.deps, 'stable', new Date());
  assert.equal(first.kind, 'published');
  await addToy(world, '2.0');
  await publishSuite(world.deps, 'stable', new Date());
  const root = join(world.deps.directory, 'main');
  for (const [uri, version] of [
    [`${world.url}/snapshot/stable@${first.snapshotId}/`, '1.0'],
    [`${world.url}/snapshot/stable@1/`, '1.0'],
    [`${world.url}/snapshot/stable@2/`, '2.0'],
    [`file:${root}/`, '2.0'],
    [`file:${root}/snapshot/stable/1/`, '1.0'],
    [`copy:${root}/`, '2.0'],
  ] as const) {
    await world.apt.use(await world.sources(uri));
    await runs(world.apt, 'apt-get', 'update');
    await rm(join(world.apt.directory, `toy_${version}_amd64.deb`), { force: true });
    await runs(world.apt, 'apt-get', 'download', 'toy');
    assert.ok((await readdir(world.apt.directory)).includes(`toy_${version}_amd64.deb`), uri);
  }
});

test('apt fetches what an InRelease read before the pointer moved promises', async (t) => {
  const world = await open(t);
  await addToy(world, '1.0');
  await publishSuite(world.deps, 'stable', new Date());
  await world.apt.use(await world.sources());
  await runs(world.apt, 'apt-get', 'update');
  // Its indexes are forgotten, but not the InRelease, which a proxy on the way would still give out.
  await addToy(world, '2.0');
  const old = await readFile(join(world.deps.directory, 'main/dists/stable/InRelease'), 'utf8');
  await publishSuite(world.deps, 'stable', new Date());
  const [digest] = /^ ([0-9a-f]{64}) +\d+ main\/binary-amd64\/Packages\.xz$/m.exec(old)!.slice(1);
  const response = await fetch(`${world.url}/main/dists/stable/main/binary-amd64/by-hash/SHA256/${digest}`);
  assert.equal(response.status, 200);
  await runs(world.apt, 'apt-get', 'download', 'toy');
  assert.ok((await readdir(world.apt.directory)).includes('toy_1.0_amd64.deb'));
});

test('apt refuses a suite that was changed, signed by another key, or has expired', async (t) => {
  const world = await open(t);
  await addToy(world, '1.0');
  const old = new Date(Date.now() - 30 * 86_400_000);
  await publishSuite(world.deps, 'stable', old);
  await world.apt.use(await world.sources());
  const expired = await world.apt.run('apt-get', 'update');
  assert.match(expired.output, /is expired/);
  assert.notEqual(expired.code, 0);

  await publishSuite(world.deps, 'stable', new Date());
  const other = await toyArchive();
  t.after(other.close);
  const key = (await other.deps.signer(world.suite.repository)).publicKeyArmored;
  await world.apt.use(aptSources(world.deps.distribution, world.suite, key));
  assert.match((await world.apt.run('apt-get', 'update')).output, /NO_PUBKEY|Missing key|not signed/);

  await world.apt.use(await world.sources());
  const path = join(world.deps.directory, 'main/dists/stable/InRelease');
  await writeFile(path, (await readFile(path, 'utf8')).replace('Label: Toy packages', 'Label: Bad packages'));
  await utimes(path, new Date(), new Date(Date.now() + 60_000));
  assert.match((await world.apt.run('apt-get', 'update')).output, /BADSIG|Bad signature|not signed|NOSPLIT|invalid/i);
});
