import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';

import { sha256, type Sha256 } from '../kit/digest.ts';
import type { BuildSpec } from '../model/job.ts';
import { parseArchitecture, parsePackageName, parseVersion } from '../model/names.ts';
import { Blobs } from '../plumbing/blobs.ts';
import { explainByEnvironment, type ByEnvironment } from './rebuild-earlier.ts';
import type { Part } from './rebuild-plan.ts';
import type { Built, RebuildDeps } from './rebuild.ts';

const directory = await mkdtemp(join(tmpdir(), 'sheaf-earlier-'));
after(() => rm(directory, { recursive: true }));
const blobs = new Blobs(directory);
const names = { name: parsePackageName('toy'), version: parseVersion('1'), architecture: parseArchitecture('amd64') };
const published = await blobs.putBytes('code of bullseye');
const files = [{ ...names, file: 'toy_1_amd64.deb', ...published }];

/** The environment is known by its lock. */
const partIn = (release: string): Part => {
  const lock = sha256(release);
  const spec: BuildSpec = {
    ...{ kind: 'binary', builds: 'any', source: names.name, version: names.version, inputs: [], sourceDateEpoch: 0 },
    ...{ architecture: names.architecture, lock, baseLock: lock },
    limits: { wall: 1, silence: 1, memory: 1, disk: 1, log: 1, processes: 1 },
  };
  return { spec, files };
};

const builtBy = async (text: string): Promise<Built> => {
  const { sha256: hash, size } = await blobs.putBytes(text);
  const file = { name: 'toy_1_amd64.deb', sha256: hash, size, path: blobs.path(hash) };
  return { outcome: 'built', seconds: 1, log: '/log', files: [file] };
};

const texts: Record<string, string> = {
  bookworm: 'other code, other id',
  bullseye: 'code of bullseye, other id',
  exact: 'code of bullseye',
  buster: 'code of buster, other id',
  spoilt: 'code of bullseye, other manual',
};

/** What is tried, and what comes of it; each letter of `known` is an environment with a compiler of that time. */
async function run(
  releases: readonly string[],
  { ofTime = [] as readonly string[], known = '', most = 9, changelog = false } = {},
) {
  const releaseOf = (lock: Sha256) => Object.keys(texts).find((each) => sha256(each) === lock)!;
  const asked: [string, number][] = [];
  const deps = {
    ...{ blobs, report: () => {}, signal: new AbortController().signal },
    compilers: async (lock: Sha256) => (releaseOf(lock) === known ? ['Debian 10'] : []),
    run: async ({ lock }: BuildSpec) => {
      const text = texts[releaseOf(lock)];
      return text === undefined ? { outcome: 'failed', seconds: 1, reason: '', log: '' } : builtBy(text);
    },
    compare: async (_: string, path: string) => {
      const text = (await blobs.read(path.split('/').at(-1) as Sha256)).toString();
      const places = [
        ...(text.includes('code of bullseye') ? [] : [changelog ? 'usr/share/doc/toy/changelog.Debian.gz' : 'code']),
        ...(changelog || text.includes('code of bu') ? [] : ['size']),
        ...(!changelog && text.includes('id') ? ['id'] : []),
        ...(text.includes('manual') ? ['manual'] : []),
      ];
      return { document: { text }, count: places.length, hints: [], said: { texts: [], modes: [] }, places };
    },
  } as unknown as RebuildDeps;
  const how: ByEnvironment = {
    ...{ ofTime, releases, builtAt: 0, most },
    planIn: async (release) => (release === 'none' ? undefined : partIn(release)),
    explain: async ({ part }, left) => {
      asked.push([releaseOf(part.spec.lock), left]);
      return {
        causes: [{ kind: 'clock', detail: '', confirmed: false }],
        experiments: [],
        equal: undefined,
        difference: {},
      };
    },
  };
  const first = { part: partIn('bookworm'), built: await builtBy(texts['bookworm']!) };
  return { ...(await explainByEnvironment(deps, first, how)), asked };
}

test('explainByEnvironment takes the release that brings it nearer, and goes on there', async () => {
  const { causes, experiments, asked, equal, difference } = await run(['none', 'bullseye', 'buster']);
  assert.deepEqual(causes, [
    { kind: 'dependency', detail: 'environment of bullseye', confirmed: true, explains: 'code, size' },
    { kind: 'clock', detail: '', confirmed: false },
  ]);
  assert.deepEqual(experiments.map(({ restored }) => restored), ['environment of bullseye', 'environment of buster']); // prettier-ignore
  assert.deepEqual(asked, [['bullseye', 7]]);
  assert.equal(equal, undefined);
  assert.deepEqual(difference, { 'toy_1_amd64.deb': { text: texts['bookworm'] } });
});

test('explainByEnvironment ends where all bytes agree', async () => {
  const { causes, asked, equal } = await run(['exact', 'bullseye']);
  assert.deepEqual(causes, [{ kind: 'dependency', detail: 'environment of exact', confirmed: true }]);
  assert.deepEqual([asked, equal?.part.spec.lock], [[], sha256('exact')]);
});

test('explainByEnvironment tries no release where the compiler is old enough, or no build is left', async () => {
  assert.deepEqual((await run(['bullseye'], { changelog: true })).asked, [['bookworm', 9]]);
  // It mends the code, and makes another manual.
  assert.deepEqual((await run(['spoilt', 'bullseye'])).asked, [['bookworm', 8]]);
  assert.deepEqual((await run(['bullseye'], { known: 'bookworm' })).asked, [['bookworm', 9]]);
  assert.deepEqual((await run(['bullseye', 'buster'], { known: 'bullseye' })).experiments.length, 1);
  assert.deepEqual((await run(['buster', 'bullseye'], { most: 1 })).asked, [['buster', 0]]);
  const { causes, asked } = await run([]);
  assert.deepEqual([causes.length, asked], [1, [['bookworm', 9]]]);
});

test('explainByEnvironment tries the places of the time first, whatever their compiler', async () => {
  const known = 'bookworm';
  const exact = await run(['bullseye'], { known, ofTime: ['exact'] });
  assert.deepEqual(exact.causes, [{ kind: 'dependency', detail: 'environment of exact', confirmed: true }]);
  // One that does not bring it nearer is not the last, and that of today is no other.
  const second = await run([], { known, ofTime: ['bookworm', 'spoilt', 'bullseye'] });
  assert.deepEqual(second.experiments.map(({ restored }) => restored), ['environment of spoilt', 'environment of bullseye']); // prettier-ignore
  assert.deepEqual(second.asked, [['bullseye', 7]]);
  assert.equal((await run([], { known, ofTime: ['spoilt', 'bullseye'], most: 1 })).experiments.length, 1);
});
