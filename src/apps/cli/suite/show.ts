/** Suites. */
import { aptSources, checkDatabase } from '../../../archive/mod.ts';
import { SheafError } from '../../../kit/error.ts';
import type { Suite } from '../../../model/distribution.ts';
import { loadSigner } from '../../../plumbing/signer.ts';
import { listSnapshots, listSuitePackages, listSuites } from '../../../tracker/mod.ts';
import type { SnapshotView, SuitePackageView, SuiteView } from '../../../tracker/mod.ts';
import type { House } from '../../house.ts';
import { signingKeyFile } from '../../paths.ts';
import { clean } from '../clean.ts';
import { formatTime } from '../output.ts';
import { style, styleState } from '../style.ts';
import { formatFields, formatTable, text } from '../table.ts';

export type SuiteDocument = SuiteView & {
  readonly packages: readonly SuitePackageView[];
  readonly snapshots: readonly SnapshotView[];
  /** A whole .sources file, the key inside it. */
  readonly aptSources: string;
};

const newestSnapshots = 10;

/** Throws `unknown-suite`, naming those there are. */
export function findSuite({ distribution }: Pick<House, 'distribution'>, name: string): Suite {
  const suite = distribution.suites.get(name as Suite['name']);
  if (suite !== undefined) return suite;
  throw new SheafError('unknown-suite', `Cannot find suite "${name}": sheaf.toml has none of this name`, {
    kind: 'usage',
    hint: `The suites there are: ${[...distribution.suites.keys()].join(', ')}`,
  });
}

/** Throws `archive-ahead`: what a database of something else says of them would be wrong. */
export async function readSuites(
  { archive, db, distribution, clock }: Pick<House, 'archive' | 'db' | 'distribution' | 'clock'>,
  suites: readonly Suite[] = [...distribution.suites.values()],
): Promise<SuiteView[]> {
  await checkDatabase(archive, suites);
  return listSuites(db, suites, clock.now());
}

export async function readSuite(house: House, name: string): Promise<SuiteDocument> {
  const { db, distribution, paths } = house;
  const suite = findSuite(house, name);
  const [[view], packages, snapshots, signer] = await Promise.all([
    readSuites(house, [suite]),
    allPackages(house, suite),
    listSnapshots(db, name, { limit: newestSnapshots }),
    loadSigner(signingKeyFile(paths, suite.repository)),
  ]);
  return {
    ...view!,
    packages,
    snapshots: snapshots.items,
    aptSources: aptSources(distribution, suite, signer.publicKeyArmored),
  };
}

async function allPackages({ db }: House, suite: Suite): Promise<SuitePackageView[]> {
  const all: SuitePackageView[] = [];
  let after: string | undefined;
  do {
    const page = await listSuitePackages(db, suite, { after, limit: 200 });
    all.push(...page.items);
    after = page.next;
  } while (after !== undefined);
  return all;
}

export function formatSuites(suites: readonly SuiteView[]): string[] {
  return formatTable(suites, [
    text('suite', (row) => row.name),
    text('repository', (row) => row.repository),
    text('architectures', (row) => row.architectures.join(' ')),
    text('snapshot', (row) => (row.snapshot === undefined ? undefined : `${row.name}@${row.snapshot.number}`)),
    text('sources', (row) => row.sources),
    text('binaries', (row) => row.binaries),
    text('how', (row) => row.sentence),
  ]);
}

function formatFrozen({ frozen, freeze }: SuiteView): string {
  if (freeze === undefined) return frozen ? 'yes, by sheaf.toml' : 'no';
  const why = freeze.reason === undefined ? '' : `: ${clean(freeze.reason)}`;
  return `since ${formatTime(freeze.since)} by ${clean(freeze.by)}${why}`;
}

export function formatSuite(suite: SuiteDocument): string[] {
  const packages = formatTable(suite.packages, [
    text('source', (row) => row.name),
    text('version', (row) => row.versions.join(', ')),
    { title: 'state', cell: (row) => styleState(row.state) },
    text('binaries', (row) =>
      [...new Set(row.binaries.map((binary) => `${binary.name}/${binary.architecture}`))].join(' '),
    ),
  ]);
  const snapshots = formatTable(suite.snapshots, [
    text('snapshot', (row) => `${suite.name}@${row.number}`),
    text('id', (row) => row.id),
    text('published', (row) => formatTime(row.createdAt)),
    text('valid until', (row) => formatTime(row.validUntil)),
    text('packages', (row) => row.packages),
  ]);
  return [
    `${style('bold', suite.name)}: ${clean(suite.description)}`,
    clean(suite.sentence),
    '',
    ...formatFields([
      ['repository', suite.repository],
      ['codename', suite.codename],
      ['upstream', suite.upstream],
      ['components', suite.components.join(' ')],
      ['architectures', suite.architectures.join(' ')],
      ['versions', suite.versions === 'all' ? 'all: every one that was ever taken' : undefined],
      ['frozen', formatFrozen(suite)],
      ['end of life', suite.endOfLife === undefined ? undefined : formatTime(suite.endOfLife)],
    ]),
    ...(suite.packages.length === 0 ? [] : ['', ...packages]),
    ...(suite.snapshots.length === 0 ? [] : ['', ...snapshots]),
    '',
    style('dim', `# /etc/apt/sources.list.d/${suite.name}.sources`),
    ...suite.aptSources.trimEnd().split('\n'),
  ];
}
