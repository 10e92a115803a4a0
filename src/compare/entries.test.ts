import assert from 'node:assert/strict';
import { test } from 'node:test';

import fc from 'fast-check';

import type { PackageEntry } from '../model/index-history.ts';
import { compareEntries, countChanges, groupBySource, selectChanges, type PackageChange } from './mod.ts';
import { anyEntry, entry } from './testdata/entry.ts';

/** `upgraded hello:amd64 1 → 2`. */
function tell({ changes }: { readonly changes: readonly PackageChange[] }): string[] {
  return changes.map((change) => {
    const side = ({ old, new: now }: PackageChange, which: 'old' | 'new') => {
      const found = which === 'old' ? old : now;
      return found === undefined ? [] : [`${found.version} ${found.architecture}`];
    };
    return `${change.change} ${change.name}: ${[...side(change, 'old'), ...side(change, 'new')].join(' → ')}`;
  });
}

const cases: readonly {
  readonly what: string;
  readonly left: readonly PackageEntry[];
  readonly right: readonly PackageEntry[];
  readonly changes: readonly string[];
}[] = [
  {
    what: 'added, removed, upgraded and downgraded, by source package and with the source itself first',
    left: [entry('b 1'), entry('c 2'), entry('d 2'), entry('c 2 source')],
    right: [entry('a 1'), entry('c 10'), entry('d 1~rc1'), entry('c 10 source')],
    changes: [
      'added a: 1 amd64',
      'removed b: 1 amd64',
      'upgraded c: 2 source → 10 source',
      'upgraded c: 2 amd64 → 10 amd64',
      'downgraded d: 2 amd64 → 1~rc1 amd64',
    ],
  },
  {
    what: 'the same version with other bytes',
    left: [entry('a 1', { sha256: 'aa' })],
    right: [entry('a 1', { sha256: 'bb' })],
    changes: ['altered a: 1 amd64 → 1 amd64'],
  },
  {
    what: 'a version written in another way that dpkg holds equal',
    left: [entry('a 1.0')],
    right: [entry('a 1.0-0')],
    changes: ['altered a: 1.0 amd64 → 1.0-0 amd64'],
  },
  {
    what: 'the same package in another component',
    left: [entry('a 1')],
    right: [entry('a 1', { component: 'contrib' })],
    changes: ['moved a: 1 amd64 → 1 amd64'],
  },
  {
    what: 'other bytes before another component',
    left: [entry('a 1')],
    right: [entry('a 1', { component: 'contrib', sha256: 'bb' })],
    changes: ['altered a: 1 amd64 → 1 amd64'],
  },
  {
    what: 'sizes where an index gives no SHA-256',
    left: [entry('a 1', { sha256: '' }), entry('b 1', { sha256: '', size: 2 })],
    right: [entry('a 1'), entry('b 1')],
    changes: ['altered b: 1 amd64 → 1 amd64'],
  },
  {
    what: 'all that became an architecture, as one package',
    left: [entry('a 1 all')],
    right: [entry('a 2 amd64')],
    changes: ['upgraded a: 1 all → 2 amd64'],
  },
  {
    what: 'all that became several architectures, for each of them',
    left: [entry('a 1 all')],
    right: [entry('a 2 amd64'), entry('a 2 arm64')],
    changes: ['upgraded a: 1 all → 2 amd64', 'upgraded a: 1 all → 2 arm64'],
  },
  {
    what: 'an architecture that became all with the same version as moved, not as altered',
    left: [entry('a 1 amd64')],
    right: [entry('a 1 all')],
    changes: ['moved a: 1 amd64 → 1 all'],
  },
  {
    what: 'an architecture that was added beside all that stays',
    left: [entry('a 1 all')],
    right: [entry('a 1 all'), entry('a 1 amd64')],
    changes: ['added a: 1 amd64'],
  },
  {
    what: 'one architecture and another as two packages',
    left: [entry('a 1 arm64')],
    right: [entry('a 1 amd64')],
    changes: ['added a: 1 amd64', 'removed a: 1 arm64'],
  },
  {
    what: 'only the newest of several versions',
    left: [entry('a 1'), entry('a 3'), entry('b 1'), entry('b 2')],
    right: [entry('a 3'), entry('a 2'), entry('b 3'), entry('b 2')],
    changes: ['upgraded b: 2 amd64 → 3 amd64'],
  },
  {
    what: 'a binary and a source package of one name as two',
    left: [entry('a 1 source')],
    right: [entry('a 1 amd64')],
    changes: ['removed a: 1 source', 'added a: 1 amd64'],
  },
  {
    what: 'texts that are no versions, as older than every version',
    left: [entry('a x:1'), entry('b x:')],
    right: [entry('a 0'), entry('b y:')],
    changes: ['upgraded a: x:1 amd64 → 0 amd64', 'upgraded b: x: amd64 → y: amd64'],
  },
];
for (const { what, left, right, changes } of cases) {
  test(`compareEntries tells ${what}`, () => {
    assert.deepEqual(tell(compareEntries(left, right)), changes);
  });
}

test('compareEntries names the versions that stand beside the newest', () => {
  const { changes } = compareEntries([entry('a 1'), entry('a 2')], [entry('a 2'), entry('a 1'), entry('a 3')]);
  assert.deepEqual(changes[0]?.old?.also, ['1']);
  assert.deepEqual(changes[0]?.new?.also, ['2', '1']);
});

test('compareEntries names the bytes that only one side has, where an index lists a version twice', () => {
  const [a, b] = [entry('a 1', { sha256: 'aa' }), entry('a 1', { sha256: 'bb' })];
  const { changes } = compareEntries([a], [a, b]);
  assert.deepEqual([changes[0]?.change, changes[0]?.old?.sha256, changes[0]?.new?.sha256], ['altered', 'aa', 'bb']);
});

test('compareEntries takes an `all` package that several indexes list for one', () => {
  const { changes, same } = compareEntries([entry('a 1 all')], [entry('a 1 all'), entry('a 1 all')]);
  assert.deepEqual([changes, same.binary], [[], 1]);
});

const entries = fc.array(anyEntry, { maxLength: 12 });

test('compareEntries of a list with itself, in another order, is empty', () => {
  fc.assert(
    fc.property(entries, (list) => {
      assert.deepEqual(compareEntries(list, list.toReversed()).changes, []);
    }),
  );
});

const mirrored = {
  added: 'removed',
  removed: 'added',
  upgraded: 'downgraded',
  downgraded: 'upgraded',
  altered: 'altered',
  moved: 'moved',
} as const;

const byText = (changes: readonly object[]) => changes.map((each) => JSON.stringify(each, sortedKeys)).sort();
function sortedKeys(_: string, value: unknown): unknown {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))
    : value;
}

test('compareEntries the other way round is the mirror image', () => {
  fc.assert(
    fc.property(entries, entries, (left, right) => {
      const mirror = compareEntries(right, left).changes.map(({ old, new: now, ...change }) => ({
        ...change,
        change: mirrored[change.change],
        ...(now === undefined ? {} : { old: now }),
        ...(old === undefined ? {} : { new: old }),
      }));
      assert.deepEqual(byText(compareEntries(left, right).changes), byText(mirror));
    }),
  );
});

test('compareEntries does not depend on the order of the lists', () => {
  fc.assert(
    fc.property(entries, entries, (left, right) => {
      assert.deepEqual(compareEntries(left, right), compareEntries(left.toReversed(), right.toReversed()));
    }),
  );
});

/** One version of each package, so that a difference says everything. */
const plainEntries = fc.uniqueArray(
  anyEntry.filter(({ sha256, version }) => sha256 !== '' && version !== '1.0-0'),
  { selector: ({ name, architecture }) => `${name} ${architecture}`, maxLength: 12 },
);

test('compareEntries: the left list with its changes applied is the right list', () => {
  const key = (kind: string, name: string, architecture: string) => `${kind} ${name} ${architecture}`;
  const value = (each: Pick<PackageEntry, 'version' | 'sha256' | 'component'>) =>
    `${each.version} ${each.sha256} ${each.component}`;
  const toMap = (list: readonly PackageEntry[]) =>
    new Map(list.map((each) => [key(each.kind, each.name, each.architecture), value(each)]));
  fc.assert(
    fc.property(plainEntries, plainEntries, (left, right) => {
      const applied = toMap(left);
      const { changes } = compareEntries(left, right);
      for (const { kind, name, old } of changes) if (old) applied.delete(key(kind, name, old.architecture));
      for (const { kind, name, new: now } of changes)
        if (now) applied.set(key(kind, name, now.architecture), value(now));
      assert.deepEqual([...applied].sort(), [...toMap(right)].sort());
    }),
  );
});

test('countChanges counts what compareEntries tells, also without the names that both lists have alike', () => {
  const text = (list: readonly PackageEntry[]) => JSON.stringify(byText(list));
  fc.assert(
    fc.property(entries, entries, (left, right) => {
      const of = (list: readonly PackageEntry[], { kind, name }: PackageEntry) =>
        list.filter((each) => each.kind === kind && each.name === name);
      const isOpen = (each: PackageEntry) => text(of(left, each)) !== text(of(right, each));
      const { counts } = compareEntries(left, right);
      const { moved: _b, ...binary } = counts.binary;
      const { moved: _s, ...source } = counts.source;
      assert.deepEqual(countChanges(left.filter(isOpen), right.filter(isOpen)), { binary, source });
    }),
  );
});

test('groupBySource puts the binaries of a source together, under its versions', () => {
  const of = (source: string, version: string) => ({ source, sourceVersion: version });
  const groups = groupBySource(
    compareEntries(
      [entry('libz1 1', of('z', '1')), entry('z 1 source'), entry('libq1 5', of('q', '1'))],
      [
        entry('libz2 2', of('z', '2')),
        entry('z 2 source'),
        entry('libq1 6', of('q', '2')),
        entry('libq2 6', of('q', '2')),
      ],
    ).changes,
  );
  assert.deepEqual(
    groups.map(({ changes, ...group }) => [group, changes.map(({ change, name }) => `${change} ${name}`)]),
    [
      [{ source: 'q', oldVersion: '1', newVersion: '2' }, ['upgraded libq1', 'added libq2']],
      [{ source: 'z', oldVersion: '1', newVersion: '2' }, ['upgraded z', 'removed libz1', 'added libz2']],
    ],
  );
});

test('selectChanges takes names of packages and of their sources, components of either side, classes and kinds', () => {
  const { changes } = compareEntries(
    [entry('liba1 1', { source: 'a' }), entry('b 1')],
    [entry('liba1 2', { source: 'a' }), entry('b 1', { component: 'contrib' }), entry('c 1 source')],
  );
  const names = (selection: Parameters<typeof selectChanges>[1]) =>
    selectChanges(changes, selection).map(({ name }) => name);
  assert.deepEqual(names({}), ['liba1', 'b', 'c']);
  assert.deepEqual(names({ names: ['a', 'c*'] }), ['liba1', 'c']);
  assert.deepEqual(names({ components: ['contrib'] }), ['b']);
  assert.deepEqual(names({ only: ['upgraded', 'added'], kinds: ['binary'] }), ['liba1']);
});
