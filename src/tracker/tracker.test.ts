import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { testDatabase, type TestDatabase } from '../../test/database.ts';
import { longLog, seed, seedAttempt, seedDistribution, seedJob, seedNow, seedTag } from '../../test/seed.ts';
import * as tracker from './mod.ts';

let database: TestDatabase;
let ids: Awaited<ReturnType<typeof seed>>;
const { suites } = seedDistribution();
const countLocked = async () => 153;

before(async () => {
  database = await testDatabase();
  ids = await seed(database.db);
});
after(() => database.close());

test('packageTimeline tells the whole way, newest tag first, without replays', async () => {
  const page = await tracker.packageTimeline(database.db, 'hello', countLocked);
  assert.deepEqual(
    page.items.map((each) => each.version),
    ['2.10-3', '2.10-2'],
  );
  const [newest, old] = page.items;
  assert.deepEqual(
    newest!.steps.map((step) => [step.kind, step.state]),
    [
      ['received', 'done'],
      ['verified', 'done'],
      ['admitted', 'done'],
      ['job', 'done'],
      ['job', 'done'],
      ['job', 'done'],
      ['accepted', 'done'],
      ['published', 'done'],
    ],
  );
  const words = newest!.steps.map((step) => step.sentence).join('\n');
  assert.match(words, /GitLab's webhook/);
  assert.match(words, /reported 1 more time; nothing was done twice/);
  assert.match(words, /Signed by ann with the OpenPGP key/);
  assert.match(words, /In the suite since snapshot stable@2\./);
  assert.match(old!.steps.at(-1)!.sentence, /Left it at .*superseded/);
  const build = newest!.steps.find((step) => step.kind === 'job' && step.title.includes('amd64'));
  assert.ok(build?.kind === 'job');
  assert.equal(build.files.length, 4);
  assert.deepEqual(
    build.evidence.map((each) => each.label),
    ['Environment of 153 packages', 'Signed provenance'],
  );
});

test('packageTimeline shows every reason of a refusal', async () => {
  const [refused] = (await tracker.packageTimeline(database.db, 'jq', countLocked)).items;
  const step = refused!.steps.at(-1)!;
  assert.ok(step.kind === 'refused');
  assert.deepEqual(
    step.refusals.map((each) => each.code),
    ['no-permission', 'version-not-greater', 'distribution-mismatch'],
  );
});

test('packageTimeline says what is skipped after a failure, and what waits', async () => {
  const failed = await tracker.tagBuildTimeline(
    database.db,
    (await tracker.showJob(database.db, ids.failed))!.tagBuild!,
    countLocked,
  );
  assert.deepEqual(
    failed!.steps.slice(-3).map((step) => step.state),
    ['failed', 'skipped', 'skipped'],
  );
  const moving = await tracker.tagBuildTimeline(database.db, ids.sed, countLocked);
  assert.deepEqual(
    moving!.steps.slice(-4).map((step) => step.state),
    ['running', 'waiting', 'waiting', 'waiting'],
  );
});

test('overview separates what moves from what needs somebody, and leaves out what a newer tag replaced', async () => {
  const before = await tracker.overview(database.db, seedNow);
  assert.deepEqual(
    before.moving.map((each) => each.id),
    [ids.received, ids.sed],
  );
  assert.deepEqual(before.stuck.map((each) => each.source).toSorted(), ['jq', 'nano']);
  assert.deepEqual(before.waiting, [{ architecture: 'arm64', count: 1 }]);
  assert.deepEqual(before.workers, { pending: 1, disabled: 1, busy: 1, idle: 1, silent: 1 });
  await seedTag(database.db, { source: 'nano', version: '8.0-2', state: 'DONE', at: seedNow, suite: 'next' });
  const later = await tracker.overview(database.db, seedNow);
  assert.deepEqual(
    later.stuck.map((each) => each.source),
    ['jq'],
  );
});

test('listPackages gives every suite and architecture exactly one state and a sentence', async () => {
  const page = await tracker.listPackages(database.db, suites, {});
  assert.deepEqual(
    page.items.map((each) => each.source),
    ['field-motd', 'hello', 'jq', 'nano', 'sed'],
  );
  for (const { statuses } of page.items) {
    const keys = statuses.map((each) => `${each.suite} ${each.architecture}`);
    assert.equal(new Set(keys).size, keys.length);
    for (const status of statuses) assert.match(status.sentence, /\.$/);
  }
  const motd = page.items[0]!.statuses;
  assert.deepEqual(
    motd.map((each) => [each.architecture, each.state]),
    [
      ['amd64', 'PUBLISHED'],
      ['arm64', 'PUBLISHED'],
    ],
  );
});

const names = async (part: string) =>
  (await tracker.listPackages(database.db, suites, { part })).items.map((each) => each.source);

test('listPackages searches for text as it is, and pages by name', async () => {
  assert.deepEqual(await names('ell'), ['hello']);
  assert.deepEqual(await names('%'), []);
  assert.deepEqual(await names('_'), []);
  const seen: string[] = [];
  for (let after: string | undefined = ''; after !== undefined;) {
    const page: tracker.Page<tracker.PackageListItem> = await tracker.listPackages(
      database.db,
      suites,
      {},
      { limit: 2, after },
    );
    seen.push(...page.items.map((each) => each.source));
    after = page.next;
  }
  assert.deepEqual(seen, ['field-motd', 'hello', 'jq', 'nano', 'sed']);
});

test('listJobs filters and pages without gaps or repeats', async () => {
  const all = (await tracker.listJobs(database.db, {}, { limit: 200 })).items.map((job) => job.id);
  const seen: number[] = [];
  for (let after: string | undefined; ;) {
    const page: tracker.Page<tracker.JobView> = await tracker.listJobs(database.db, {}, { limit: 4, after });
    seen.push(...page.items.map((job) => job.id));
    if (page.next === undefined) break;
    after = page.next;
  }
  assert.deepEqual(seen, all);
  assert.deepEqual(
    (await tracker.listJobs(database.db, { state: 'Building' })).items.map((job) => job.id),
    [ids.running],
  );
  assert.ok((await tracker.listJobs(database.db, { source: 'sed' })).items.every((job) => job.source === 'sed'));
  assert.equal((await tracker.listJobs(database.db, { source: 'nothing' })).items.length, 0);
});

test('findEvidence gives out locks, provenance and texts, and nothing else', async () => {
  const job = (await tracker.showJob(database.db, ids.hello.job))!;
  const [attempt] = job.attempts;
  const named = (end: string) => attempt!.files.find((file) => file.name.endsWith(end))!.sha256;
  assert.match((await tracker.findEvidence(database.db, job.id, job.lock!)) ?? '', /\.lock$/);
  assert.match((await tracker.findEvidence(database.db, job.id, attempt!.provenance!)) ?? '', /\.json$/);
  assert.match((await tracker.findEvidence(database.db, job.id, named('.buildinfo'))) ?? '', /\.buildinfo$/);
  assert.equal(await tracker.findEvidence(database.db, job.id, named('.deb')), undefined);
  assert.equal(await tracker.findEvidence(database.db, ids.running, attempt!.provenance!), undefined);
  assert.equal(await tracker.findEvidence(database.db, job.id, job.inputs[0]!.sha256), undefined);
});

test('readLog gives exactly the bytes asked for, wherever the chunks were cut', async () => {
  const log = Buffer.from(longLog(3000));
  const tag = await seedTag(database.db, {
    source: 'loud',
    version: '1',
    state: 'ACCEPTED',
    at: seedNow,
    suite: 'classic',
  });
  const job = await seedJob(database.db, { tag, source: 'loud', version: '1', state: 'Failed', at: seedNow });
  await seedAttempt(database.db, { job, worker: 'anvil', at: seedNow, outcome: 'failed', log });
  for (const [from, to] of [
    [0, log.length],
    [0, 1],
    [30_010, 30_012],
    [30_011, 60_022],
    [99_999, log.length],
    [log.length, log.length + 5],
  ] as const) {
    assert.deepEqual(
      await tracker.readLogRange(database.db, job, 1, from, to),
      log.subarray(from, to),
      `${from}-${to}`,
    );
  }
  assert.equal((await tracker.readLogRange(database.db, job, 2, 0, 10)).length, 0);
});

test('listSuites says when a Release has expired, and that a suite was never published', async () => {
  const seen = await tracker.listSuites(database.db, suites.values(), seedNow);
  const sentences = Object.fromEntries(seen.map((each) => [each.name, each.sentence]));
  assert.match(sentences['stable']!, /^Published as stable@2\.$/);
  assert.match(sentences['next']!, /Never published/);
  assert.match(sentences['classic']!, /expired/);
});

test('the read models answer for an empty database', async () => {
  const empty = await testDatabase();
  try {
    assert.deepEqual((await tracker.overview(empty.db, seedNow)).moving, []);
    assert.deepEqual((await tracker.listPackages(empty.db, suites, {})).items, []);
    assert.deepEqual((await tracker.packageTimeline(empty.db, 'hello', countLocked)).items, []);
    assert.equal(await tracker.showJob(empty.db, 1), undefined);
    assert.deepEqual(await tracker.listWorkers(empty.db, seedNow), []);
    assert.equal((await tracker.listSuites(empty.db, suites.values(), seedNow)).length, 3);
  } finally {
    await empty.close();
  }
});
