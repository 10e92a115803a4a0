import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';

import { sha256 } from '../kit/digest.ts';
import { SheafError } from '../kit/error.ts';
import type { BuildSpec } from '../model/job.ts';
import type { Lock } from '../model/lock.ts';
import { parseArchitecture, parsePackageName, parseVersion } from '../model/names.ts';
import { parseRebuildResult, type RebuildResult } from '../model/rebuild.ts';
import { Blobs } from '../plumbing/blobs.ts';
import type { DebFacts, Hint } from '../rebuild/mod.ts';
import type { Said } from '../rebuild/compare/mod.ts';
import { rebuild, type RebuildDeps, type RebuildRequest } from './rebuild.ts';

const directory = await mkdtemp(join(tmpdir(), 'sheaf-rebuild-'));
after(() => rm(directory, { recursive: true }));
const blobs = new Blobs(directory);
const amd64 = parseArchitecture('amd64');
const lock: Lock = { architecture: amd64, sources: [], packages: [] };
const day = Date.parse('2022-12-26T15:30:00Z') / 1000;
const limits = { wall: 1, silence: 1, memory: 1, disk: 1, log: 1, processes: 1 };

const dsc = await blobs.putBytes(
  'Format: 3.0 (native)\nSource: toy\nVersion: 1\nArchitecture: any\nBinary: toy\n' +
    'Checksums-Sha256:\n ' +
    `${sha256('tar')} 3 toy_1.tar.xz\nFiles:\n d41d8cd98f00b204e9800998ecf8427e 3 toy_1.tar.xz\n`,
);
const sources = [{ name: 'toy_1.dsc', ...dsc }];

async function request(versions: Partial<RebuildRequest> = {}): Promise<RebuildRequest> {
  const file = await blobs.putBytes('made with A, B');
  const names = { name: parsePackageName('toy'), version: parseVersion('1'), architecture: amd64 };
  const original = {
    ...{ source: names.name, version: names.version, architecture: amd64, place: undefined },
    files: [{ ...names, file: 'toy_1_amd64.deb', ...file }],
  };
  return { original, sources, from: [], lock, nocheck: false, plain: false, experiments: 9, ...versions };
}

const nothing: Said = { texts: [], modes: [] };

/** A build whose result is a sentence about its conditions. */
type Make = (spec: BuildSpec, round: number) => string | Error;

async function run(make: Make, more: Partial<RebuildRequest> = {}, hints: readonly Hint[] = [], said: Said = nothing) {
  const specs: BuildSpec[] = [];
  const rounds = new Set<string>();
  const facts: DebFacts = { date: day, buildPaths: [] };
  const deps: RebuildDeps = {
    ...{ house: undefined, blobs, limits, clock: { now: () => new Date('2026-01-01') } },
    run: async (spec, round) => {
      specs.push(spec);
      rounds.add(JSON.stringify([spec, round]));
      const made = make(spec, round);
      if (made instanceof Error) {
        return { outcome: 'failed', reason: made.message, seconds: 1, log: '/log' };
      }
      const { sha256: hash, size } = await blobs.putBytes(made);
      const file = { name: 'toy_1_amd64.deb', sha256: hash, size, path: blobs.path(hash) };
      return { outcome: 'built', seconds: 1, log: '/log', files: [file] };
    },
    readFacts: async () => facts,
    // One thing for each letter that is not there.
    compare: async (_, path) => {
      const text = (await blobs.read(sha256(await readText(path)))).toString();
      const places = ['A', 'B'].filter((each) => !text.includes(each));
      return { document: { text }, count: places.length, hints, said, places };
    },
    compilers: async () => ['Debian 12'],
    headers: async () => [],
    report: () => {},
    signal: new AbortController().signal,
  };
  const { result } = await rebuild(deps, await request(more));
  assert.equal(rounds.size, specs.length, 'nothing is built twice');
  // What is recorded must read back.
  assert.deepEqual(parseRebuildResult(JSON.stringify(result)), result);
  return { result, specs };
}

const readText = async (path: string) => (await import('node:fs/promises')).readFile(path, 'utf8');
const causes = ({ causes: all }: RebuildResult) => all.map(({ kind, confirmed }) => [kind, confirmed]);

test('rebuild says that the bytes agree, and under which conditions', async () => {
  const { result, specs } = await run(() => 'made with A, B');
  assert.equal(result.verdict, 'reproduced');
  assert.equal(result.mode, 'idempotent');
  assert.equal(specs.length, 1);
  assert.equal(specs[0]!.sourceDateEpoch, day);
  assert.equal(result.conditions['build-path'], '/build/reproducible-path/toy-1');
  assert.equal(result.conditions['clock'], '2022-12-26T15:30:00.000Z');
  assert.equal(result.conditions['compiler'], 'Debian 12');
});

test('rebuild restores nothing of a plain build', async () => {
  const { specs } = await run(() => 'made with A, B', { plain: true });
  assert.deepEqual(specs[0]!.conditions, {});
});

test('rebuild finds two causes that only together make the bytes agree', async () => {
  const make: Make = ({ conditions = {} }) => {
    const count = conditions.parallel === 1 ? 'A' : 'a';
    // Without the right count the other cause does not show.
    return `made with ${count}, ${conditions.locale === 'POSIX' && count === 'A' ? 'B' : 'b'}`;
  };
  const { result } = await run(make);
  assert.equal(result.verdict, 'reproduced');
  assert.equal(result.conditions['cpu-count'], '1');
  assert.deepEqual(causes(result), [
    ['cpu-count', true],
    ['locale', true],
  ]);
  assert.equal(result.experiments.at(-1)?.verdict, 'reproduced');
});

test('rebuild supposes several tools and libraries, but of all else the first that speaks for it', async () => {
  const by = (thing: string): Hint => ({ kind: 'dependency', detail: `usr/share/${thing}: ${thing} 1 → ${thing} 2` });
  const hints: Hint[] = [
    ...['perl', 'sphinx', 'doxygen', 'po4a', 'asciidoc', 'groff'].map(by),
    { kind: 'locale', detail: 'a: sorted' },
    { kind: 'locale', detail: 'b: sorted' },
    { kind: 'dependency', detail: 'usr/lib/other: perl 1 → perl 2 (and 3 more)' },
  ];
  const { result } = await run(() => 'made with a, b', { experiments: 0 }, hints);
  assert.deepEqual(
    result.causes.map(({ detail }) => detail.split(': ').at(-1)),
    [
      'perl 1 → perl 2',
      'sphinx 1 → sphinx 2',
      'doxygen 1 → doxygen 2',
      'po4a 1 → po4a 2',
      'asciidoc 1 → asciidoc 2',
      'sorted',
    ],
  );
});

test('rebuild confirms nothing that no experiment confirmed, and drops what was tried in vain', async () => {
  const hint: Hint = { kind: 'locale', detail: 'sorted another way' };
  const { result } = await run(() => 'made with a, b', { experiments: 1 }, [hint]);
  assert.deepEqual(causes(result), [['locale', false]]);
  assert.match(result.experiments[0]!.restored, /^locale/);
  const others: Hint[] = [
    { kind: 'environment', detail: 'an owner' },
    { kind: 'dependency', detail: 'libc6' },
  ];
  const whole = await run(() => 'made with a, b', {}, [hint, ...others]);
  assert.deepEqual(causes(whole.result), others.map(({ kind }) => [kind, false])); // prettier-ignore
  const none = await run(() => 'made with a, b', { experiments: 0 }, [hint]);
  assert.equal(none.specs.length, 1);
});

test('rebuild confirms a cause of a part that agrees, and agrees again', async () => {
  const hint: Hint = { kind: 'locale', detail: 'sorted another way' };
  const make: Make = ({ conditions = {} }) => `made with ${conditions.locale === 'POSIX' ? 'A' : 'a'}, b`;
  const { result } = await run(make, {}, [hint]);
  assert.equal(result.verdict, 'differs');
  assert.deepEqual(result.causes, [{ kind: 'locale', detail: 'locale POSIX', confirmed: true, explains: 'A' }]);
  const once = await run(make, { experiments: 1 }, [hint]);
  assert.deepEqual(causes(once.result), [['locale', false]]);
  assert.match(once.result.causes[0]!.detail, /POSIX/);
  // What comes and goes is no sign of anything.
  const chance: Make = ({ conditions = {} }, round) =>
    `made with ${conditions.locale === 'POSIX' && conditions.tools?.compiler === undefined ? 'A' : 'a'}, b${round}`;
  const other = await run(chance, { plain: true }, [hint]);
  assert.ok(other.result.causes.every(({ kind, confirmed }) => confirmed === (kind === 'unstable')));
});

test('rebuild restores together what the published files tell, and confirms what it takes', async () => {
  const text = { left: ['by ada@box in /home/ada/toy'], right: ['by builder@sheaf in /build/reproducible-path/toy-1'] };
  const make: Make = ({ conditions = {} }) =>
    `made with ${conditions.hostname === 'box' ? 'A' : 'a'}, ${conditions.user === 'ada' ? 'B' : 'b'}`;
  const { result } = await run(make, {}, [], { texts: [text], modes: [] });
  assert.equal(result.verdict, 'reproduced');
  assert.equal(result.experiments[0]!.restored, 'user ada, hostname box, build-path /home/ada/toy');
  assert.deepEqual(causes(result), [['environment', true], ['hostname', true]]); // prettier-ignore
  const system = { left: ['in /usr/lib/toy'], right: ['in /build/reproducible-path/toy-1'] };
  const other = await run(make, { experiments: 1 }, [], { texts: [system], modes: [] });
  assert.doesNotMatch(other.result.experiments[0]!.restored, /usr/);
});

test('rebuild keeps a guess where nothing else is known, though some values were tried in vain', async () => {
  const { result } = await run(() => 'made with a, b', {}, [{ kind: 'timezone', detail: 'hours' }]);
  assert.deepEqual(causes(result), [['timezone', false]]);
});

test('rebuild tells what differs by itself', async () => {
  const make: Make = (_, round) => `made with a, b ${round}`;
  const { result } = await run(make, { experiments: 12 });
  assert.deepEqual(causes(result), [['unstable', true]]);
  assert.equal(result.experiments.length, 1, 'nothing is guessed in the dark');
  const hint: Hint = { kind: 'clock', detail: 'the time of a file' };
  const timed = await run(make, { experiments: 12 }, [hint]);
  assert.deepEqual(causes(timed.result), [['unstable', true], ['clock', false]]); // prettier-ignore
});

test('rebuild builds once more, before all guesses, what looks as if it came by chance', async () => {
  const hints: Hint[] = [
    { kind: 'clock', detail: 'the time of a file' },
    { kind: 'unstable', detail: 'an identifier' },
  ];
  const { result } = await run((_, round) => `made with a, b ${round}`, { experiments: 1 }, hints);
  assert.deepEqual(causes(result), [['unstable', true], ['clock', false]]); // prettier-ignore
  const same = await run(() => 'made with a, b', {}, hints);
  assert.equal(same.result.experiments[0]!.restored, 'nothing');
  assert.deepEqual(causes(same.result), [['clock', false]]);
  const other = await run(({ conditions = {} }) => `made with ${conditions.locale === 'POSIX' ? 'A, B' : 'a, b'}`, {}, [
    { kind: 'locale', detail: 'sorted' },
    ...hints,
  ]);
  assert.deepEqual(causes(other.result), [['locale', true]]);
});

test('rebuild takes nothing for the cause of what agreed by chance', async () => {
  const make: Make = ({ conditions = {} }, round) =>
    conditions.locale === 'POSIX' && round === 0 ? 'made with A, B' : 'made with a, b';
  const { result } = await run(make);
  assert.equal(result.verdict, 'reproduced');
  assert.deepEqual(causes(result), [['unstable', true]]);
  assert.match(result.causes[0]!.detail, /^two rebuilds with .*POSIX.* differ in toy_1_amd64.deb$/);
  const short = await run(make, { experiments: result.experiments.length - 1 });
  assert.deepEqual(causes(short.result), [['locale', false]]);
});

test('rebuild keeps to the bound of its experiments', async () => {
  const { result, specs } = await run(() => 'made with a, b', { experiments: 2 });
  assert.equal(result.experiments.length, 2);
  assert.equal(specs.length, 3);
});

test('rebuild has the verdict failed for a build that fails, and goes on after an experiment that does', async () => {
  const { result } = await run(() => new Error('Over a limit: 10 minutes'));
  assert.equal(result.verdict, 'failed');
  assert.equal(result.reason, 'Over a limit: 10 minutes');
  const long = await run(() => new Error('no '.repeat(5000)));
  assert.match(long.result.reason!, /^no no .*…$/);
  const make: Make = ({ conditions = {} }) => {
    if (conditions.buildPath === '/build/toy-1') return new Error('no room');
    return conditions.parallel === undefined ? 'made with a, b' : 'made with A, B';
  };
  const other = await run(make);
  assert.deepEqual(causes(other.result), [['cpu-count', true]]);
  assert.deepEqual(other.result.experiments.map(({ verdict }) => verdict), ['differs', 'failed', 'reproduced', 'reproduced']); // prettier-ignore
});

test('rebuild builds elsewhere where a record names a path that no build can have', async () => {
  const record = (path: string) =>
    'Format: 1.0\nSource: toy\nBinary: toy\nArchitecture: amd64\nVersion: 1\n' +
    `Checksums-Sha256:\n ${sha256('deb')} 3 toy_1_amd64.deb\nBuild-Architecture: amd64\nBuild-Path: ${path}\n` +
    'Installed-Build-Depends:\n base-files (= 1)\n';
  const { original } = await request();
  for (const [path, restored] of [['/usr/lib/toy'], ['/usr/src/toy', '/usr/src/toy']] as const) {
    const buildinfo = { name: 'toy.buildinfo', text: record(path) };
    const { result, specs } = await run(() => 'made with A, B', { original: { ...original, buildinfo } });
    assert.equal(result.verdict, 'reproduced', result.reason);
    assert.equal(specs[0]!.conditions?.buildPath, restored);
  }
});

test('rebuild follows no record for a plain build, and leaves out tests in either mode', async () => {
  const text =
    'Format: 1.0\nSource: toy\nBinary: toy\nArchitecture: amd64\nVersion: 1\n' +
    `Checksums-Sha256:\n ${sha256('deb')} 3 toy_1_amd64.deb\nBuild-Architecture: amd64\n` +
    'Installed-Build-Depends:\n base-files (= 1)\n' +
    'Environment:\n DEB_BUILD_OPTIONS="parallel=7 nodoc"\n LANG="de_DE.UTF-8"\n';
  const original = { ...(await request()).original, buildinfo: { name: 'toy.buildinfo', text } };
  const plain = await run(() => 'made with A, B', { original, plain: true, mode: undefined });
  assert.deepEqual([plain.result.mode, plain.specs[0]!.conditions], ['idempotent', {}]);
  for (const mode of ['exact', 'idempotent'] as const) {
    const { result, specs } = await run(() => 'made with A, B', { original, mode, nocheck: true });
    assert.equal(result.mode, mode);
    const options = mode === 'exact' ? 'parallel=7 nodoc nocheck' : 'nocheck';
    assert.equal(specs[0]!.conditions?.environment?.['DEB_BUILD_OPTIONS'], options);
  }
});

test('rebuild does not know where the record of the first build is asked for and there is none', async () => {
  const { result, specs } = await run(() => 'made with A, B', { mode: 'exact', lock: undefined });
  assert.equal(result.verdict, 'unknown');
  assert.match(result.reason!, /no \.buildinfo/);
  assert.deepEqual(specs, []);
});

test('rebuild refuses what says nothing about an environment', async () => {
  await assert.rejects(
    run(() => '', { lock: undefined }),
    (error) => error instanceof SheafError && error.code === 'no-environment' && error.kind === 'usage',
  );
});
