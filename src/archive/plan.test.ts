import assert from 'node:assert/strict';
import test from 'node:test';

import fc from 'fast-check';

import { compareVersions } from '../formats/deb/version.ts';
import { parseArchitecture } from '../model/names.ts';
import type { BinaryEntry, LiveState, SourceEntry } from './content.ts';
import { changesSomething, planContent } from './plan.ts';

const suite = { architectures: ['amd64', 'arm64'].map(parseArchitecture), archAll: parseArchitecture('amd64') };

let next = 1;
const source = (name: string, version: string, architectures: string, state: LiveState = 'PENDING'): SourceEntry => ({
  publication: next++,
  state,
  name,
  version,
  component: 'main',
  stanza: `Source: ${name}\nArchitecture: ${architectures}\n`,
  directory: '',
  files: [],
  tagBuild: undefined,
});
const binary = (id: string, from: string, state: LiveState = 'PENDING'): BinaryEntry => {
  const [name, version, architecture] = id.split('_') as [string, string, string];
  const [sourceName, sourceVersion] = from.split('_') as [string, string];
  return {
    publication: next++,
    state,
    name,
    version,
    architecture,
    source: sourceName,
    sourceVersion,
    component: 'main',
    control: '',
    filename: '',
    sha256: '',
    size: 0,
    job: undefined,
  };
};

type Case = {
  readonly sources: readonly SourceEntry[];
  readonly binaries: readonly BinaryEntry[];
  readonly expect: {
    sources: string[];
    binaries: string[];
    superseded?: string[];
    obsolete?: string[];
    held?: string[];
  };
};

const cases: Record<string, Case> = {
  'keeps the highest version of each name and architecture': {
    sources: [source('a', '1', 'any', 'PUBLISHED'), source('a', '2', 'any')],
    binaries: [
      binary('a_1_amd64', 'a_1', 'PUBLISHED'),
      binary('a_1_arm64', 'a_1', 'PUBLISHED'),
      binary('a_2_amd64', 'a_2'),
    ],
    expect: { sources: ['a_1', 'a_2'], binaries: ['a_2_amd64', 'a_1_arm64'], superseded: ['a_1_amd64'] },
  },
  'ends a source with its last binary': {
    sources: [source('a', '1', 'any', 'PUBLISHED'), source('a', '2', 'any')],
    binaries: [
      binary('a_1_amd64', 'a_1', 'PUBLISHED'),
      binary('a_1_arm64', 'a_1', 'PUBLISHED'),
      binary('a_2_amd64', 'a_2'),
      binary('a_2_arm64', 'a_2'),
    ],
    expect: {
      sources: ['a_2'],
      binaries: ['a_2_amd64', 'a_2_arm64'],
      superseded: ['a_1_amd64', 'a_1_arm64', 'a_1'],
    },
  },
  'holds a source until its first binary comes': {
    sources: [source('a', '1', 'any', 'PUBLISHED'), source('a', '2', 'any')],
    binaries: [binary('a_1_amd64', 'a_1', 'PUBLISHED')],
    expect: { sources: ['a_1'], binaries: ['a_1_amd64'], held: ['a_2'] },
  },
  'lets late binaries of an older version be superseded, and their source with them': {
    sources: [source('a', '1', 'amd64'), source('a', '2', 'amd64', 'PUBLISHED')],
    binaries: [binary('a_1_amd64', 'a_1'), binary('a_2_amd64', 'a_2', 'PUBLISHED')],
    expect: { sources: ['a_2'], binaries: ['a_2_amd64'], superseded: ['a_1_amd64', 'a_1'] },
  },
  'gives up a waiting source once a newer one is complete': {
    sources: [source('a', '1', 'amd64'), source('a', '2', 'amd64', 'PUBLISHED')],
    binaries: [binary('a_2_amd64', 'a_2', 'PUBLISHED')],
    expect: { sources: ['a_2'], binaries: ['a_2_amd64'], superseded: ['a_1'] },
  },
  'keeps a waiting source while a newer one is incomplete': {
    sources: [source('a', '1', 'any'), source('a', '2', 'any', 'PUBLISHED')],
    binaries: [binary('a_2_amd64', 'a_2', 'PUBLISHED')],
    expect: { sources: ['a_2'], binaries: ['a_2_amd64'], held: ['a_1'] },
  },
  'ends what the new version no longer builds, architecture by architecture': {
    sources: [source('a', '1', 'any', 'PUBLISHED'), source('a', '2', 'any')],
    binaries: [
      binary('a-old_1_amd64', 'a_1', 'PUBLISHED'),
      binary('a-old_1_arm64', 'a_1', 'PUBLISHED'),
      binary('a_2_amd64', 'a_2'),
    ],
    expect: { sources: ['a_1', 'a_2'], binaries: ['a_2_amd64', 'a-old_1_arm64'], obsolete: ['a-old_1_amd64'] },
  },
  'keeps an all package until no architecture needs it': {
    sources: [source('a', '1', 'any all', 'PUBLISHED'), source('a', '2', 'any')],
    binaries: [binary('a-data_1_all', 'a_1', 'PUBLISHED'), binary('a_2_amd64', 'a_2')],
    expect: { sources: ['a_1', 'a_2'], binaries: ['a_2_amd64', 'a-data_1_all'] },
  },
  'ends an all package when every architecture has the new version': {
    sources: [source('a', '1', 'any all', 'PUBLISHED'), source('a', '2', 'any')],
    binaries: [
      binary('a-data_1_all', 'a_1', 'PUBLISHED'),
      binary('a_2_amd64', 'a_2', 'PUBLISHED'),
      binary('a_2_arm64', 'a_2'),
    ],
    expect: { sources: ['a_2'], binaries: ['a_2_amd64', 'a_2_arm64'], obsolete: ['a-data_1_all'], superseded: ['a_1'] },
  },
  'ends packages of an architecture that the new version gives up, once it is complete': {
    sources: [source('a', '1', 'any', 'PUBLISHED'), source('a', '2', 'all')],
    binaries: [
      binary('a_1_amd64', 'a_1', 'PUBLISHED'),
      binary('a_1_arm64', 'a_1', 'PUBLISHED'),
      binary('a_2_all', 'a_2'),
    ],
    expect: { sources: ['a_2'], binaries: ['a_2_all'], obsolete: ['a_1_amd64', 'a_1_arm64'], superseded: ['a_1'] },
  },
  'compares versions as dpkg does': {
    sources: [source('a', '1.0~rc1', 'any', 'PUBLISHED'), source('a', '1.0', 'any')],
    binaries: [binary('a_1.0~rc1_amd64', 'a_1.0~rc1', 'PUBLISHED'), binary('a_1.0_amd64', 'a_1.0')],
    expect: { sources: ['a_1.0'], binaries: ['a_1.0_amd64'], superseded: ['a_1.0~rc1_amd64', 'a_1.0~rc1'] },
  },
  'lets a package move to another source': {
    sources: [source('a', '5', 'any', 'PUBLISHED'), source('b', '6', 'any')],
    binaries: [binary('tool_5_amd64', 'a_5', 'PUBLISHED'), binary('tool_6_amd64', 'b_6')],
    expect: { sources: ['b_6'], binaries: ['tool_6_amd64'], superseded: ['tool_5_amd64', 'a_5'] },
  },
};

for (const [what, { sources, binaries, expect }] of Object.entries(cases)) {
  test(`planContent ${what}`, () => {
    const plan = planContent(suite, { sources, binaries });
    const names = new Map<number, string>([
      ...sources.map((each) => [each.publication, `${each.name}_${each.version}`] as const),
      ...binaries.map((each) => [each.publication, `${each.name}_${each.version}_${each.architecture}`] as const),
    ]);
    const named = (ids: readonly number[]) => ids.map((id) => names.get(id)!);
    const ids = (entries: readonly { publication: number }[]) => entries.map((entry) => entry.publication);
    assert.deepEqual(
      {
        sources: named(ids(plan.sources)),
        binaries: named(ids(plan.binaries)).toSorted(),
        superseded: named(plan.superseded),
        obsolete: named(plan.obsolete),
        held: named(plan.held),
      },
      { superseded: [], obsolete: [], held: [], ...expect, binaries: expect.binaries.toSorted() },
    );
  });
}

const anyContent = fc
  .array(
    fc.record({
      name: fc.constantFrom('a', 'b'),
      version: fc.constantFrom('1', '2', '3'),
      patterns: fc.constantFrom('any', 'all', 'any all', 'amd64'),
    }),
    { maxLength: 5 },
  )
  .chain((sources) =>
    fc.record({
      sources: fc.constant(sources),
      binaries: fc.array(
        fc.record({
          from: fc.nat(),
          name: fc.constantFrom('x', 'y'),
          architecture: fc.constantFrom('amd64', 'arm64', 'all'),
        }),
        { maxLength: sources.length === 0 ? 0 : 12 },
      ),
    }),
  )
  .map(({ sources, binaries }) => {
    const unique = [...new Map(sources.map((each) => [`${each.name}_${each.version}`, each])).values()];
    const entries = unique.map((each) => source(each.name, each.version, each.patterns));
    const made = binaries.map((each) => {
      const from = unique[each.from % unique.length]!;
      return binary(`${from.name}-${each.name}_${from.version}_${each.architecture}`, `${from.name}_${from.version}`);
    });
    return { sources: entries, binaries: made };
  });

test('planContent settles every entry once, keeps sources with their binaries, and is stable', () => {
  fc.assert(
    fc.property(anyContent, (content) => {
      const plan = planContent(suite, content);
      const all = [...content.sources, ...content.binaries].map((entry) => entry.publication).toSorted((a, b) => a - b);
      const settled = [
        ...[...plan.sources, ...plan.binaries].map((entry) => entry.publication),
        ...plan.superseded,
        ...plan.obsolete,
        ...plan.held,
      ].toSorted((a, b) => a - b);
      assert.deepEqual(settled, all);
      for (const each of plan.binaries) {
        assert.ok(plan.sources.some((from) => from.name === each.source && from.version === each.sourceVersion));
        for (const other of content.binaries) {
          if (other.name !== each.name || other.architecture !== each.architecture) continue;
          assert.ok(compareVersions(other.version, each.version) <= 0);
        }
      }
      const held = content.sources.filter((entry) => plan.held.includes(entry.publication));
      const published = {
        sources: [...plan.sources.map((each) => ({ ...each, state: 'PUBLISHED' as const })), ...held],
        binaries: plan.binaries.map((each) => ({ ...each, state: 'PUBLISHED' as const })),
      };
      assert.equal(changesSomething(planContent(suite, published)), false);
    }),
  );
});

test('planContent of a suite of all versions keeps every one, oldest first, and holds what has no binaries yet', () => {
  const sources = [source('a', '2', 'any', 'PUBLISHED'), source('a', '1', 'any'), source('a', '3', 'any')];
  const binaries = [
    binary('a_2_amd64', 'a_2', 'PUBLISHED'),
    binary('a_1_arm64', 'a_1'),
    binary('a-old_1_all', 'a_1'),
    binary('a_1~rc1_amd64', 'a_1'),
  ];
  const plan = planContent({ ...suite, versions: 'all' }, { sources, binaries });
  assert.deepEqual(
    plan.sources.map((each) => each.version),
    ['1', '2'],
  );
  assert.deepEqual(
    plan.binaries.map((each) => `${each.name}_${each.version}_${each.architecture}`),
    ['a_1~rc1_amd64', 'a_1_arm64', 'a_2_amd64', 'a-old_1_all'],
  );
  assert.deepEqual([plan.superseded, plan.obsolete, plan.held], [[], [], [sources[2]!.publication]]);
  // A source that lost its binaries stays until it is removed itself.
  const alone = planContent({ ...suite, versions: 'all' }, { sources, binaries: [] });
  assert.deepEqual(
    alone.sources.map((each) => each.version),
    ['2'],
  );
});

test('planContent of a suite of all versions ends nothing but what was removed', () => {
  fc.assert(
    fc.property(anyContent, fc.nat(), (content, pick) => {
      const all = [...content.sources, ...content.binaries];
      const gone = all[pick % Math.max(1, all.length)]?.publication;
      const marked = <T extends { readonly publication: number }>(entries: readonly T[]) =>
        entries.map((each) => (each.publication === gone ? { ...each, removed: true } : each));
      const removed = { sources: marked(content.sources), binaries: marked(content.binaries) };
      const plan = planContent({ ...suite, versions: 'all' }, removed);
      assert.deepEqual([plan.superseded, plan.obsolete], [[], []]);
      const ids = [...plan.sources, ...plan.binaries].map((each) => each.publication);
      assert.deepEqual(
        [...ids, ...plan.held, ...plan.deleted].toSorted((a, b) => a - b),
        all.map((each) => each.publication).toSorted((a, b) => a - b),
      );
      assert.deepEqual(
        planContent(
          { ...suite, versions: 'all' },
          { sources: removed.sources.toReversed(), binaries: removed.binaries.toReversed() },
        ).binaries,
        plan.binaries,
        'in whatever order they come',
      );
    }),
  );
});
