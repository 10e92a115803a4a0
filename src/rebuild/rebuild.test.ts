import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';

import { testDatabase, type TestDatabase } from '../../test/database.ts';
import { rebuildResult, testRebuilder } from '../../test/rebuilds.ts';
import { signStatement } from '../formats/attestation/signed-statement.ts';
import type { Statement } from '../formats/attestation/statement.ts';
import { sha256 } from '../kit/digest.ts';
import type { ForeignRebuilder, Suite } from '../model/distribution.ts';
import { parseLabel, parseSuiteName } from '../model/names.ts';
import type { RebuildResult, Verdict } from '../model/rebuild.ts';
import { verifyEd25519 } from '../plumbing/keys.ts';
import {
  acceptStatement,
  believedRebuilders,
  countPlaces,
  countsOverTime,
  describeRebuilder,
  describeRebuilders,
  findRebuilds,
  listStatuses,
  makeReport,
  recordRebuild,
  signRebuild,
  viewStatuses,
  type AcceptDeps,
  type RecordDeps,
} from './mod.ts';

let database: TestDatabase;
let deps: RecordDeps;
const one = testRebuilder('one');
const blobs = new Map<string, string>();

before(async () => {
  database = await testDatabase();
  deps = {
    db: database.db,
    blobs: {
      putBytes: async (bytes) => {
        blobs.set(sha256(bytes), bytes);
        return { sha256: sha256(bytes) };
      },
    },
    distribution: { notifiers: new Map() },
    verify: verifyEd25519,
    now: () => new Date('2026-02-01T00:00:00Z'),
  };
});
after(() => database.close());
beforeEach(async () => {
  for (const table of ['rebuild_file', 'rebuild', 'statement', 'event', 'publication', 'binary_package'] as const) {
    await database.db.deleteFrom(table).execute();
  }
});

let invocations = 0;
function record(result: RebuildResult, by = one): Promise<number> {
  const envelope = signRebuild({ rebuilder: by.name, invocation: `run ${++invocations}`, result }, by.sign);
  return recordRebuild(deps, result, envelope, { rebuilder: by });
}
const first = { limit: 50 };
const nobody = { foreign: new Map() };

const far = testRebuilder('their-own-name');
/** A statement of the foreign rebuilder. */
function foreign(result: RebuildResult, invocation = `run ${++invocations}`): string {
  return signRebuild({ rebuilder: far.name, invocation, result }, far.sign);
}
/** What sheaf.toml says of it. */
function house(change: Partial<ForeignRebuilder> = {}): AcceptDeps {
  const name = parseLabel('far');
  const said = { name, publicKey: far.publicKey, validAfter: undefined, validBefore: undefined, isRevoked: false };
  const suites = new Map();
  return {
    ...deps,
    distribution: { ...deps.distribution, suites, rebuilders: new Map([[name, { ...said, ...change }]]) },
  };
}

test('recordRebuild keeps the statement as a blob, and it is found by every hash and name', async () => {
  const lock = sha256('lock');
  const result = rebuildResult({ verdict: 'differs', lock, causes: [{ kind: 'clock', detail: '', confirmed: true }] });
  const id = await record(result);
  const [file] = result.files;
  for (const by of [
    { id },
    { sha256: file!.original.sha256 },
    { sha256: file!.rebuilt!.sha256 },
    { sha256: lock },
    { name: 'hello', version: '2.10-3' },
    { place: 'stable', architecture: 'amd64' },
  ]) {
    const [found, ...others] = await findRebuilds(deps.db, by);
    assert.deepEqual([found?.id, found?.result, others], [id, result, []], JSON.stringify(by));
    assert.ok(blobs.has(found!.statement));
  }
  for (const by of [{ sha256: sha256('other') }, { name: 'hello', version: '1' }, { place: 'testing' }]) {
    assert.deepEqual(await findRebuilds(deps.db, by), []);
  }
  const [event] = await deps.db.selectFrom('event').select(['kind', 'message', 'source']).execute();
  assert.deepEqual(event, {
    kind: 'rebuild-recorded',
    message: 'one: hello 2.10-3 (amd64) differs: clock',
    source: 'hello',
  });
});

test('recordRebuild records the same envelope once, however often and from how many at once it comes', async () => {
  const result = rebuildResult();
  const envelope = signRebuild({ rebuilder: 'one', invocation: 'same', result }, one.sign);
  const ids = await Promise.all([1, 2, 3].map(() => recordRebuild(deps, result, envelope, { rebuilder: one })));
  assert.equal(new Set(ids).size, 1);
  assert.equal((await findRebuilds(deps.db, {})).length, 1);
});

test('recordRebuild refuses a statement of something else, of somebody else, and one signed by nobody known', async () => {
  const result = rebuildResult();
  const two = testRebuilder('two');
  const envelope = signRebuild({ rebuilder: 'one', invocation: 'x', result }, one.sign);
  const other = rebuildResult({ verdict: 'differs' });
  await assert.rejects(recordRebuild(deps, other, envelope, { rebuilder: one }), { code: 'statement-mismatch' });
  await assert.rejects(recordRebuild(deps, result, envelope, { rebuilder: two }), { code: 'bad-signature' });
  const renamed = { ...two, publicKey: one.publicKey };
  await assert.rejects(recordRebuild(deps, result, envelope, { rebuilder: renamed }), { code: 'statement-mismatch' });
  assert.deepEqual(await findRebuilds(deps.db, {}), []);
});

test('listStatuses has the newest of every file, by name, and the history stays', async () => {
  await record(rebuildResult({ verdict: 'failed', reason: 'no disk' }));
  await record(rebuildResult({ finishedOn: '2026-01-02T00:00:00Z' }), testRebuilder('two'));
  await record(rebuildResult({ name: 'zlib', version: '1:1.3', architecture: 'arm64', verdict: 'differs' }));
  const rows = await listStatuses(deps.db, {}, nobody, first);
  assert.deepEqual(
    rows.map(({ name, verdict, rebuilder }) => [name, verdict, rebuilder]),
    [
      ['hello', 'reproduced', 'two'],
      ['zlib', 'differs', 'one'],
    ],
  );
  assert.equal((await findRebuilds(deps.db, { name: 'hello' })).length, 2);
  const [hello, zlib] = rows;
  assert.deepEqual(await listStatuses(deps.db, {}, nobody, { after: hello!.key, limit: 1 }), [zlib]);
});

test('what could not be tried takes no verdict back, in the list and over time', async () => {
  await record(rebuildResult());
  await record(rebuildResult({ verdict: 'unknown', reason: 'no .buildinfo', finishedOn: '2026-01-02T00:00:00Z' }));
  const [hello] = await listStatuses(deps.db, {}, nobody, first);
  assert.equal(hello!.verdict, 'reproduced');
  const place = { place: 'stable', architecture: undefined };
  const points = await countsOverTime(deps.db, place, nobody, new Date('2026-01-03T00:00:00Z'));
  assert.deepEqual(points.at(-1)!.counts, { reproduced: 1, differs: 0, unknown: 0, failed: 0 });
  await record(rebuildResult({ verdict: 'failed', reason: 'no disk', finishedOn: '2026-01-03T00:00:00Z' }));
  assert.equal((await listStatuses(deps.db, {}, nobody, first))[0]!.verdict, 'failed');
});

test('listStatuses counts a foreign rebuilder while it is believed', async () => {
  await record(rebuildResult({ verdict: 'differs' }));
  await acceptStatement(house(), foreign(rebuildResult()));
  const [believed] = await listStatuses(deps.db, {}, { foreign: new Map([[far.publicKey, 'far']]) }, first);
  assert.equal(believed!.verdict, 'reproduced');
  const [revoked] = await listStatuses(deps.db, {}, nobody, first);
  assert.equal(revoked!.verdict, 'differs');
});

test('of rebuilders that disagree the one who reproduced it counts, in any order, and the others are named', async () => {
  const believed = { foreign: new Map([[far.publicKey, 'far']]) };
  const shown = async (filters = {}) => {
    const rows = await listStatuses(deps.db, filters, believed, first);
    return (await viewStatuses(deps.db, rows, believed)).map((each) => `${each.verdict} ${describeRebuilders(each)}`);
  };
  await acceptStatement(house(), foreign(rebuildResult()));
  assert.deepEqual(await shown(), ['reproduced far']);
  await record(rebuildResult({ verdict: 'unknown', reason: 'no .buildinfo' }));
  assert.deepEqual(await shown({ disputed: true }), []);
  await record(rebuildResult({ verdict: 'differs' }));
  assert.deepEqual(await shown(), ['reproduced far, but one: differs']);
  assert.deepEqual(await shown({ disputed: true, verdict: 'reproduced' }), ['reproduced far, but one: differs']);
  const counts = await countPlaces(deps.db, ['stable'], believed);
  assert.deepEqual(counts[0]?.counts, { reproduced: 1, differs: 0, unknown: 0, failed: 0 });
  await record(rebuildResult({ finishedOn: '2026-01-04T00:00:00Z' }), testRebuilder('renamed'));
  assert.deepEqual(await shown(), ['reproduced renamed, far']);
  assert.deepEqual(await shown({ disputed: true }), []);
});

test("a rebuilder's word goes with its key: not with the name for another key, and with its key to another name", async () => {
  const said = foreign(rebuildResult(), 'once');
  const { id } = await acceptStatement(house(), said);
  await record(rebuildResult({ verdict: 'differs' }));
  const shown = async ({ distribution }: AcceptDeps) => {
    const believed = believedRebuilders(distribution);
    const rows = await listStatuses(deps.db, {}, believed, first);
    const points = await countsOverTime(deps.db, { place: 'stable', architecture: undefined }, believed, deps.now());
    const [each] = await viewStatuses(deps.db, rows, believed);
    const [rebuild] = await findRebuilds(deps.db, { id });
    return [describeRebuilders(each!), points.at(-1)?.counts.reproduced, describeRebuilder(rebuild!, believed)];
  };
  const counted = ['far, but one: differs', 1, 'far, another rebuilder'];
  assert.deepEqual(await shown(house()), counted);
  const lost = ['one', 0, 'far, another rebuilder, whose word counts no longer'];
  assert.deepEqual(await shown(house({ isRevoked: true })), lost);
  assert.deepEqual(await shown(house({ publicKey: testRebuilder('new').publicKey })), lost);
  const renamed = house({ name: parseLabel('distant') });
  assert.deepEqual(await shown(renamed), ['distant, but one: differs', 1, 'distant, another rebuilder']);
  // Under the new name it is still the one who has said something newer.
  assert.equal((await acceptStatement(renamed, said)).id, id);
  const before = { startedOn: '2025-12-31T00:00:00Z', finishedOn: '2025-12-31T00:00:00Z' };
  const older = foreign(rebuildResult({ verdict: 'failed', reason: 'no', ...before }));
  await assert.rejects(acceptStatement(renamed, older), { code: 'replayed' });
  await acceptStatement(renamed, foreign(rebuildResult({ verdict: 'differs', finishedOn: '2026-01-05T00:00:00Z' })));
  assert.deepEqual((await shown(renamed))[0], 'one, distant');
  // What was taken before keys were written down goes by the name.
  await deps.db.updateTable('rebuild').set({ key: null }).where('id', '=', id).execute();
  assert.deepEqual(await shown(house({ publicKey: testRebuilder('new').publicKey })), counted);
});

/** Of a source package with two binary packages. */
function twins(one: Verdict, two: Verdict, change: Partial<RebuildResult> = {}): RebuildResult {
  const files = [rebuildResult({ name: 'twin-a', verdict: one }), rebuildResult({ name: 'twin-b', verdict: two })];
  const verdict = [one, two].includes('differs') ? 'differs' : 'reproduced';
  return { ...rebuildResult({ name: 'twin', verdict, ...change }), files: files.flatMap((each) => each.files) };
}

test('a file that was reproduced has no causes of one beside it that was not', async () => {
  const causes = [{ kind: 'unstable', detail: 'twin-b', confirmed: true }] as const;
  await record(twins('reproduced', 'differs', { causes }));
  const rows = await listStatuses(deps.db, {}, nobody, first);
  assert.deepEqual(
    rows.map((each) => [each.name, each.verdict, each.causes.map(({ kind }) => kind)]),
    [
      ['twin-a', 'reproduced', []],
      ['twin-b', 'differs', ['unstable']],
    ],
  );
  assert.deepEqual(makeReport(rows).causes, [{ kind: 'unstable', packages: 1, alone: 1 }]);
});

test('of rebuilders who both see a difference the one who knows why counts, and then our own', async () => {
  const believed = { foreign: new Map([[far.publicKey, 'far']]) };
  const counted = async () => (await listStatuses(deps.db, {}, believed, first))[0]?.rebuilder;
  await record(rebuildResult({ verdict: 'differs' }));
  await acceptStatement(house(), foreign(rebuildResult({ verdict: 'differs' })));
  assert.equal(await counted(), 'one');
  const causes = [{ kind: 'unstable', detail: '', confirmed: true }] as const;
  const later = { startedOn: '2026-01-05T00:00:00Z', finishedOn: '2026-01-05T00:00:00Z' };
  await acceptStatement(house(), foreign(rebuildResult({ verdict: 'differs', causes, ...later })));
  await record(rebuildResult({ verdict: 'differs', ...later }));
  assert.equal(await counted(), 'far');
});

test('the report counts a package once, also where its files are of several rebuilders', async () => {
  await record(twins('reproduced', 'differs'));
  await acceptStatement(house(), foreign(twins('differs', 'reproduced')));
  const believed = { foreign: new Map([[far.publicKey, 'far']]) };
  const counted = async () => {
    const { packages, notable } = makeReport(await listStatuses(deps.db, {}, believed, first));
    return [packages, notable.map(({ source, files }) => [source, files])];
  };
  const none = { reproduced: 0, differs: 0, unknown: 0, failed: 0 };
  assert.deepEqual(await counted(), [{ ...none, reproduced: 1 }, []]);
  const later = { startedOn: '2026-01-05T00:00:00Z', finishedOn: '2026-01-05T00:00:00Z' };
  await acceptStatement(house(), foreign(twins('reproduced', 'differs', later)));
  assert.deepEqual(await counted(), [{ ...none, differs: 1 }, [['twin', ['twin-b_2.10-3_amd64.deb']]]]);
});

test('countsOverTime counts each rebuilder of the newest file, as the list does', async () => {
  const believed = { foreign: new Map([[far.publicKey, 'far']]) };
  const day = (number: number) => `2026-01-0${number}T00:00:00Z`;
  const at = async (number: number) => {
    const points = await countsOverTime(
      deps.db,
      { place: 'stable', architecture: 'amd64' },
      believed,
      new Date(day(number)),
    );
    return points.at(-1)?.counts;
  };
  const none = { reproduced: 0, differs: 0, unknown: 0, failed: 0 };
  await acceptStatement(house(), foreign(rebuildResult({ finishedOn: day(2) })));
  await record(rebuildResult({ verdict: 'differs', finishedOn: day(3) }));
  assert.equal(await at(1), undefined);
  assert.deepEqual(await at(2), { ...none, reproduced: 1 });
  assert.deepEqual(await at(3), { ...none, reproduced: 1 });
  await acceptStatement(house(), foreign(rebuildResult({ verdict: 'failed', reason: 'no disk', finishedOn: day(4) })));
  assert.deepEqual(await at(4), { ...none, differs: 1 });
  // What comes later of the version before says nothing of the newest.
  await record(rebuildResult({ version: '2.10-4', verdict: 'differs', finishedOn: day(5) }));
  await acceptStatement(house(), foreign(rebuildResult({ finishedOn: day(6) })));
  assert.deepEqual(await at(6), { ...none, differs: 1 });
  assert.deepEqual(await at(3), { ...none, reproduced: 1 });
});

test('acceptStatement finds where the files are published here, whatever the rebuilder calls that place', async () => {
  await publish('2.10-3', rebuildResult().files[0]!.original.sha256, 'stable');
  const theirs = (place: string, name = 'hello') => foreign(rebuildResult({ name, place }));
  const { id } = await acceptStatement(house(), theirs('one/stable'));
  const [found] = await findRebuilds(deps.db, { place: 'stable' });
  assert.deepEqual([found?.id, found?.place, found?.result.place], [id, 'stable', 'one/stable']);
  const believed = { foreign: new Map([[far.publicKey, 'far']]) };
  const listed = async (place: string) =>
    (await listStatuses(deps.db, { place }, believed, first)).map(({ name }) => name);
  assert.deepEqual([await listed('stable'), await listed('one/stable')], [['hello'], []]);
  const points = await countsOverTime(deps.db, { place: 'stable', architecture: 'amd64' }, believed, deps.now());
  assert.equal(points.at(-1)?.counts.reproduced, 1);
  // Their stable is not ours.
  const suites = new Map([[parseSuiteName('stable'), {} as Suite]]);
  const here = house();
  const withSuite = { ...here, distribution: { ...here.distribution, suites } };
  await acceptStatement(withSuite, theirs('stable', 'other'));
  await acceptStatement(withSuite, theirs('elsewhere', 'third'));
  assert.deepEqual([await listed('stable'), await listed('elsewhere')], [['hello'], ['third']]);
});

test('a file is found by each place where it was rebuilt', async () => {
  await record(rebuildResult({ verdict: 'differs' }));
  const { id } = await acceptStatement(house(), foreign(rebuildResult()));
  await deps.db.updateTable('rebuild').set({ place: 'one/stable' }).where('id', '=', id).execute();
  const rows = await listStatuses(deps.db, { place: 'stable' }, { foreign: new Map([[far.publicKey, 'far']]) }, first);
  assert.deepEqual(
    rows.map(({ verdict, rebuilder }) => [verdict, rebuilder]),
    [['reproduced', 'far']],
  );
});

test('listStatuses filters by verdict, confirmed cause, place, architecture and part of a name', async () => {
  await record(rebuildResult());
  const causes = [
    { kind: 'clock', detail: 'the year', confirmed: true },
    { kind: 'locale', detail: '', confirmed: false },
  ] as const;
  await record(rebuildResult({ name: 'zlib', verdict: 'differs', architecture: 'arm64', place: 'debian/sid', causes }));
  for (const [filters, names] of [
    [{ verdict: 'differs' }, ['zlib']],
    [{ cause: 'clock' }, ['zlib']],
    [{ cause: 'locale' }, []],
    [{ place: 'debian/sid' }, ['zlib']],
    [{ architecture: 'amd64' }, ['hello']],
    [{ contains: 'l' }, ['hello', 'zlib']],
    [{ contains: '%' }, []],
  ] as const) {
    const rows = await listStatuses(deps.db, filters, nobody, first);
    assert.deepEqual(
      rows.map(({ name }) => name),
      names,
      JSON.stringify(filters),
    );
  }
});

test('recordRebuild takes two of one file in any order, and no other statement under a known invocation', async () => {
  await record(rebuildResult({ finishedOn: '2026-01-03T00:00:00Z' }));
  await record(rebuildResult());
  assert.equal((await findRebuilds(deps.db, { name: 'hello' })).length, 2);
  invocations--;
  await assert.rejects(record(rebuildResult({ name: 'other' })), { code: 'replayed', message: /invocation/ });
});

test('acceptStatement takes a named rebuilder by its key, under its name here, once, and says so in the audit trail', async () => {
  const envelope = foreign(rebuildResult());
  const { id, rebuilder } = await acceptStatement(house(), envelope, { actor: 'ada' });
  assert.equal(rebuilder, 'far');
  assert.equal((await acceptStatement(house(), envelope)).id, id);
  const [found, ...others] = await findRebuilds(deps.db, {});
  assert.deepEqual([found!.origin, found!.rebuilder, others], ['foreign', 'far', []]);
  assert.deepEqual(await events(), [['rebuild-recorded', 'far: hello 2.10-3 (amd64) was reproduced', 'ada']]);
});

const newYear = new Date('2026-01-01T00:00:00Z');
for (const [why, change, result, code] of [
  ['whose key is revoked', { isRevoked: true }, {}, 'revoked-rebuilder'],
  ['whose key is no longer valid', { validBefore: new Date('2026-01-31T00:00:00Z') }, {}, 'not-valid-then'],
  ['whose key was not valid yet', { validAfter: new Date('2026-01-02T00:00:00Z') }, {}, 'not-valid-then'],
  ['from the future', {}, { finishedOn: '2026-02-01T00:06:00Z' }, 'not-valid-then'],
  ['of other bytes than those published here', {}, { version: '2.10-4' }, 'other-file'],
] as const) {
  test(`acceptStatement refuses a statement ${why}, and says so in the audit trail`, async () => {
    await publish('2.10-4', sha256('other bytes'));
    await assert.rejects(acceptStatement(house(change), foreign(rebuildResult(result))), { code });
    assert.deepEqual(await findRebuilds(deps.db, {}), []);
    assert.deepEqual(
      (await events()).map(([kind]) => kind),
      ['rebuild-refused'],
    );
  });
}

test('acceptStatement takes a statement of exactly the bytes that are published here', async () => {
  await publish('2.10-3', rebuildResult().files[0]!.original.sha256);
  await acceptStatement(
    house({ validAfter: newYear, validBefore: new Date('2026-02-01T00:00:01Z') }),
    foreign(rebuildResult()),
  );
  assert.equal((await findRebuilds(deps.db, {})).length, 1);
});

test('acceptStatement refuses what was signed by a key that nobody named, and leaves no trace of it', async () => {
  const envelope = signRebuild({ rebuilder: 'far', invocation: 'x', result: rebuildResult() }, one.sign);
  await assert.rejects(acceptStatement(house(), envelope), { code: 'bad-signature' });
  const stranger = { ...deps, distribution: { ...deps.distribution, suites: new Map() } };
  await assert.rejects(acceptStatement(stranger, foreign(rebuildResult())), { code: 'bad-signature' });
  assert.deepEqual(await events(), []);
});

test('acceptStatement refuses a statement replayed: another of the same invocation, or an older one of the file', async () => {
  const newer = rebuildResult({ finishedOn: '2026-01-03T00:00:00Z', verdict: 'differs' });
  await acceptStatement(house(), foreign(newer, 'a'));
  await assert.rejects(acceptStatement(house(), foreign(rebuildResult(), 'b')), {
    code: 'replayed',
    message: /something newer of hello_2.10-3_amd64.deb/,
  });
  const other = rebuildResult({ name: 'zlib', finishedOn: '2026-01-04T00:00:00Z' });
  await assert.rejects(acceptStatement(house(), foreign(other, 'a')), { code: 'replayed' });
  assert.equal((await findRebuilds(deps.db, {})).length, 1);
});

test('acceptStatement refuses an envelope of which anything was changed', async () => {
  const { payload, ...envelope } = JSON.parse(foreign(rebuildResult())) as { payload: string; payloadType: string };
  const text = Buffer.from(payload, 'base64').toString();
  const swapped = text.replaceAll(sha256('hello 2.10-3'), sha256('zlib'));
  const again = (said: string) => JSON.stringify({ ...envelope, payload: Buffer.from(said).toString('base64') });
  assert.notEqual(swapped, text);
  for (const [changed, code] of [
    [again(swapped), 'bad-signature'],
    [again(text.replace('reproduced', 'differs')), 'bad-signature'],
    [JSON.stringify({ ...envelope, payload, payloadType: 'application/json' }), 'bad-envelope'],
    [JSON.stringify({ ...envelope, payload, signatures: [] }), 'bad-envelope'],
    ['{', 'bad-envelope'],
  ] as const) {
    await assert.rejects(acceptStatement(house(), changed), { code }, code);
  }
});

for (const [why, change, code] of [
  [
    'subjects that its predicate does not name',
    { subject: [{ name: 'x.deb', digest: { sha256: sha256('x') } }] },
    'bad-statement',
  ],
  ['another predicate', { predicateType: 'https://slsa.dev/provenance/v1' }, 'bad-statement'],
  ['no invocation', { predicate: { rebuilder: 'far', result: rebuildResult() } }, 'bad-statement'],
  ['no predicate', { predicate: null }, 'bad-statement'],
  ['a result that is none', { predicate: { rebuilder: 'far', invocation: 'x', result: {} } }, 'bad-rebuild'],
] as const) {
  test(`acceptStatement refuses a signed statement with ${why}`, async () => {
    const { payload } = JSON.parse(foreign(rebuildResult())) as { payload: string };
    const statement = JSON.parse(Buffer.from(payload, 'base64').toString()) as Statement;
    const envelope = signStatement({ ...statement, ...change }, 'far', far.sign);
    await assert.rejects(acceptStatement(house(), envelope), { code });
  });
}

async function events(): Promise<(string | null)[][]> {
  const rows = await deps.db.selectFrom('event').select(['kind', 'message', 'actor']).orderBy('id').execute();
  return rows.map(({ kind, message, actor }) => [kind, message, actor]);
}

/** hello is accepted here with these bytes. */
async function publish(version: string, digest: string, suite?: string): Promise<void> {
  const { id } = await deps.db
    .insertInto('binary_package')
    .values({
      ...{
        repository: 'main',
        name: 'hello',
        version,
        architecture: 'amd64',
        source: 'hello',
        source_version: version,
      },
      ...{ component: 'main', control: '', filename: `hello_${version}_amd64.deb`, sha256: digest, size: 1 },
      ...{ job: null, attempt: null, accepted_at: new Date(0) },
    })
    .returning('id')
    .executeTakeFirstOrThrow();
  if (suite === undefined) return;
  const publication = { suite, source_package: null, binary_package: id, state: 'PUBLISHED' as const };
  await deps.db
    .insertInto('publication')
    .values({ ...publication, created_at: new Date(0) })
    .execute();
}
