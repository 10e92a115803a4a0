/** `apt --snapshot ID` of a real Debian 13, against the running server. Needs the network the first time only. */
import assert from 'node:assert/strict';
import test from 'node:test';

import { archiveServer } from '../../../../test/archive-server.ts';
import { inDebian } from '../../../../test/debian-client.ts';
import { toyArchive, toyDistribution, toyPackage } from '../../../../test/toy-archive.ts';
import { acceptBinaries, acceptSource, aptSources, publishSuite, type ArchiveDeps } from '../../../archive/mod.ts';
import { parseSuiteName } from '../../../model/names.ts';

async function addToy(deps: ArchiveDeps, version: string): Promise<void> {
  const requests = await toyPackage(deps.blobs, 'toy', version);
  assert.equal((await acceptSource(deps, requests.source, new Date())).kind, 'accepted');
  assert.equal((await acceptBinaries(deps, requests.binaries, new Date())).kind, 'accepted');
}

test('apt of Debian 13 goes to a snapshot by its id, and to a moment at which nothing was published', async (t) => {
  const toy = await toyArchive();
  const server = await archiveServer(() => toy.deps);
  t.after(async () => {
    await server.close();
    await toy.close();
  });
  const distribution = toyDistribution(toy.directory, {}, server.url);
  const deps = { ...toy.deps, distribution };
  const suite = distribution.suites.get(parseSuiteName('stable'))!;

  const day = 86_400_000;
  const ids: string[] = [];
  // The first two have expired long since.
  for (const [version, age] of [
    ['1.0', 40],
    ['2.0', 20],
    ['3.0', 0],
  ] as const) {
    await addToy(deps, version);
    const done = await publishSuite(deps, 'stable', new Date(Date.now() - age * day));
    assert.equal(done.kind, 'published');
    ids.push(done.snapshotId);
  }
  const between = new Date(Date.now() - 10 * day).toISOString().slice(0, 10).replaceAll('-', '');
  const sources = aptSources(distribution, suite, (await deps.signer(suite.repository)).publicKeyArmored);
  const steps = [
    'set -e',
    'rm -f /etc/apt/sources.list /etc/apt/sources.list.d/*',
    'cp /run/given/toy.sources /etc/apt/sources.list.d/',
    'apt --version',
    // As with every archive of snapshots: they are older than their Release files allow.
    'echo \'Acquire::Check-Valid-Until "false";\' > /etc/apt/apt.conf.d/snapshots',
    'apt-get -q update',
    'echo "now: $(apt-cache policy toy | sed -n "s/.*Candidate: //p")"',
    ...[...ids, `${between}T000000Z`].flatMap((id) => [
      `apt-get -q -S ${id} update`,
      `cd /tmp; apt-get -q -S ${id} download toy; echo "${id}: $(ls toy_*)"; rm toy_*`,
    ]),
    // A source that names its snapshot itself.
    `sed 's/^Types:/Snapshot: ${ids[0]}\\nTypes:/' /run/given/toy.sources > /etc/apt/sources.list.d/toy.sources`,
    'apt-get -q update',
    'apt-get -q -y -o Dpkg::Options::=--force-unsafe-io install toy',
    'echo "named: $(dpkg-query -W -f \'${Version}\' toy)"',
    // A whole repository at a moment is an address of its own.
    `sed 's|^URIs:.*|URIs: ${distribution.url}/archive/main/${between}T000000Z/|' /run/given/toy.sources > /etc/apt/sources.list.d/toy.sources`,
    'apt-get -q update',
    'echo "moment: $(apt-cache policy toy | sed -n "s/.*Candidate: //p")"',
  ];
  const output = await inDebian('trixie', steps.join('\n'), { 'toy.sources': sources });
  assert.match(output, /^apt 3\./m);
  const said = [...output.matchAll(/^(now|moment|named|\d{8}T\d{6}Z): (.*)$/gm)].map(([, what, version]) => [
    what,
    version,
  ]);
  assert.deepEqual(said, [
    ['now', '3.0'],
    ...ids.map((id, index) => [id, `toy_${index + 1}.0_amd64.deb`]),
    [`${between}T000000Z`, 'toy_2.0_amd64.deb'],
    ['named', '1.0'],
    ['moment', '2.0'],
  ]);
});
