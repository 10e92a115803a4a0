/** Rebuilds of an upstream's packages, where the upstream serves other bytes than its index says. */
import assert from 'node:assert/strict';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, before, beforeEach, test } from 'node:test';

import { FakeMirror, misbehaviours as bad } from '../../test/fake-mirror.ts';
import { fakeUpstream } from '../../test/follow-world.ts';
import { historyWorld, type HistoryWorld } from '../../test/history-world.ts';
import { toyDistribution } from '../../test/toy-archive.ts';
import { sha256 } from '../kit/digest.ts';
import type { BuildSpec } from '../model/job.ts';
import type { RebuildResult } from '../model/rebuild.ts';
import { parseArchitecture } from '../model/names.ts';
import { Blobs } from '../plumbing/blobs.ts';
import { createMirrorClient } from '../plumbing/mirror/client.ts';
import { findPublished } from './rebuild-original.ts';
import type { PlanHouse } from './rebuild-plan.ts';
import { rebuild, type RebuildDeps } from './rebuild.ts';

const amd64 = parseArchitecture('amd64');
const deb = Buffer.from('the published package');
const tar = Buffer.from('the source');
const dsc = Buffer.from(
  `Format: 3.0 (native)\nSource: toy\nVersion: 1\nArchitecture: any\nBinary: toy\nChecksums-Sha256:\n ${sha256(tar)} ${tar.length} toy_1.tar.xz\nFiles:\n d41d8cd98f00b204e9800998ecf8427e ${tar.length} toy_1.tar.xz\n`,
);
const pool = {
  'pool/main/t/toy/toy_1_amd64.deb': deb,
  'pool/main/t/toy/toy_1.dsc': dsc,
  'pool/main/t/toy/toy_1.tar.xz': tar,
};

let mirror: FakeMirror;
let world: HistoryWorld;
let directory: string;
let house: PlanHouse;

before(async () => {
  mirror = await FakeMirror.start();
  world = await historyWorld();
  const sums = `\n${sha256(dsc)} ${dsc.length} toy_1.dsc\n${sha256(tar)} ${tar.length} toy_1.tar.xz`;
  await world.record(
    { origin: 'toy', suite: 'trixie', snapshotId: '20260101T000000Z' },
    [{ name: 'toy', version: '1', sha256: sha256(deb), size: deb.length }],
    [{ name: 'toy', version: '1', fields: { 'Checksums-Sha256': sums } }],
  );
});
after(async () => {
  await world.close();
  await mirror.close();
});
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'sheaf-rebuild-'));
  mirror.behave();
  for (const [path, bytes] of Object.entries(pool)) mirror.files.set(path, bytes);
  const upstream = fakeUpstream(`${mirror.url}/`, '');
  house = {
    history: world.deps,
    distribution: { ...toyDistribution(directory), upstreams: new Map([[upstream.name, upstream]]) },
    blobs: new Blobs(join(directory, 'blobs')),
    mirror: createMirrorClient({ directory: join(directory, 'partial'), version: '0', pauses: [1], stall: 1000 }),
    signal: new AbortController().signal,
    lock: undefined!,
  };
});
afterEach(() => rm(directory, { recursive: true }));

async function run(): Promise<{ result: RebuildResult; specs: readonly BuildSpec[] }> {
  const specs: BuildSpec[] = [];
  const { blobs, signal } = house;
  const deps: RebuildDeps = {
    ...{ house, blobs, signal, clock: { now: () => new Date('2026-02-01') }, report: () => {}, compare: undefined },
    limits: { wall: 1, silence: 1, memory: 1, disk: 1, log: 1, processes: 1 },
    readFacts: async () => ({ date: 1_700_000_000, buildPaths: [], compilers: [] }),
    compilers: async () => [],
    headers: async () => [],
    run: async (spec) => {
      specs.push(spec);
      const file = { name: 'toy_1_amd64.deb', sha256: sha256(deb), size: deb.length, path: '/none' };
      return { outcome: 'built', seconds: 1, log: '/log', files: [file] };
    },
  };
  const original = await findPublished(house, { name: 'toy', from: 'toy/trixie' }, amd64);
  const lock = { architecture: amd64, sources: [], packages: [] };
  const wanted = { original, from: [], lock, nocheck: false, plain: false, experiments: 0 };
  return { result: (await rebuild(deps, wanted)).result, specs };
}

/** All bytes that are kept, begun downloads too. */
async function keptBytes(): Promise<string[]> {
  const found = await readdir(directory, { recursive: true, withFileTypes: true });
  const files = found.filter((each) => each.isFile()).map((each) => join(each.parentPath, each.name));
  return (await Promise.all(files.map((file) => readFile(file, 'utf8')))).filter((text) => text.length > 0);
}

test('rebuild fetches what the indexes list, by its hash', async () => {
  const { result, specs } = await run();
  assert.equal(result.verdict, 'reproduced');
  assert.equal(result.place, 'toy/trixie');
  assert.deepEqual(
    specs[0]!.inputs.map(({ name, sha256: digest }) => [name, digest]),
    [
      ['toy_1.dsc', sha256(dsc)],
      ['toy_1.tar.xz', sha256(tar)],
    ],
  );
});

for (const [path, bytes] of Object.entries(pool)) {
  const file = path.split('/').at(-1)!;
  test(`rebuild does not know where the upstream serves another ${file} than its index says`, async () => {
    // As long as the right one: only the hash tells.
    const other = Buffer.alloc(bytes.length, 'x');
    mirror.misbehave(new RegExp(`${file}$`), bad.sends(other));
    const { result, specs } = await run();
    assert.equal(result.verdict, 'unknown');
    assert.deepEqual(specs, []);
    assert.deepEqual(
      result.files.map((each) => each.verdict),
      ['unknown'],
    );
    for (const said of [`${mirror.url}/${path}`, sha256(other), sha256(bytes), 'try again later']) {
      assert.ok(result.reason!.includes(said), `${said} is not in: ${result.reason}`);
    }
    assert.equal(await house.blobs.info(sha256(other)), undefined);
    assert.deepEqual(
      (await keptBytes()).filter((text) => text.includes('xxx')),
      [],
    );
    mirror.behave();
    assert.equal((await run()).result.verdict, 'reproduced');
  });
}

test('rebuild does not know where the upstream has the file no more, and says so', async () => {
  mirror.files.delete('pool/main/t/toy/toy_1.tar.xz');
  const { result } = await run();
  assert.equal(result.verdict, 'unknown');
  assert.match(result.reason!, /toy_1\.tar\.xz from upstream toy: it is not there\. .*snapshots/);
});
