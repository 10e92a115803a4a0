import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import fc from 'fast-check';
import { sql } from 'kysely';

import { historyWorld, toyBinary, type HistoryWorld, type ToyEntry } from '../../test/history-world.ts';
import { sha256 } from '../kit/digest.ts';
import type { IndexContent } from '../model/index-history.ts';
import { toSnapshotId, type SnapshotId } from '../model/names.ts';
import { entriesAt, findSnapshot, indexesAt, listAlarms, listSnapshots, recordSnapshot } from './mod.ts';

let world: HistoryWorld;
before(async () => {
  world = await historyWorld();
});
after(() => world.close());

let suites = 0;
/** A suite that no other test has. */
const newSuite = () => ({ origin: 'debian', suite: `suite${++suites}` });
const at = (day: number) => toSnapshotId(new Date(Date.UTC(2026, 0, day)));
const names = async (ref: { origin: string; suite: string; snapshotId: string }) =>
  (await entriesAt(world.deps, ref as never, { kind: 'binary' })).map((each) => `${each.name} ${each.version}`);
const packages = {
  path: 'main/binary-amd64/Packages',
  kind: 'packages',
  component: 'main',
  architecture: 'amd64',
} as const;

test('recordSnapshot records once; said again it changes nothing', async () => {
  const ref = { ...newSuite(), snapshotId: at(1) };
  const first = await world.record(ref, [{ name: 'alpha' }], [{ name: 'alpha' }]);
  assert.deepEqual(first, { kind: 'recorded', alarms: [] });
  assert.equal((await world.record(ref, [{ name: 'alpha' }], [{ name: 'alpha' }])).kind, 'known');
  const next = { ...ref, snapshotId: at(2) };
  const counts = { added: 1, removed: 0, upgraded: 1, downgraded: 0, altered: 0 };
  const second = await world.record(next, [{ name: 'alpha', version: '2' }, { name: 'beta' }], [{ name: 'alpha' }]);
  assert.deepEqual(second.changes?.binary, counts);
  assert.deepEqual(await world.record(next, [{ name: 'alpha', version: '2' }, { name: 'beta' }], [{ name: 'alpha' }]), {
    ...second,
    kind: 'known',
  });
  assert.deepEqual((await findSnapshot(world.db, ref))?.changes, second.changes);
});

test('recordSnapshot takes a Release file that comes later than its indexes', async () => {
  const ref = { ...newSuite(), snapshotId: at(1) };
  await world.record(ref, [{ name: 'alpha' }]);
  const release = sha256('Release');
  assert.equal((await world.record({ ...ref, release, signedBy: ['AB'] }, [{ name: 'alpha' }])).kind, 'recorded');
  const found = await findSnapshot(world.db, ref, at(1) as SnapshotId);
  assert.deepEqual([found?.release, found?.signedBy], [release, ['AB']]);
  assert.equal((await world.record({ ...ref, release }, [{ name: 'alpha' }])).kind, 'known');
});

test('recordSnapshot adds indexes to a known snapshot, and closes those that are no longer in a new one', async () => {
  const suite = newSuite();
  const ref = { ...suite, snapshotId: at(1) };
  await world.record(ref, [{ name: 'alpha' }]);
  await world.record(ref, [{ name: 'extra', component: 'contrib' }]);
  assert.deepEqual(await names(ref), ['alpha 1.0-1', 'extra 1.0-1']);
  await world.record({ ...suite, snapshotId: at(2) }, [{ name: 'alpha' }]);
  assert.deepEqual(await names({ ...suite, snapshotId: at(2) }), ['alpha 1.0-1']);
  assert.deepEqual(await names(ref), ['alpha 1.0-1', 'extra 1.0-1']);
  const [contrib] = (await indexesAt(world.db, ref as never)).filter(({ component }) => component === 'contrib');
  assert.equal(contrib?.until, at(2));
});

test('recordSnapshot refuses other content for a known snapshot, and another store', async () => {
  const ref = { ...newSuite(), snapshotId: at(1) };
  await world.record(ref, [{ name: 'alpha' }]);
  await assert.rejects(world.record(ref, [{ name: 'alpha', version: '2' }]), { code: 'snapshot-differs' });
  assert.deepEqual(await names(ref), ['alpha 1.0-1']);
  const store = Object.create(world.store, { id: { value: 'another' } });
  const snapshot = { ...ref, snapshotId: at(2) as SnapshotId, seenAt: new Date(), signedBy: [], indexes: [] };
  await assert.rejects(recordSnapshot({ ...world.deps, store }, snapshot), {
    code: 'history-mismatch',
    kind: 'environment',
  });
});

test('recordSnapshot keeps nothing of a snapshot with an index that cannot be read', async () => {
  const suite = newSuite();
  await world.record({ ...suite, snapshotId: at(1) }, [{ name: 'alpha' }]);
  const broken = await world.keep(packages, `${toyBinary({ name: 'beta' })}Package: no version\n`);
  await assert.rejects(world.record({ ...suite, snapshotId: at(2), indexes: [broken] }, []), (error: Error) => {
    assert.match(error.message, /Package: no version/);
    return (error as { code?: string }).code === 'bad-index';
  });
  assert.equal((await listSnapshots(world.db, suite, { limit: 5 })).length, 1);
  assert.equal((await world.record({ ...suite, snapshotId: at(2) }, [{ name: 'beta' }])).kind, 'recorded');
});

test('recordSnapshot counts a stanza that stands twice in an index once', async () => {
  const ref = { ...newSuite(), snapshotId: at(1) };
  const stanza = toyBinary({ name: 'alpha' });
  const twice = await world.keep(packages, `\n\n${stanza}${stanza}\n\n`);
  await world.record({ ...ref, indexes: [twice] }, []);
  assert.deepEqual(await names(ref), ['alpha 1.0-1']);
});

test('recordSnapshot raises an alarm for a version with other bytes, once for each', async () => {
  const origin = 'alarming';
  const [one, two] = [sha256('one'), sha256('two')].toSorted() as string[] as [string, string];
  const alpha = (digest: string): ToyEntry[] => [{ name: 'alpha', sha256: digest }];
  const quiet = await world.record({ origin, suite: 'a', snapshotId: at(1) }, alpha(one));
  assert.deepEqual(quiet.alarms, []);
  // Another origin may have its own.
  const other = await world.record({ origin: 'elsewhere', suite: 'a', snapshotId: at(1) }, alpha(two));
  assert.deepEqual(other.alarms, []);
  const loud = await world.record({ origin, suite: 'b', snapshotId: at(2) }, alpha(two));
  assert.deepEqual(
    loud.alarms.map((alarm) => [alarm.name, alarm.version, alarm.architecture, alarm.sha256]),
    [['alpha', '1.0-1', 'amd64', [one, two]]],
  );
  const again = await world.record({ origin, suite: 'c', snapshotId: at(3) }, alpha(two));
  assert.deepEqual(again.alarms, []);
  const third = await world.record({ origin, suite: 'c', snapshotId: at(4) }, alpha(sha256('three')));
  assert.equal(third.alarms[0]?.sha256.length, 3);
  assert.deepEqual(
    await listAlarms(world.db, { origin, limit: 5 }),
    third.alarms.map((alarm) => ({ ...alarm, seenAt: loud.alarms[0]!.seenAt })),
  );
});

test('recordSnapshot counts a rise of a version against all versions that stay', async () => {
  const suite = newSuite();
  const [one, two, three] = ['1', '2', '3'].map((version) => ({ name: 'alpha', version }));
  await world.record({ ...suite, snapshotId: at(1) }, [one!, two!]);
  const { changes } = await world.record({ ...suite, snapshotId: at(2) }, [two!, three!]);
  assert.deepEqual([changes?.binary.added, changes?.binary.removed, changes?.binary.upgraded], [0, 0, 1]);
});

/** What each snapshot holds: some of a few package versions, or no index at all. */
const content = fc.option(fc.subarray([0, 1, 2, 3, 4, 5]), { nil: undefined });
type Day = { readonly day: number; readonly holds: readonly number[] | undefined };

test('recordSnapshot: snapshots in any order give the same history', async () => {
  const suite = fc.array(content, { minLength: 1, maxLength: 6 }).chain((all) =>
    fc.shuffledSubarray(
      all.map((holds, day): Day => ({ day: day + 1, holds })),
      { minLength: all.length },
    ),
  );
  await fc.assert(
    fc.asyncProperty(suite, async (days) => {
      const ref = newSuite();
      for (const { day, holds } of days) {
        await world.record({ ...ref, snapshotId: at(day), indexes: await indexOf(holds) }, []);
      }
      await assertHistory(ref, days);
    }),
    { numRuns: 60 },
  );
});

test('recordSnapshot: indexes that are told of later give the same history', async () => {
  const suite = fc.array(content, { minLength: 1, maxLength: 5 });
  await fc.assert(
    fc.asyncProperty(suite, fc.infiniteStream(fc.nat()), async (contents, order) => {
      const ref = newSuite();
      const days = contents.map((holds, day): Day => ({ day: day + 1, holds }));
      for (const { day } of days) await world.record({ ...ref, snapshotId: at(day) }, []);
      const rank = new Map(days.map((each) => [each, order.next().value]));
      for (const { day, holds } of days.toSorted((a, b) => rank.get(a)! - rank.get(b)!)) {
        await world.record({ ...ref, snapshotId: at(day), indexes: await indexOf(holds) }, []);
      }
      await assertHistory(ref, days);
    }),
    { numRuns: 40 },
  );
});

const entryOf = (number: number): ToyEntry => ({ name: `p${number % 3}`, version: `${1 + Math.floor(number / 3)}` });

const kept = new Map<string, IndexContent>();

/** Each content is put into the store once: a put waits for the disk. */
async function indexOf(holds: readonly number[] | undefined): Promise<IndexContent[]> {
  if (holds === undefined) return [];
  const text = holds.map((number) => toyBinary(entryOf(number))).join('');
  const index = kept.get(text) ?? (await world.keep(packages, text));
  kept.set(text, index);
  return [index];
}

/** The same intervals as a plain walk over the days gives, and the same changes. */
async function assertHistory(ref: { origin: string; suite: string }, days: readonly Day[]): Promise<void> {
  const sorted = days.toSorted((a, b) => a.day - b.day);
  const expected: string[] = [];
  for (let number = 0; number < 6; number++) {
    let since: string | undefined;
    for (const { day, holds = [] } of [...sorted, { day: 31, holds: [] }]) {
      const here = holds.includes(number);
      if (here && since === undefined) since = at(day);
      if (!here && since !== undefined) {
        const { name, version } = entryOf(number);
        expected.push([name, version, since, day === 31 ? '' : at(day)].join(' '));
        since = undefined;
      }
    }
  }
  const { rows } = await sql<{ line: string }>`
    select concat_ws(' ', s.name, s.version, p.since, coalesce(p.until, '')) as line
    from presence p join stanza s on s.piece = p.piece join history_index i on i.id = p.index
    where i.origin = ${ref.origin} and i.suite = ${ref.suite}`.execute(world.db);
  assert.deepEqual(rows.map((row) => row.line).toSorted(), expected.toSorted());

  for (const [place, { day, holds }] of sorted.entries()) {
    const [index] = await indexesAt(world.db, { ...ref, snapshotId: at(day) as SnapshotId });
    assert.equal(index?.sha256, (await indexOf(holds))[0]?.sha256);
    const view = await findSnapshot(world.db, ref, at(day) as SnapshotId);
    assert.deepEqual(view?.changes, place === 0 ? undefined : await changesBetween(sorted[place - 1]!, sorted[place]!));
  }
  const { rows: counted } = await sql<{ line: string }>`
    select v.entries || ' ' || count(distinct p.piece) as line
    from history_index_version v join history_index i on i.id = v.index
    left join presence p on p.index = v.index and p.since <= v.since and (p.until is null or p.until > v.since)
    where i.origin = ${ref.origin} and i.suite = ${ref.suite} group by v.index, v.since, v.entries`.execute(world.db);
  for (const { line } of counted) assert.match(line, /^(\d+) \1$/);
}

async function changesBetween(left: Day, right: Day) {
  const entries = ({ holds = [] }: Day) =>
    holds.map(entryOf).map(({ name, version = '' }) => ({
      ...{ kind: 'binary' as const, name, version, architecture: 'amd64', source: name, sourceVersion: version },
      ...{ sha256: sha256(`${name} ${version} amd64`), size: 1000, component: 'main' },
    }));
  return world.deps.countChanges(entries(left), entries(right));
}
