/** apt of real Debian releases, which comes to the newest indexes by patches. Needs the network the first time only. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import test from 'node:test';
import { gunzipSync } from 'node:zlib';

import { inDebian } from '../../test/debian-client.ts';
import { addQuickPackages, fillSuite } from '../../test/quick-packages.ts';
import { toyArchive, toyDistribution } from '../../test/toy-archive.ts';
import { archiveFiles } from '../apps/server/archive-files.ts';
import { parseSuiteName } from '../model/names.ts';
import { aptSources, publishSuite } from './mod.ts';

/** An archive of 300 packages, over HTTP; what clients ask for is written down. */
async function open(pdiffs: number) {
  const toy = await toyArchive({ pdiffs });
  const asked: string[] = [];
  let round = 1;
  const publish = async (times: number) => {
    for (let left = times; left > 0; left--) {
      const version = String(++round);
      const binaries = [{ name: 'toy', version, architecture: 'amd64' }];
      await addQuickPackages(toy.deps, 'stable', { name: 'toy', version, component: 'main', binaries }, new Date());
      await publishSuite(toy.deps, 'stable', new Date());
    }
  };
  let afterRelease: (() => Promise<void>) | undefined;
  /** What a client does in the sandbox to have something happen here. */
  const steps = new Map<string, () => Promise<void> | void>();
  const listener = archiveFiles(toy.deps, (_, response) => response.writeHead(404).end());
  const server = createServer((request, response) => {
    const path = request.url!;
    const step = /^\/step\/(.*)$/.exec(path)?.[1];
    if (step !== undefined) {
      asked.push(`step ${step}`);
      void Promise.resolve(steps.get(step)!()).then(() => response.end('done\n'));
      return;
    }
    response.on('finish', () => asked.push(`${path} ${response.statusCode}`));
    // Publishes when the client has had the InRelease, and has asked for nothing else yet.
    const waiting = path.endsWith('/InRelease') ? undefined : afterRelease;
    if (waiting === undefined) return listener(request, response);
    afterRelease = undefined;
    void waiting().then(() => listener(request, response));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const distribution = toyDistribution(toy.directory, { pdiffs }, url);
  const suite = distribution.suites.get(parseSuiteName('stable'))!;
  const filling = Array.from({ length: 300 }, (_, number) => {
    const name = `package-${String(number).padStart(4, '0')}`;
    const noise = createHash('sha512').update(name).digest('hex');
    const control = `Package: ${name}\nVersion: 1\nArchitecture: amd64\nDescription: ${noise}\n`;
    return { name, version: '1', architecture: 'amd64', source: name, sourceVersion: '1', control };
  });
  await fillSuite(toy.deps, 'stable', filling, new Date());
  await publish(1);
  const dists = join(toy.directory, 'archive/main/dists/stable');
  return {
    publish,
    asked,
    steps,
    url,
    publishAfterRelease: (times: number) => {
      afterRelease = () => publish(times);
    },
    sources: aptSources(distribution, suite, (await toy.deps.signer(suite.repository)).publicKeyArmored),
    /** Hashes of the newest indexes. */
    hashes: async () => {
      const hashOf = async (path: string) =>
        createHash('sha256').update(gunzipSync(await readFile(join(dists, path)))).digest('hex'); // prettier-ignore
      return [await hashOf('main/binary-amd64/Packages.gz'), await hashOf('main/source/Sources.gz')];
    },
    close: async () => {
      server.close();
      server.closeAllConnections();
      await toy.close();
    },
  };
}

const kinds = {
  patch: /(?:Packages|Sources)\.diff\/\d{8}T\d{6}Z\.gz 200$/,
  Index: /(?:Packages|Sources)\.diff\/by-hash\/SHA256\/[0-9a-f]{64} 200$/,
  whole: /(?:binary-amd64|source)\/by-hash\/SHA256\/[0-9a-f]{64} 200$/,
  release: /\/InRelease (?:200|304)$/,
};

for (const release of ['bookworm', 'trixie']) {
  test(`apt of Debian (${release}) follows a suite by patches`, async (t) => {
    const world = await open(6);
    t.after(world.close);
    const expected: Record<string, string[]> = {};
    const step = (name: string, work: () => Promise<void> | void) => {
      world.steps.set(name, async () => {
        await work();
        expected[name] = await world.hashes();
      });
    };
    step('first', () => {});
    step('three', () => world.publish(3));
    step('none', () => {});
    step('beyond', () => world.publish(8));
    step('one', () => world.publish(1));
    // What the client gets is still what the InRelease says that it has read before.
    step('race', async () => {
      await world.publish(2);
      world.publishAfterRelease(2);
    });
    step('six', () => world.publish(4));
    const names = ['first', 'three', 'none', 'beyond', 'one', 'race', 'six'];
    const script = [
      'set -e',
      'rm -f /etc/apt/sources.list /etc/apt/sources.list.d/*',
      'cp /run/given/toy.sources /etc/apt/sources.list.d/',
      'apt-get --version | head -n 1',
      ...names.flatMap((name) => [
        `/usr/lib/apt/apt-helper -q download-file ${world.url}/step/${name} /tmp/step-${name} > /dev/null`,
        'apt-get -q update 2>&1',
        `for kind in Packages Sources; do echo "${name}: $(/usr/lib/apt/apt-helper cat-file /var/lib/apt/lists/*_$kind | sha256sum)"; done`,
      ]),
    ].join('\n');
    const output = await inDebian(release, script, { 'toy.sources': world.sources });
    assert.doesNotMatch(output, /^[WE]: /m, output);
    t.diagnostic(/^apt .*$/m.exec(output)![0]);
    const seen: Record<string, string[]> = {};
    for (const [, name, hash] of output.matchAll(/^(\w+): ([0-9a-f]{64}) /gm)) (seen[name!] ??= []).push(hash!);
    assert.deepEqual(seen, expected);
    const counts: Record<string, string> = {};
    let name = '';
    for (const line of world.asked) {
      if (line.startsWith('step ')) counts[(name = line.slice(5))] = '';
      const kind = Object.entries(kinds).find(([, pattern]) => pattern.test(line))?.[0];
      if (kind !== undefined)
        counts[name] = [...counts[name]!.split(' '), kind].filter((each) => each !== '').toSorted().join(' '); // prettier-ignore
      else assert.ok(line.startsWith('step '), line);
    }
    const times = (count: number, what: string) => Array.from({ length: count }, () => what);
    const byPatches = (count: number) => [...times(2, 'Index'), ...times(2 * count, 'patch'), 'release'].join(' ');
    assert.deepEqual(counts, {
      first: 'release whole whole',
      three: byPatches(3),
      none: 'release',
      beyond: 'Index Index release whole whole',
      one: byPatches(1),
      race: byPatches(2),
      // Of which two were published in the race.
      six: byPatches(6),
    });
  });
}
