/** Which suite here an old one becomes, and what sheaf.toml has to say for that. */
import { releaseFields } from '../../../archive/mod.ts';
import type { ForeignSuite } from '../../../flows/import-archive-suite.ts';
import { SheafError } from '../../../kit/error.ts';
import type { Distribution, ReleaseFields, Suite } from '../../../model/distribution.ts';
import { isSuiteName, parseArchitecture, parseLabel, type SuiteName } from '../../../model/names.ts';
import type { SuiteSettings } from '../../../policy/append-suite.ts';

export type PlannedSuite = {
  readonly foreign: ForeignSuite;
  readonly name: SuiteName;
  /** What is to be written to sheaf.toml; undefined when it is there. */
  readonly settings: SuiteSettings | undefined;
  readonly notes: readonly string[];
};

type Wish = {
  readonly repository: string;
  readonly as: string | undefined;
  readonly upstream: string | undefined;
};

/** Throws `suite-taken`, `suite-differs`, `usage`. */
export function planSuites(
  distribution: Distribution,
  foreign: readonly ForeignSuite[],
  wish: Wish,
): readonly PlannedSuite[] {
  if (wish.as !== undefined && (foreign.length !== 1 || !isSuiteName(wish.as))) {
    throw new SheafError(
      'usage',
      `Cannot import as "${wish.as}": that needs one suite and a name of letters, digits, "-", "." and "_"`,
      {
        kind: 'usage',
        hint: 'Choose one with: --suite NAME',
      },
    );
  }
  const planned: PlannedSuite[] = [];
  for (const each of foreign) planned.push(planSuite(distribution, each, foreign, planned, wish));
  return planned;
}

function planSuite(
  distribution: Distribution,
  foreign: ForeignSuite,
  all: readonly ForeignSuite[],
  before: readonly PlannedSuite[],
  wish: Wish,
): PlannedSuite {
  const name = chooseName(distribution, foreign, before, wish);
  const existing = distribution.suites.get(name);
  const codename = existing?.codename ?? chooseCodename(distribution, foreign, all, before, wish, name);
  const wanted = toSuite(distribution, foreign, wish, name, codename);
  const fields = differences(distribution, wanted, foreign.fields);
  const lost = [foreign.name, ...foreign.aliases].filter((each) => each !== name && each !== codename);
  const notes = [
    ...foreign.notes,
    ...(lost.length === 0
      ? []
      : [`Clients that name it ${lost.map((each) => `"${each}"`).join(', ')} do not find it any more.`]),
  ];
  if (existing !== undefined) {
    compareExisting(distribution, existing, foreign, wish.repository);
    return { foreign, name, settings: undefined, notes };
  }
  const { description } = foreign;
  const isLine = description !== undefined && description.trim() !== '' && description.length <= 200;
  return {
    ...{ foreign, name, notes },
    settings: {
      repository: wish.repository,
      description: isLine && !/\p{Cc}/u.test(description) ? description : undefined,
      codename: codename === name ? undefined : codename,
      upstream:
        wish.upstream ?? (distribution.upstreams.size === 1 ? [...distribution.upstreams.keys()][0] : undefined),
      components: wanted.components,
      architectures: wanted.architectures,
      versions: foreign.several ? 'all' : undefined,
      translation: foreign.translated ? true : undefined,
      releaseFields: fields,
    },
  };
}

/** The name by which Release calls it, when clients reach it by that; else its folder's. */
function chooseName(
  distribution: Distribution,
  { name, aliases, fields }: ForeignSuite,
  before: readonly PlannedSuite[],
  { as, repository }: Wish,
): SuiteName {
  const { suite = '', codename = '' } = fields;
  const reached = [name, ...aliases].includes(suite) || codename === name;
  const candidates = as === undefined ? [...(reached ? [suite] : []), name, ...aliases] : [as];
  const fits = candidates.find((each): each is SuiteName => {
    if (!isSuiteName(each) || before.some((other) => other.name === each)) return false;
    const existing = distribution.suites.get(each);
    return existing === undefined || existing.repository === repository;
  });
  if (fits !== undefined) return fits;
  throw new SheafError(
    'suite-taken',
    `Cannot import suite "${name}": its name is taken or is none that a suite here can have`,
    {
      kind: 'usage',
      hint: `Give it another: --suite ${name} --as NAME. Its Release file goes on saying what it said.`,
    },
  );
}

/** A second name below dists/: the folder's, or the one that Release says, as long as no other suite needs it. */
function chooseCodename(
  distribution: Distribution,
  foreign: ForeignSuite,
  all: readonly ForeignSuite[],
  before: readonly PlannedSuite[],
  { repository }: Wish,
  name: SuiteName,
): SuiteName {
  const wanted = name === foreign.name ? [...foreign.aliases, foreign.fields.codename ?? ''] : [foreign.name];
  const others = all.filter((each) => each !== foreign).flatMap((each) => [each.name, ...each.aliases]);
  const taken = new Set<string>([
    ...others,
    ...[...distribution.suites.values()]
      .filter((each) => each.repository === repository)
      .flatMap((each) => [each.name, each.codename]),
    ...before.flatMap((each) => [each.name, each.settings?.codename ?? each.name]),
  ]);
  return wanted.find((each): each is SuiteName => isSuiteName(each) && each !== name && !taken.has(each)) ?? name;
}

/** As far as its Release file goes. */
function toSuite(
  distribution: Distribution,
  { components, architectures, description }: ForeignSuite,
  { repository }: Wish,
  name: SuiteName,
  codename: SuiteName,
): Suite {
  const some = [...distribution.suites.values()][0]?.architectures ?? [parseArchitecture('amd64')];
  return {
    ...{ name, codename, components, description: description ?? '' },
    repository: parseLabel(repository),
    upstream: parseLabel('none'),
    architectures: architectures.length === 0 ? some.slice(0, 1) : architectures.map(parseArchitecture),
    archAll: some[0]!,
    packages: ['*'],
    distributions: [name],
    frozen: false,
    validFor: 0,
  };
}

/** Those fields that our Release would have otherwise. */
function differences(distribution: Distribution, suite: Suite, fields: ReleaseFields): ReleaseFields | undefined {
  const ours = withTitle(distribution, suite);
  const said = releaseFields(ours, suite);
  const other = (name: 'origin' | 'label' | 'suite' | 'codename' | 'version') =>
    (said[name] ?? '') === (fields[name] ?? '') ? undefined : (fields[name] ?? '');
  const differing = {
    ...{ origin: other('origin'), label: other('label'), suite: other('suite'), codename: other('codename') },
    version: other('version'),
    notAutomatic: fields.notAutomatic === true ? true : undefined,
    butAutomaticUpgrades: fields.butAutomaticUpgrades === true ? true : undefined,
  };
  return Object.values(differing).some((each) => each !== undefined) ? differing : undefined;
}

/** A repository that is about to be added. */
function withTitle(distribution: Distribution, { repository: name }: Suite): Distribution {
  if (distribution.repositories.has(name)) return distribution;
  const added = { name, title: `${distribution.title}: ${name}` };
  return { ...distribution, repositories: new Map([...distribution.repositories, [name, added]]) };
}

/** Clients refuse a suite whose Release says something else of itself than before. */
function compareExisting(distribution: Distribution, existing: Suite, foreign: ForeignSuite, repository: string): void {
  const wrong: string[] = [];
  if (existing.repository !== repository) wrong.push(`it is in repository "${existing.repository}"`);
  const lacks = (setting: 'components' | 'architectures') => {
    const missing = foreign[setting].filter((each) => !(existing[setting] as readonly string[]).includes(each));
    if (missing.length > 0) wrong.push(`its ${setting} lack ${missing.join(', ')}`);
  };
  lacks('components');
  lacks('architectures');
  const said = releaseFields(distribution, existing);
  for (const name of ['origin', 'label', 'suite', 'codename', 'version'] as const) {
    const [ours, theirs] = [said[name] ?? '', foreign.fields[name] ?? ''];
    if (ours !== theirs) wrong.push(`its Release says ${name} "${ours}", the old one "${theirs}" (release-fields)`);
  }
  const { notAutomatic, butAutomaticUpgrades } = existing.releaseFields ?? {};
  if (
    (notAutomatic === true) !== (foreign.fields.notAutomatic === true) ||
    (butAutomaticUpgrades === true) !== (foreign.fields.butAutomaticUpgrades === true)
  ) {
    wrong.push('NotAutomatic or ButAutomaticUpgrades of the old Release differ (release-fields)');
  }
  if (wrong.length === 0) return;
  throw new SheafError('suite-differs', `Cannot import into suite "${existing.name}": ${wrong.join('; ')}`, {
    kind: 'usage',
    hint: `Change [suite.${existing.name}] in sheaf.toml, or let it become another suite: --suite ${foreign.name} --as NAME.`,
  });
}
